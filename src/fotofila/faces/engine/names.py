"""What engines are called, and what our collections are at AWS.

An account has one list of collections there, and every workspace has its own names.
"""

from __future__ import annotations

import re

from fotofila.core.errors import InvalidInputError

LOCAL = "local"
REKOGNITION = "rekognition"

LONGEST = 255
NAME = re.compile(r"[a-zA-Z0-9_.\-]+")
"""What Amazon takes, up to `LONGEST` characters (API reference: CollectionId)."""


def aws_collection(owner: str, name: str, *, prefix: str) -> str:
    """Return the full name at AWS of a workspace's collection: `{prefix}{owner}.{name}`.

    Raises:
        InvalidInputError: AWS takes no such name, or it is too long with what comes before it.
    """
    before = f"{prefix}{owner}."
    if NAME.fullmatch(name) and len(before) + len(name) <= LONGEST:
        return before + name
    most = LONGEST - len(before)
    raise InvalidInputError(f"A collection at AWS has a name of at most {most} letters, digits, _, . and -.")
