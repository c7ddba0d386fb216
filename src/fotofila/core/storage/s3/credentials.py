"""Who we are to S3: two settings, or what AWS's own chain finds (environment, profile, web identity, instance role)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from fotofila.core.clock import Clock
from fotofila.core.storage.base import StorageRefusedError

if TYPE_CHECKING:
    from obstore.store import S3Credential

GOOD_FOR = timedelta(minutes=10)
"""botocore renews what expires at the latest this long before it does."""


class Keys(NamedTuple):
    """A pair of keys; names are botocore's."""

    access_key: str
    secret_key: str
    token: str | None = None


Credentials = Callable[[], Awaitable[Keys]]
"""Returns keys that are good for ten minutes at least."""


def fixed_credentials(access_key_id: str, secret_access_key: str) -> Credentials:
    """Return keys that never change."""
    keys = Keys(access_key_id, secret_access_key)

    async def credentials() -> Keys:
        return keys

    return credentials


def chain_credentials() -> Credentials:
    """Return the keys of AWS's chain; it is walked once, and renews what expires."""
    from aiobotocore.session import get_session  # noqa: PLC0415 - 40 MB that a pair in the settings spares
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    session, found = get_session(), None

    async def credentials() -> Keys:
        nonlocal found
        try:
            found = found or await session.get_credentials()
            if found is not None:
                frozen = await found.get_frozen_credentials()
                return Keys(frozen.access_key, frozen.secret_key, frozen.token)
        except BotoCoreError as error:
            message = f"AWS's chain of credentials fails ({error}): mend it, or set FOTOFILA_STORAGE_ACCESS_KEY_ID."
            raise StorageRefusedError(message) from error
        raise StorageRefusedError(
            "There are no credentials for S3: set FOTOFILA_STORAGE_ACCESS_KEY_ID and "
            "FOTOFILA_STORAGE_SECRET_ACCESS_KEY, or give this machine a role."
        )

    return credentials


def for_obstore(credentials: Credentials, clock: Clock) -> Callable[[], Any]:
    """Return the same in the form that obstore asks in; it keeps them until five minutes before they expire."""

    async def provide() -> S3Credential:
        keys = await credentials()
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.token,
            "expires_at": clock.now() + GOOD_FOR,
        }

    return provide


def region_of_chain() -> str:
    """Return the region of AWS's environment or profile."""
    from botocore.session import get_session  # noqa: PLC0415

    return str(get_session().get_config_variable("region") or "us-east-1")
