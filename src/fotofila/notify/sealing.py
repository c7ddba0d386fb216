"""Secrets of targets, encrypted and bound to the target that they belong to."""

from __future__ import annotations

from fotofila.core.crypto import SecretKeys

PURPOSE = "notification-target"


def seal_secret(keys: SecretKeys, secret: str, *, target_id: str) -> str:
    """Encrypt a signing secret or a URL."""
    return keys.encrypt(PURPOSE, secret.encode(), bound_to=target_id)


def open_secret(keys: SecretKeys, sealed: str, *, target_id: str) -> str:
    """Undo `seal_secret`.

    Raises:
        SecretKeyError: the key that was used is gone from FOTOFILA_SECRET_KEY, or the row is another target's.
    """
    return keys.decrypt(PURPOSE, sealed, bound_to=target_id).decode()
