"""Making, describing, changing and deleting collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.types import CollectionInfo


async def create_collection(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    tags: Mapping[str, str] | None = None,
    keep_chips: bool = True,
    ttl_days: int | None = None,
    consent_note: str | None = None,
    switched_on: bool = True,
) -> CollectionInfo:
    """Make a collection, which searches the vectors of the engine's model of this day.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: 1 to 255 of letters, digits, `_`, `.` and `-`; unique in the workspace.
        actor: who asks.
        tags: names and values for the client's own use.
        keep_chips: see `CollectionInfo`.
        ttl_days: days after which a face is erased.
        consent_note: what people agreed to.
        switched_on: recognise faces here although the workspace's switch is off; that is written to the audit log.

    Raises:
        CollectionExistsError: there is one of this name.
        InvalidInputError: the name is not of that form.
    """
    raise NotImplementedError


async def describe_collection(context: Context, owner: str, name: str) -> CollectionInfo:
    """Return a collection.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def list_collections(
    context: Context, owner: str, *, limit: int, after: str | None = None
) -> tuple[CollectionInfo, ...]:
    """Return collections by name; `after` is the name of the last one seen."""
    raise NotImplementedError


async def update_collection(
    context: Context, owner: str, name: str, changes: Mapping[str, Any], *, actor: Actor
) -> CollectionInfo:
    """Set `keep_chips`, `ttl_days`, `consent_note` or `switched_on`, those that are in `changes`.

    A time to live counts for faces that are indexed from then on, and for those that are there from the day that they
    were indexed on. Chips that are there are erased when `keep_chips` is switched off.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    raise NotImplementedError


async def tag_collection(
    context: Context, owner: str, name: str, tags: Mapping[str, str], *, actor: Actor
) -> CollectionInfo:
    """Add tags, or give them other values."""
    raise NotImplementedError


async def untag_collection(
    context: Context, owner: str, name: str, keys: Collection[str], *, actor: Actor
) -> CollectionInfo:
    """Take tags away; those that are not there are ignored."""
    raise NotImplementedError


async def delete_collection(context: Context, owner: str, name: str, *, actor: Actor) -> CollectionInfo:
    """Delete a collection with everything in it, and return what it was.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    raise NotImplementedError
