"""What engines are called, and what our collections are at AWS.

An account has one list of collections there, and every workspace has its own names.
"""

from __future__ import annotations

import re

from fotofila.core.errors import InvalidInputError

LOCAL = "local"
REKOGNITION = "rekognition"

LONGEST = 255 - 32
"""Of a name without the longest prefix that the settings may give it."""
NAME = re.compile(r"[a-zA-Z0-9_.\-]+")
"""What Amazon takes, up to 255 characters (API reference: CollectionId)."""


def aws_collection(owner: str, name: str) -> str:
    """Return the name at AWS of a workspace's collection: `{owner}.{name}`; the engine puts its prefix before it.

    Raises:
        InvalidInputError: AWS takes no such name, or it is too long with the workspace's id before it.
    """
    full = f"{owner}.{name}"
    if NAME.fullmatch(name) and len(full) <= LONGEST:
        return full
    most = LONGEST - len(owner) - 1
    raise InvalidInputError(f"A collection at AWS has a name of at most {most} letters, digits, _, . and -.")


def own_collection(owner: str, full: str) -> str | None:
    """Return a workspace's own name for a collection at AWS; none where it is not theirs."""
    before, dot, name = full.partition(".")
    return name if dot and before == owner and name else None
