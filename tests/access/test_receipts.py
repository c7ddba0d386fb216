from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from fotofila.access.receipts import BadSignatureError, SigningKeys, load_signing_keys
from fotofila.core.config import Settings, SettingsError
from fotofila.core.crypto import SecretKeys

OLD, NEW = "1:" + "a" * 32, "2:" + "b" * 32


def keys(ring: str, *, pem: str = "") -> SigningKeys:
    return load_signing_keys(Settings(audit_key=SecretStr(pem)), SecretKeys.parse(ring))


def private_pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_replicas_with_one_secret_key_sign_alike_and_verify_each_other() -> None:
    document = {"format": "test/1", "share": 0.25, "name": "ação"}
    assert keys(OLD).sign(document) == keys(OLD).sign(document)
    keys(OLD).demand(keys(OLD).sign(document))


def test_what_an_older_key_signed_is_verified_while_it_is_on_the_ring() -> None:
    old = keys(OLD).sign({"format": "test/1"})
    both = keys(f"{NEW},{OLD}")
    both.demand(old)
    assert both.sign({"format": "test/1"})["key_id"] == keys(NEW).key_id != old["key_id"]
    with pytest.raises(BadSignatureError, match="--public-key"):
        keys(NEW).demand(old)
    keys(NEW).with_public(keys(OLD).pem()).demand(old)


def test_a_document_is_verified_by_what_the_docs_say() -> None:
    signed = keys(OLD).sign({"format": "test/1", "b": [1, None, True], "a": 1.5})
    signature, raw = base64.b64decode(signed.pop("signature")), base64.b64decode(signed["public_key"])
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, text.encode())
    assert signed["key_id"] == hashlib.sha256(raw).hexdigest()[:16]
    assert (signed["a"], signed["b"]) == ("1.5", [1, None, True])


def test_own_keys_follow_each_other_and_the_first_private_one_signs() -> None:
    first, second = private_pem(), private_pem()
    own = keys(OLD, pem=first)
    both = keys(OLD, pem=keys(OLD, pem=second).pem() + first)
    assert both.key_id == own.key_id != keys(OLD).key_id
    both.demand(keys(OLD, pem=second).sign({"format": "test/1"}))


@pytest.mark.parametrize("kind", ["text", "another kind", "public only"])
def test_a_setting_that_is_no_key_is_refused_with_its_name(kind: str) -> None:
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pem = {"text": "secret", "another kind": other, "public only": keys(OLD).pem()}[kind]
    with pytest.raises(SettingsError, match="FOTOFILA_AUDIT_KEY"):
        keys(OLD, pem=pem)
    if kind != "public only":
        with pytest.raises(BadSignatureError):
            keys(OLD).with_public(pem)
