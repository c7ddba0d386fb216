from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import psutil

from tests.house.tracked import ROOT

ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def test_bench_that_is_ended_takes_its_servers_with_it() -> None:
    command = [sys.executable, "-m", "tests.bench.endless"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        server = next(int(line) for line in bench.stdout if line.strip().isdigit())
        bench.terminate()
        code = bench.wait()
    try:
        assert not psutil.pid_exists(server)
        assert code == ENDED_BY_SIGTERM
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
