from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotofila.core.crypto import SecretKeyError, SecretKeys, decode, encode, new_token, token_hash
from fotofila.testing.processes import acting

OLD = "o" * 32
NEW = "n" * 32


async def sign_and_say(say: Callable[[Any], None], path: Path) -> None:
    say(SecretKeys.load("", path).sign("test", "text"))
    await asyncio.Event().wait()


def test_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    first, second = SecretKeys.load("", path), SecretKeys.load("", path)
    assert first.sign("a", "b") == second.sign("a", "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


async def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    with ExitStack() as stack:
        actors = [stack.enter_context(acting(sign_and_say, tmp_path / "secret.key")) for _ in range(5)]
        assert len({await actor.hear() for actor in actors}) == 1


def test_key_file_is_whole_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.key"
    seen = []

    def fsync(handle: int) -> None:
        seen.append(path.exists())

    monkeypatch.setattr(os, "fsync", fsync)
    SecretKeys.load("", path)
    assert seen[0] is False, "whoever is killed before the key is on the disk leaves no empty file behind"


def test_first_key_signs_and_all_verify() -> None:
    old, new = SecretKeys.parse(f"1:{OLD}"), SecretKeys.parse(f"2:{NEW},1:{OLD}")
    assert new.verify("link", "text", old.sign("link", "text"))
    assert not old.verify("link", "text", new.sign("link", "text"))
    assert new.decrypt("secret", old.encrypt("secret", b"plain")) == b"plain"


def test_signature_is_for_one_text_and_one_purpose() -> None:
    keys = SecretKeys.parse(OLD)
    signature = keys.sign("link", "text")
    assert keys.verify("link", "text", signature)
    assert not keys.verify("link", "texts", signature)
    assert not keys.verify("session", "text", signature)
    assert not keys.verify("link", "text", signature[:-1] + ("A" if signature[-1] != "A" else "B"))


@pytest.mark.parametrize("signature", ["", ".", "1", "1.", "9.abc", "1.ünï", "a.b.c"])
def test_broken_signature_is_no_signature(signature: str) -> None:
    assert not SecretKeys.parse(OLD).verify("link", "text", signature)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_encrypted_comes_back(plain: bytes, bound_to: str) -> None:
    keys = SecretKeys.parse(OLD)
    assert keys.decrypt("p", keys.encrypt("p", plain, bound_to=bound_to), bound_to=bound_to) == plain


@pytest.mark.parametrize("change", ["other purpose", "other row", "other key", "changed", "cut", "no base64"])
def test_sealed_text_opens_only_where_it_belongs(change: str) -> None:
    keys = SecretKeys.parse(OLD)
    sealed = keys.encrypt("webhook", b"plain", bound_to="row")
    purpose = "session" if change == "other purpose" else "webhook"
    bound_to = "another" if change == "other row" else "row"
    if change == "other key":
        keys = SecretKeys.parse(NEW)
    if change == "changed":
        sealed = sealed[:10] + ("A" if sealed[10] != "A" else "B") + sealed[11:]
    if change == "cut":
        sealed = sealed[:8]
    if change == "no base64":
        sealed = "1.~~~~~é"
    with pytest.raises(SecretKeyError, match="FOTOFILA_SECRET_KEY"):
        keys.decrypt(purpose, sealed, bound_to=bound_to)


def test_equal_texts_are_sealed_differently() -> None:
    keys = SecretKeys.parse(OLD)
    assert keys.encrypt("p", b"plain") != keys.encrypt("p", b"plain")


@pytest.mark.parametrize("text", ["", ",", "short", "1:short", f"1:{OLD},2:short"])
def test_short_key_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(SecretKeyError, match="openssl rand -hex 32"):
        SecretKeys.parse(text)


@given(st.binary())
def test_base64_comes_back_and_needs_no_escaping(raw: bytes) -> None:
    assert decode(encode(raw)) == raw
    assert set(encode(raw)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_tokens_differ_and_are_kept_as_hashes() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 for token in tokens)
    assert token_hash("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
