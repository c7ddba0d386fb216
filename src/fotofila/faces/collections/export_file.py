"""The file that collections travel in: encrypted, whole or refused, read and written in constant memory.

    magic      `fotofila-faces/1` and a line feed
    length     4 bytes, big-endian: of the header
    header     JSON: how the key is made, a salt, the size of a chunk
    tag        32 bytes: HMAC-SHA-256 of everything before, by the key `header`
    chunks     AES-256-GCM of 64 KiB each, the last one shorter, each followed by its 16-byte tag

The master key is Argon2id of the passphrase (RFC 9106), or the SHA-256 of a key file. From it HKDF-SHA-256 (RFC 5869)
with the salt makes the keys `header` and `chunks`. A chunk's nonce is seven zero bytes, its number (4 bytes,
big-endian, from 0) and 1 for the last chunk, else 0 (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar,
2015): chunks cannot be left out, moved or cut off. The header's tag is authenticated with every chunk.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from fotofila.core.errors import InvalidInputError

MAGIC = b"fotofila-faces/1\n"
CHUNK = 64 * 1024
TAG = 16
LONGEST_HEADER = 4096
LEAST_KEY_FILE = 32
"""Bytes of a key file: `openssl rand -hex 32` writes 64 and a line feed."""
LEAST_PASSPHRASE = 12


class BadExportError(InvalidInputError):
    """A file is no export of a collection, or is damaged."""

    code = "bad_export"
    title = "The file is damaged, or no export"


class WrongExportKeyError(InvalidInputError):
    """The passphrase or the key file is another one."""

    code = "wrong_export_key"
    title = "The passphrase or the key does not fit"


class Argon2(BaseModel):
    """How a passphrase becomes a key; RFC 9106, section 4, second recommendation."""

    model_config = ConfigDict(extra="forbid")

    name: Literal["argon2id"] = "argon2id"
    time_cost: int = Field(3, ge=1, le=20)
    memory_kib: int = Field(64 * 1024, ge=8 * 1024, le=2 * 1024 * 1024)
    parallelism: int = Field(4, ge=1, le=16)


class KeyFile(BaseModel):
    """The key is the SHA-256 of a file."""

    model_config = ConfigDict(extra="forbid")

    name: Literal["key-file"] = "key-file"


class Header(BaseModel):
    """What has to be known to read the file; nothing of what is in it."""

    model_config = ConfigDict(extra="forbid")

    cipher: Literal["AES-256-GCM"] = "AES-256-GCM"
    chunk_bytes: int = Field(CHUNK, ge=1024, le=1024 * 1024)
    key: Argon2 | KeyFile = Field(discriminator="name")
    salt: Base64Bytes = Field(min_length=32, max_length=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What opens a file: one of the two."""

    passphrase: str | None = None
    key_file: bytes | None = None

    def demand(self) -> None:
        """Raise WrongExportKeyError where it is too short to keep anybody out."""
        if self.key_file is not None and len(self.key_file) < LEAST_KEY_FILE:
            raise WrongExportKeyError("A key file has 32 bytes at least: make one with `openssl rand -hex 32`.")
        if self.key_file is None and len(self.passphrase or "") < LEAST_PASSPHRASE:
            raise WrongExportKeyError(f"A passphrase has {LEAST_PASSPHRASE} characters at least.")

    def master(self, header: Header) -> bytes:
        """Make the master key; raises WrongExportKeyError where the file was written with the other kind."""
        if isinstance(header.key, KeyFile):
            if self.key_file is None:
                raise WrongExportKeyError("The file was encrypted with a key file: give it with --key-file.")
            return hashlib.sha256(self.key_file).digest()
        if self.passphrase is None:
            raise WrongExportKeyError("The file was encrypted with a passphrase: give that, and no key file.")
        return hash_secret_raw(
            self.passphrase.encode(),
            header.salt,
            time_cost=header.key.time_cost,
            memory_cost=header.key.memory_kib,
            parallelism=header.key.parallelism,
            hash_len=32,
            type=Type.ID,
        )


def derive(master: bytes, salt: bytes, purpose: str) -> bytes:
    """Make one of the file's keys."""
    info = f"fotofila-faces/1 {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(master)


def nonce(number: int, *, last: bool) -> bytes:
    """Return the nonce of a chunk."""
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])


class Writer:
    """Writes an encrypted file; without `finish` it is no whole one."""

    def __init__(self, file: BinaryIO, secret: Secret) -> None:
        secret.demand()
        salt = os.urandom(32)
        kind = KeyFile() if secret.key_file is not None else Argon2(time_cost=3, memory_kib=64 * 1024, parallelism=4)
        header = Header(key=kind, chunk_bytes=CHUNK, salt=base64.b64encode(salt))
        text = header.model_dump_json().encode()
        master = secret.master(header)
        head = MAGIC + len(text).to_bytes(4, "big") + text
        self._tag = hmac.digest(derive(master, salt, "header"), head, "sha256")
        self._cipher = AESGCM(derive(master, salt, "chunks"))
        self._file = file
        self._waiting = bytearray()
        self._number = 0
        file.write(head + self._tag)

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last one is held back: it is written as such
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Write what is left, and that it is the end."""
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(nonce(self._number, last=last), chunk, self._tag))
        self._number += 1


def read_chunks(file: BinaryIO, secret: Secret) -> Iterator[bytes]:
    """Decrypt a file, chunk by chunk.

    Raises:
        BadExportError: it is no such file, was changed, or is cut off; what came before is as it was written.
        WrongExportKeyError: the secret is another one.
    """
    header, cipher, tag = open_header(file, secret)
    size = header.chunk_bytes + TAG
    number = 0
    sealed = file.read(size)
    while True:
        following = file.read(size)
        last = not following
        try:
            yield cipher.decrypt(nonce(number, last=last), sealed, tag)
        except (InvalidTag, ValueError) as error:
            where = f"near byte {file.tell() - len(following) - len(sealed)}"
            raise BadExportError(f"The file is damaged or cut off {where}: take another copy.") from error
        if last:
            return
        sealed, number = following, number + 1


def open_header(file: BinaryIO, secret: Secret) -> tuple[Header, AESGCM, bytes]:
    """Read and authenticate the header; return it, the cipher of the chunks, and its tag."""
    magic, length = file.read(len(MAGIC)), file.read(4)
    size = int.from_bytes(length, "big")
    if magic != MAGIC or len(length) != 4 or size > LONGEST_HEADER:  # noqa: PLR2004 - bytes of the length
        raise BadExportError("This is no export of a collection, or one of another version.")
    text, tag = file.read(size), file.read(32)
    try:
        header = Header.model_validate(json.loads(text))
    except (ValueError, ValidationError) as error:
        raise BadExportError("The header of the file is damaged, or of another version.") from error
    master = secret.master(header)
    made = hmac.digest(derive(master, header.salt, "header"), magic + length + text, "sha256")
    if not hmac.compare_digest(made, tag):
        raise WrongExportKeyError("The passphrase or the key file does not fit, or the header was changed.")
    return header, AESGCM(derive(master, header.salt, "chunks")), tag


def read_lines(file: BinaryIO, secret: Secret) -> Iterator[bytes]:
    """Decrypt a file and part it into lines, without their line feeds; errors as `read_chunks`."""
    rest = bytearray()
    for chunk in read_chunks(file, secret):
        rest += chunk
        *lines, tail = rest.split(b"\n")
        yield from (bytes(line) for line in lines)
        rest = bytearray(tail)
    if rest:
        raise BadExportError("The file ends in the middle of a line.")
