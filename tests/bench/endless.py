"""A bench that starts a server, says which, and never ends; `python -m tests.bench.endless`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from bench import __main__ as door
from bench.pipeline_processes import Fleet, start


def main(_argv: list[str]) -> int:
    fleet = Fleet()
    with contextlib.ExitStack() as stack:
        start(stack, fleet, "server", ["sleep", "600"], dict(os.environ))
        sys.stdout.write(f"{fleet.processes['server'][0].pid}\n")
        sys.stdout.flush()
        signal.pause()
    return 0


if __name__ == "__main__":
    door.BENCHES["endless"] = ("tests.bench.endless", "nothing")
    sys.exit(door.main(["endless"]))
