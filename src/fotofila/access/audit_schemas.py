"""What the audit log says on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class AuditActor(BaseModel):
    """Who did it."""

    kind: Literal["key", "user", "aws_key", "operator", "system"] = Field(
        description="`operator`: who has the machine; `system`: the program by itself."
    )
    id: str | None


class AuditEntryOut(BaseModel):
    """An entry of the audit log. The page *The audit log* of the docs tells how its hashes are made."""

    sequence: int
    id: str
    owner: str
    at: str = Field(description="To the microsecond, as it is hashed.", json_schema_extra={"format": "date-time"})
    actor: AuditActor
    action: str
    subject: str | None
    detail: dict[str, Any]
    previous_hash: str
    hash: str
