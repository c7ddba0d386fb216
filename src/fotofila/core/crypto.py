"""Secrets: the key ring that signs and encrypts, and the tokens that are kept only as hashes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fotofila.core.errors import FotofilaError

NONCE_BYTES = 12
"""AES-GCM nonce (NIST SP 800-38D, section 8.2)."""


class SecretKeyError(FotofilaError):
    """The secret key is missing, malformed, or not the one that was used."""

    code = "secret_key"
    title = "The secret key does not fit"
    permanent = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeys:
    """A ring of keys: the first signs and encrypts, all verify and decrypt."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> SecretKeys:
        """Read `id:key,id:key`; a single key needs no id.

        Raises:
            SecretKeyError: a key has fewer than 32 characters, or none is given.
        """
        pairs = [part.strip() for part in text.split(",") if part.strip()]
        parsed = tuple(pair.split(":", 1) if ":" in pair else ["1", pair] for pair in pairs)
        if not parsed or any(len(key) < 32 for _, key in parsed):  # noqa: PLR2004
            message = "FOTOFILA_SECRET_KEY needs at least 32 characters: make one with `openssl rand -hex 32`."
            raise SecretKeyError(message)
        return cls(keys=tuple((key_id, hashlib.sha256(key.encode()).digest()) for key_id, key in parsed))

    @classmethod
    def load(cls, text: str, path: Path) -> SecretKeys:
        """Use the setting, or the file, which is made with mode 0600 when it is not there."""
        if text:
            return cls.parse(text)
        if not path.exists():
            make_key_file(path)
        return cls.parse(path.read_text(encoding="ascii"))

    def _derive(self, key: bytes, purpose: str) -> bytes:
        return hmac.digest(key, b"fotofila:" + purpose.encode(), "sha256")

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return 32 bytes for each key, the first first: seeds of keys that serve one purpose only."""
        return tuple(self._derive(key, purpose) for _, key in self.keys)

    def sign(self, purpose: str, text: str) -> str:
        """Return `id.signature` (HMAC-SHA-256, URL-safe) of a text, for one purpose only."""
        key_id, key = self.keys[0]
        return f"{key_id}.{encode(hmac.digest(self._derive(key, purpose), text.encode(), 'sha256'))}"

    def verify(self, purpose: str, text: str, signature: str) -> bool:
        """Say whether a signature fits, in constant time for each key."""
        key_id, _, given = signature.partition(".")
        known = dict(self.keys).get(key_id)
        if known is None:
            return False
        wanted = encode(hmac.digest(self._derive(known, purpose), text.encode(), "sha256"))
        return hmac.compare_digest(wanted.encode(), given.encode())

    def encrypt(self, purpose: str, plain: bytes, *, bound_to: str = "") -> str:
        """Encrypt with AES-256-GCM; `bound_to` (an id) must be the same when it is read."""
        key_id, key = self.keys[0]
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._derive(key, purpose)).encrypt(nonce, plain, bound_to.encode())
        return f"{key_id}.{encode(nonce + sealed)}"

    def seal(self, purpose: str, plain: bytes, *, bound_to: str = "") -> bytes:
        """Do as `encrypt`, for what is kept as bytes: a quarter less of them."""
        key_id, key = self.keys[0]
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._derive(key, purpose)).encrypt(nonce, plain, bound_to.encode())
        return key_id.encode() + b"." + nonce + sealed

    def unseal(self, purpose: str, raw: bytes, *, bound_to: str = "") -> bytes:
        """Undo `seal`.

        Raises:
            SecretKeyError: the key that was used is not on the ring, or the bytes were changed.
        """
        key_id, _, sealed = raw.partition(b".")
        return self.decrypt(purpose, f"{key_id.decode('latin-1')}.{encode(sealed)}", bound_to=bound_to)

    def decrypt(self, purpose: str, text: str, *, bound_to: str = "") -> bytes:
        """Undo `encrypt`.

        Raises:
            SecretKeyError: the key that was used is not on the ring, or the text was changed.
        """
        key_id, _, sealed = text.partition(".")
        key = dict(self.keys).get(key_id)
        try:
            if key is not None:
                raw = decode(sealed)
                return AESGCM(self._derive(key, purpose)).decrypt(
                    raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()
                )
        except (InvalidTag, ValueError):
            pass
        message = "A stored secret cannot be read: put the key that was used back into FOTOFILA_SECRET_KEY."
        raise SecretKeyError(message)


def make_key_file(path: Path) -> None:
    """Make a key; the file appears whole, and of processes that start at once one makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink()


def encode(raw: bytes) -> str:
    """Return URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Undo `encode`; raises ValueError on anything else."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_token(size: int = 32) -> str:
    """Return a token of `size` random bytes for a URL or a header."""
    return secrets.token_urlsafe(size)


def token_hash(token: str) -> str:
    """Hash a random token for keeping: SHA-256 is enough, since a token has 256 bits and cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
