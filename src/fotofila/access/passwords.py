"""Passwords: Argon2id (RFC 9106) on threads of its own, so that neither the event loop nor other threads wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 256

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""RFC 9106's second recommended option: 64 MiB, 3 passes, 4 lanes."""
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""Two at a time bound the memory that guesses can take to 128 MiB."""
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$XQs8Joh8NH3ATTkmKPAIfA$l7bGVRrDfSp7Cp+/o10mGc+ltgOtaHXUddKI2MCkZ/Y"
"""Hash of a password that nobody knows, so that an unknown name costs as much time as a known one."""


async def hash_password(password: str) -> str:
    """Return the hash, with its salt and costs."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Say whether a password fits; the same work is done where there is no hash."""
    fits = await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, password_hash or _NOBODY, password)
    return fits and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Say whether the hash was made with other costs than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
