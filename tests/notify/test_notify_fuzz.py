"""Whatever is given as a URL, the answer is a sentence."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notify_parts import START

from fotofila.core.errors import InvalidInputError
from fotofila.notify.chats import address_mail, read_chat_url
from fotofila.notify.errors import SendError
from fotofila.notify.messages import Text
from fotofila.notify.services import ANYWHERE, FIXED, MAIL
from fotofila.notify.webhooks import check_webhook_url

SCHEMES = st.sampled_from(sorted({*FIXED, *ANYWHERE, "https", "file", "", "ünï"}))
ODD = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from("@:/?&=#%[]\\+-.,<>")
PARTS = st.lists(ODD, max_size=12)
WHOLE = st.sampled_from(
    [
        "mailto://ana:s3cret@example.com:587/joe@example.org?smtp=mail.example.com&mode=ssl&name=Ana&cc=c@example.com",
        "mailtos://example.com?from=ana@example.com&to=joe@example.org&reply=r@example.com",
        "tgram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi/12345?silent=yes",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
        "workflows://prod-01.westus.logic.azure.com:443/643e69f83c8944/abcd_ef",
        "ntfys://user:pass@ntfy.sh/topic?priority=high",
        "whatsapp://template:token@1234567890/15551234567",
        "json://user:pass@127.0.0.1:8080/x?+X-Token=abc&method=put",
        "matrix://user:pass@example.com/#room",
        "signal://127.0.0.1:8080/15551234567/15551234568",
    ]
)


def read(url: str, *, allow_private: bool) -> None:
    """Read a URL; where it is a mailbox, write a message to it."""
    with contextlib.suppress(InvalidInputError, SendError):
        chat = read_chat_url(url, allow_private=allow_private)
        assert chat.masked
        if chat.scheme in MAIL:
            address_mail(chat.service, Text(title="Olá", body="Olá"), message_id="msg_1", at=START)


@given(SCHEMES, PARTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_chat_url_is_taken_or_refused(scheme: str, parts: list[str], private: bool) -> None:
    read(f"{scheme}://{''.join(parts)}", allow_private=private)


@given(WHOLE, ODD, st.integers(0, 80), st.integers(0, 8), st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_damage_to_a_chat_url_is_taken_or_refused(url: str, odd: str, at: int, cut: int, private: bool) -> None:
    read(url[:at] + odd + url[at + cut :], allow_private=private)


@given(SCHEMES, PARTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_webhook_url_is_taken_or_refused(scheme: str, parts: list[str], private: bool) -> None:
    for text in (f"{scheme}://{''.join(parts)}", f"https://{''.join(parts)}"):
        with contextlib.suppress(InvalidInputError):
            taken = check_webhook_url(text, allow_private=private)
            assert check_webhook_url(taken, allow_private=private) == taken


@pytest.mark.parametrize("url", ["https://" + "a" * 70 + ".example/", "https://münchen.example/ü?ü=ü#ü"])
def test_odd_names_are_taken_as_they_are(url: str) -> None:
    assert check_webhook_url(url, allow_private=False).startswith("https://")
