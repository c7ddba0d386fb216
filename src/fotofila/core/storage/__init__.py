"""The storage port and its adapters."""

from fotofila.core.storage.base import ObjectInfo, ObjectNotFoundError, Storage, Writer

__all__ = ["ObjectInfo", "ObjectNotFoundError", "Storage", "Writer"]
