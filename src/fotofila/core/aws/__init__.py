"""Clients of Amazon's services, and of servers that speak as they do. Every adapter of AWS gets its client here."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS = 3
READ_SECONDS = 30
"""Longer than the longest poll of SQS, which is 20 seconds."""
CONNECTIONS = 50
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """Where a service is and who we are to it; what is empty is looked for in AWS's own chain.

    The chain is environment (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, …), profile, web identity, container and instance role.
    """

    region: str = ""
    endpoint: str = ""
    """`http(s)://host[:port]` of a server other than Amazon's."""
    access_key_id: str = ""
    secret_access_key: str = ""

    def client(self, service: str, *, attempts: int = ATTEMPTS) -> AbstractAsyncContextManager[Any]:
        """Open a client of a service for a block; it is shared by all tasks of the process.

        With one attempt nothing is tried again unseen, for callers that keep to a rate.
        """
        opened: AbstractAsyncContextManager[Any] = get_session().create_client(
            service,
            region_name=self.region or None,
            endpoint_url=self.endpoint or None,
            aws_access_key_id=self.access_key_id or None,
            aws_secret_access_key=self.secret_access_key or None,
            config=AioConfig(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=CONNECTIONS,
                parameter_validation=False,  # the callers are ours, and it costs as much as the request
                retries={"mode": "standard", "total_max_attempts": attempts},
                tcp_keepalive=True,
            ),
        )
        return opened


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return the code of what a service answered, without its namespace; empty when nothing was answered."""
    code = str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""
    return code.rpartition(".")[2]
