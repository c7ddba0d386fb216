"""Processes by role: their CPU seconds and their peak memory, as the operating system counts them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.served import cpu_of, end

LOOK_SECONDS, MOST_LOOKS = 1.0, 60
CALM = 0.2
"""CPU seconds a second of all of them together, servers and what they do by the clock included."""


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Processes that a bench started, by role; `child_role` names what they start themselves, where that is apart."""

    processes: dict[str, list[psutil.Process]] = field(default_factory=dict)
    child_roles: dict[str, str] = field(default_factory=dict)

    def add(self, role: str, pid: int, *, child_role: str | None = None) -> None:
        """Count a process under a role, and what it starts under another, or the same."""
        self.processes.setdefault(role, []).append(psutil.Process(pid))
        self.child_roles[role] = child_role or role

    def _by_role(self) -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {}
        for role, processes in self.processes.items():
            for process in processes:
                found.setdefault(role, []).append(process)
                found.setdefault(self.child_roles[role], []).extend(process.children(recursive=True))
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds used so far."""
        return {role: sum(map(cpu_of, processes)) for role, processes in self._by_role().items()}

    def wait_until_calm(self) -> None:
        """Wait until what was started has started: a role that no photo needs may still be importing."""
        before = sum(self.cpu_seconds().values())
        for _ in range(MOST_LOOKS):
            time.sleep(LOOK_SECONDS)
            now = sum(self.cpu_seconds().values())
            if now - before < CALM * LOOK_SECONDS:
                return
            before = now
        raise TimeoutError("the processes have work although none was sent")

    def peak_mb(self) -> dict[str, float]:
        """Return the most resident memory that the processes of each role had, MiB, each at its own time."""
        return {role: sum(map(peak_of, processes)) for role, processes in self._by_role().items()}


def peak_of(process: psutil.Process) -> float:
    """Return the high-water mark of one process, MiB; its size now where the system keeps none."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float(process.memory_info().rss) / 2**20


def start(
    stack: contextlib.ExitStack, fleet: Fleet, role: str, command: Sequence[str], env: dict[str, str], **more: str
) -> None:
    """Start a process of a role; it ends with the stack."""
    process = subprocess.Popen(command, env=env)
    stack.callback(end, process)
    fleet.add(role, process.pid, child_role=more.get("child_role"))


def clean_env() -> dict[str, str]:
    """Return the environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FOTOFILA_")}
