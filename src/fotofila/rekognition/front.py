"""What the wire keeps for as long as the process runs: keys that were looked up, and how much is under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fotofila.access.aws_keys import CredentialCache
from fotofila.rekognition.errors import AwsError

if TYPE_CHECKING:
    from fotofila.core.capability import Context, DirectLane
    from fotofila.core.config import Settings
from fotofila.core.db import Database

PART = "rekognition"


@dataclass(slots=True, kw_only=True)
class Front:
    """One for the process, whichever port a request comes in by."""

    most: int
    credentials: CredentialCache = field(default_factory=CredentialCache)
    under_way: int = 0

    @contextmanager
    def room(self) -> Iterator[None]:
        """Hold a place while a request is read and answered.

        Raises:
            AwsError: ThrottlingException, before anything of the body is read.
        """
        if self.under_way >= self.most:
            raise AwsError("ThrottlingException", f"This server answers {self.most} calls at once: try again shortly.")
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    async def close(self) -> None:
        """Nothing is held open."""


def make_front(settings: Settings, direct: DirectLane, db: Database) -> Front:
    """Make the part of a process."""
    del direct, db
    return Front(most=settings.max_uploads)


def front_of(context: Context) -> Front:
    """Return the part of this process."""
    return cast("Front", context.parts[PART])
