"""Credentials files of NATS: a JWT that says who we are, and the seed of the Ed25519 key that proves it.

The form of both is that of NATS' own tools (`nsc generate creds`): blocks between dashes; a seed is base32 over two
bytes of kind, the 32 bytes of the key and a checksum (CRC-16/XMODEM, low byte first).
"""

from __future__ import annotations

import re
from base64 import b32decode, b64encode
from binascii import Error as NotBase32Error
from binascii import crc_hqx

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_BLOCK = re.compile(r"-+BEGIN ([A-Z ]+)-+\s+(\S+)\s+-+END [A-Z ]+-+")
KIND_BYTES, KEY_BYTES, CHECKSUM_BYTES = 2, 32, 2


class NatsCredentials:
    """Both parts of a file, as the client asks for them.

    Raises:
        ValueError: it is no credentials file.
    """

    def __init__(self, text: str) -> None:
        blocks = dict(_BLOCK.findall(text))
        if not {"NATS USER JWT", "USER NKEY SEED"} <= blocks.keys():
            raise ValueError("it has no user JWT with a seed; give the whole text of the .creds file")
        self._jwt = blocks["NATS USER JWT"]
        self._key = read_seed(blocks["USER NKEY SEED"])

    def jwt(self) -> bytearray:
        """Say who we are."""
        return bytearray(self._jwt.encode())

    def sign(self, nonce: str) -> bytes:
        """Prove it, by what the server just made up."""
        return b64encode(self._key.sign(nonce.encode()))


def read_seed(seed: str) -> Ed25519PrivateKey:
    """Read a key.

    Raises:
        ValueError: it is none, or has a slip of the pen.
    """
    try:
        raw = b32decode(seed + "=" * (-len(seed) % 8))
    except NotBase32Error as error:
        raise ValueError("its seed is not base32") from error
    body, checksum = raw[:-CHECKSUM_BYTES], raw[-CHECKSUM_BYTES:]
    if len(body) != KIND_BYTES + KEY_BYTES or crc_hqx(body, 0) != int.from_bytes(checksum, "little"):
        raise ValueError("its seed is damaged: copy the file again")
    return Ed25519PrivateKey.from_private_bytes(body[KIND_BYTES:])
