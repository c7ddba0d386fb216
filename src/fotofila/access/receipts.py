"""Documents that we sign with Ed25519 (RFC 8032), and that anyone verifies: checkpoints of the audit log, receipts.

A document is a JSON object. What is signed is the object without its `signature`, written as RFC 8785 says (see
`audit_chain.py`); the signature is base64. `key_id` is the first 16 hex digits of the SHA-256 of the 32 bytes of the
public key. That key is in the document for convenience: who verifies must know from elsewhere that it is ours.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization import load_pem_public_key as load_public

from fotofila.access.audit_chain import canonical, plain
from fotofila.core.capability import Context
from fotofila.core.config import Settings, SettingsError
from fotofila.core.crypto import SecretKeys
from fotofila.core.errors import InvalidInputError

PURPOSE = "audit-signature"
PEM = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----\n?", re.DOTALL)


class BadSignatureError(InvalidInputError):
    """A document was changed after it was signed, or somebody else signed it."""

    code = "bad_signature"
    title = "The signature does not fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """The key that signs, and all public keys that we know to be ours, by their ids."""

    private: Ed25519PrivateKey
    public: Mapping[str, Ed25519PublicKey]

    @property
    def key_id(self) -> str:
        """Of the key that signs."""
        return key_id(self.private.public_key())

    def sign(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document with key and signature; fractions in it become text."""
        public = self.private.public_key()
        whole = plain({**document, "key_id": key_id(public), "public_key": encode(raw_key(public))})
        return {**whole, "signature": encode(self.private.sign(canonical(whole).encode()))}

    def demand(self, document: Mapping[str, Any]) -> None:
        """Verify a document.

        Raises:
            BadSignatureError: it was changed, or a key signed it that is not ours.
        """
        known = self.public.get(str(document.get("key_id")))
        if known is None:
            raise BadSignatureError(
                f"The key {document.get('key_id')} is not one of this program: give its public key with --public-key."
            )
        unsigned = {name: value for name, value in document.items() if name != "signature"}
        try:
            text = canonical(unsigned)
            known.verify(base64.b64decode(str(document.get("signature")), validate=True), text.encode())
        except (InvalidSignature, ValueError) as error:
            raise BadSignatureError("The document was changed after it was signed.") from error

    def with_public(self, pem: str) -> SigningKeys:
        """Return these keys and more that verify; raises BadSignatureError where the text is no public key."""
        try:
            added = [load_pem(block) for block in blocks(pem)]
        except (ValueError, UnsupportedAlgorithm) as error:
            message = "That is no Ed25519 public key: `fotofila audit keys` prints one as PEM."
            raise BadSignatureError(message) from error
        return SigningKeys(private=self.private, public={**self.public, **by_id(public_of(key) for key in added)})

    def pem(self) -> str:
        """Return every public key as PEM, the one that signs first."""
        keys = by_id([self.private.public_key(), *self.public.values()])
        made = (key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys.values())
        return b"".join(made).decode("ascii")


def signing_keys(context: Context) -> SigningKeys:
    """Return the keys of a process; see `load_signing_keys`."""
    return load_signing_keys(context.settings, context.secret_keys)


def load_signing_keys(settings: Settings, secret_keys: SecretKeys) -> SigningKeys:
    """Take the keys of the setting, or derive one from each secret key: the first signs, all verify.

    Raises:
        SettingsError: the setting is no such key.
    """
    text = settings.audit_key.get_secret_value()
    if not text.strip():
        derived = [Ed25519PrivateKey.from_private_bytes(seed) for seed in secret_keys.derive(PURPOSE)]
        return SigningKeys(private=derived[0], public=by_id(key.public_key() for key in derived))
    try:
        keys = [load_pem(block) for block in blocks(text)]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = "FOTOFILA_AUDIT_KEY: make one with `openssl genpkey -algorithm ed25519`, without a password."
        raise SettingsError(message) from error
    private = next((key for key in keys if isinstance(key, Ed25519PrivateKey)), None)
    if private is None:
        message = "FOTOFILA_AUDIT_KEY: none of its keys is a private one, which signs: put that first."
        raise SettingsError(message)
    return SigningKeys(private=private, public=by_id(public_of(key) for key in keys))


def blocks(text: str) -> list[str]:
    """Part PEM blocks that follow each other; raises ValueError where there is none."""
    found = PEM.findall(text)
    if not found:
        message = "no PEM"
        raise ValueError(message)
    return found


def load_pem(block: str) -> Ed25519PrivateKey | Ed25519PublicKey:
    """Read a key, private or public; raises ValueError where it is another kind of key."""
    raw = block.encode()
    key = load_public(raw) if "PUBLIC KEY" in block else load_pem_private_key(raw, password=None)
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        message = "not an Ed25519 key"
        raise ValueError(message)  # noqa: TRY004 - what `load_pem_private_key` raises where it reads none
    return key


def public_of(key: Ed25519PrivateKey | Ed25519PublicKey) -> Ed25519PublicKey:
    """Return the public half."""
    return key.public_key() if isinstance(key, Ed25519PrivateKey) else key


def by_id(keys: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    """Name keys by their ids."""
    return {key_id(key): key for key in keys}


def raw_key(key: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(key: Ed25519PublicKey) -> str:
    """Name a key by the beginning of its hash."""
    return hashlib.sha256(raw_key(key)).hexdigest()[:16]


def encode(raw: bytes) -> str:
    """Write base64."""
    return base64.b64encode(raw).decode("ascii")
