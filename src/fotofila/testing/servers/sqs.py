"""A stand-in for SQS, SNS, DynamoDB and EC2. It accepts every signature: nothing about signing is tested on it."""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence

from fotofila.testing.servers.process import Server, answers, program


class SqsServer(Server):
    """A server that keeps its queues in memory: started again, it is empty."""

    name = "moto-server"

    @property
    def url(self) -> str:
        """`http://host:port`, the endpoint for every service."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """Serve on loopback."""
        return [program("moto_server", wheel="moto[server]"), "-H", "127.0.0.1", "-p", str(self.port)]

    def ready(self) -> bool:
        """Say whether it accepts connections."""
        return answers(self.port)

    def reset(self) -> None:
        """Forget everything."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass
