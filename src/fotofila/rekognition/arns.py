"""ARNs of collections: the account is a number made of the workspace, the region the one that the client signs for.

CreateCollection answers `aws:rekognition:…` and DescribeCollection `arn:aws:rekognition:…`, as AWS does; both are
taken.
"""

from __future__ import annotations

import hashlib
import re

from fotofila.rekognition.errors import AwsError

ACCOUNT_DIGITS = 12
_FORM = re.compile(
    r"(?:arn:)?aws[a-z-]*:rekognition:[a-z0-9-]+:(?P<account>\d{12}):collection/(?P<name>[a-zA-Z0-9_.\-]{1,255})",
    re.ASCII,
)


def account_of(owner: str) -> str:
    """Return the twelve digits that stand for a workspace."""
    number = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:8], "big") % 10**ACCOUNT_DIGITS
    return f"{number:0{ACCOUNT_DIGITS}d}"


def short_arn(owner: str, region: str, name: str) -> str:
    """Return the name of a collection as CreateCollection spells it."""
    return f"aws:rekognition:{region}:{account_of(owner)}:collection/{name}"


def full_arn(owner: str, region: str, name: str) -> str:
    """Return the name of a collection as DescribeCollection spells it."""
    return f"arn:{short_arn(owner, region, name)}"


def collection_of(arn: str, owner: str) -> str:
    """Return the collection that an ARN names.

    Raises:
        AwsError: it names nothing of ours, or something of another workspace.
    """
    match = _FORM.fullmatch(arn)
    if match is None:
        raise AwsError("InvalidParameterException", "The ARN is not that of a collection: DescribeCollection tells it.")
    if match["account"] != account_of(owner):
        raise AwsError("ResourceNotFoundException", "The ARN names a collection of another account.")
    return match["name"]
