"""The storage port and its adapters."""

from fotofila.core.storage.base import (
    ObjectExistsError,
    ObjectInfo,
    ObjectNotFoundError,
    SignedRequest,
    SigningStorage,
    Storage,
    StorageRefusedError,
    Writer,
)

__all__ = [
    "ObjectExistsError",
    "ObjectInfo",
    "ObjectNotFoundError",
    "SignedRequest",
    "SigningStorage",
    "Storage",
    "StorageRefusedError",
    "Writer",
]
