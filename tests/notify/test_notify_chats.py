"""Apprise URLs: which are taken, how they are shown, and that e-mail and generic ones arrive."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from pathlib import Path

import pytest
from notify_parts import START, Answer, House, Receiver
from smtp_parts import mail_server

from fotofila.core.errors import InvalidInputError
from fotofila.notify.chats import read_chat_url, read_mailbox
from fotofila.notify.errors import SendError
from fotofila.notify.mail import Mailbox, compose, send_mail
from fotofila.notify.messages import Text
from fotofila.notify.models import Target
from fotofila.notify.sealing import seal_secret
from fotofila.notify.services import ANYWHERE, FIXED

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TELEGRAM = "tgram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi/12345"
TEAMS = "workflows://prod-01.westus.logic.azure.com:443/643e69f83c8944/abcd_ef"
OPEN_TO_ALL = [
    SLACK,
    TELEGRAM,
    TEAMS,
    "mailtos://ana:s3cret@example.com/joe@example.org?smtp=mail.example.com",
    "mailto://ana:s3cret@gmail.com",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "gchat://workspace/key/token",
    "pover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@tttttttttttttttttttttttttttttt",
    "pbul://o.gn5kj6nfhv736I7jC3cj3QLRiyhgl98b",
    "ntfy://topic",
    "ntfys://user:s3cret@ntfy.sh/topic",
    "whatsapp://s3crettoken@1234567890/15551234567",
]
ON_A_HOST_OF_ONES_OWN = [
    "json://127.0.0.1:8080/x",
    "jsons://example.com/x",
    "xml://example.com/x",
    "form://example.com/x",
    "gotify://example.com/abcdefghijklmno",
    "signal://127.0.0.1:8080/15551234567/15551234568",
    "ntfys://ntfy.example.com/topic",
    "workflows://example.com/643e69f83c8944/abcd_ef",
    "mailto://ana:s3cret@example.com?smtp=127.0.0.1",
    "mailto://ana:s3cret@localhost?from=a@example.com",
]
NEVER = [
    "",
    "nonsense",
    "://x",
    "file:///etc/passwd",
    "dbus://",
    "syslog://",
    "windows://",
    "mqtt://example.com/x",
    "mailto://",
    "tgram://no/token",
    f"{SLACK}/?template=/etc/passwd",
    f"{TELEGRAM}?template=file:///etc/passwd",
    "mailto://a:b@example.com?pgp=encrypt&pgppub=/etc/passwd",
    "mailto://a:b@example.com?wkd=yes",
    "mailto://a:b@example.com?rto=99999",
    "mailto://a:b@example.com?+X-Header=1",
    "mailto://a:b@example.com?retry=9",
    f"{SLACK}\n{TELEGRAM}",
    "mailto://" + "a" * 3000 + "@example.com",
]
PRETENDERS = [
    "workflows://evil.example\\.logic.azure.com/643e69f83c8944/abcd_ef",
    "workflows://prod.logic.azure.com@evil.example/643e69f83c8944/abcd_ef",
    "workflows://logic.azure.com.evil.example/643e69f83c8944/abcd_ef",
    "ntfys://ntfy.sh@evil.example/topic",
    "ntfy://evil.example/topic?mode=private",
]


@pytest.mark.parametrize("url", OPEN_TO_ALL)
def test_service_with_a_fixed_host_is_taken_and_shown_masked(url: str) -> None:
    masked = read_chat_url(url, allow_private=False).masked
    for secret in ("s3cret", "TIiajkdnlazkcOXrIdevi7FQ", "abcdefghijklmnop", "JHMHI8qBe7bk2Zw", "gn5kj6nf"):
        assert secret not in masked


@pytest.mark.parametrize("url", ON_A_HOST_OF_ONES_OWN)
def test_service_on_a_host_of_ones_own_needs_the_operators_leave(url: str) -> None:
    with pytest.raises(InvalidInputError, match="FOTOFILA_WEBHOOKS_ALLOW_PRIVATE"):
        read_chat_url(url, allow_private=False)
    assert read_chat_url(url, allow_private=True).masked


@pytest.mark.parametrize("url", NEVER)
def test_url_that_reads_files_or_is_no_service_is_never_taken(url: str) -> None:
    with pytest.raises(InvalidInputError):
        read_chat_url(url, allow_private=True)


@pytest.mark.parametrize("url", PRETENDERS)
def test_host_that_only_looks_like_the_services_own_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError):
        read_chat_url(url, allow_private=False)


def test_no_option_that_names_a_file_is_on_the_lists() -> None:
    readers = {"template", "pgp", "pgppub", "pgpprv", "wkd", "attach", "keyfile", "cert", "redirect", "rto", "store"}
    for options in (*FIXED.values(), *ANYWHERE.values()):
        assert not options & readers


def test_secrets_are_encrypted_at_rest_and_bound_to_their_target(house: House) -> None:
    keys = house.context.secret_keys
    sealed = seal_secret(keys, TELEGRAM, target_id="one")
    assert "123456789" not in sealed


async def test_mail_arrives(house: House) -> None:
    async with mail_server() as server:
        target = await house.apprise(
            f"mailto://127.0.0.1:{server.port}/ana@example.com?from=fila@example.com&mode=insecure&cc=cc@example.com"
        )
        await house.rule(target, "job.failed", quiet_seconds=5)
        await house.happen("job.failed", times=2, data={"error": {"sentence": "A foto não abriu: envie de novo."}})
        await house.collect()
        house.clock.move(5)
        await house.send()
    [delivery] = await house.log()
    [message] = server.messages
    assert (delivery.state, delivery.error, delivery.status_code) == ("delivered", None, None)
    assert server.envelopes == [["ana@example.com", "cc@example.com"]]
    assert message["Subject"] == "Fotofila: 2 photos failed"
    assert message["From"] == "Fotofila <fila@example.com>"
    assert message["Message-ID"] == f"<msg_{delivery.id}@example.com>"
    assert "2 x A foto não abriu: envie de novo." in message.get_content()  # type: ignore[attr-defined]


async def test_refused_recipient_is_told_and_nobody_gets_it_twice(house: House) -> None:
    async with mail_server() as server:
        server.refused = {"gone@example.com": "550 no such user"}
        target = await house.apprise(
            f"mailto://127.0.0.1:{server.port}/ana@example.com/gone@example.com?from=f@example.com&mode=insecure"
        )
        await house.rule(target)
        await house.happen()
        await house.collect()
        await house.send()
    [delivery] = await house.log()
    assert (delivery.state, len(server.messages)) == ("failed", 1)
    assert delivery.error == "The mail server refused gone@example.com (550: no such user)."


async def test_mail_server_that_says_later_is_asked_later(house: House) -> None:
    async with mail_server() as server:
        server.refused = {"ana@example.com": "451 try again"}
        target = await house.apprise(
            f"mailto://127.0.0.1:{server.port}/ana@example.com?from=f@example.com&mode=insecure"
        )
        await house.rule(target)
        await house.happen()
        await house.collect()
        await house.send()
    assert [delivery.state for delivery in await house.log()] == ["pending"]


async def test_mail_server_on_a_private_address_is_refused_on_the_connection(strict_house: House) -> None:
    async with mail_server() as server:
        url = f"mailto://127.0.0.1:{server.port}/ana@example.com?from=f@example.com&mode=insecure&smtp="
        target = await strict_house.apprise(url + "mail.example.com")
        async with strict_house.context.db.write() as session:
            kept = await session.get(Target, target.id)
            assert kept is not None
            kept.sealed = seal_secret(strict_house.context.secret_keys, url + "2130706433", target_id=target.id)
        await strict_house.rule(target)
        await strict_house.happen()
        await strict_house.collect()
        await strict_house.send()
    [delivery] = await strict_house.log()
    assert (delivery.state, server.connections) == ("failed", 0)


@pytest.mark.parametrize("mode", ["ssl", "starttls"])
async def test_mail_over_tls_verifies_the_name_of_the_host(mode: str, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with mail_server(tls=context, mode=mode) as server:
        for host in ("localhost", "127.0.0.1"):
            box = Mailbox(
                host=host,
                port=server.port,
                mode=mode,
                user=None,
                password=None,
                sender="fila@example.com",
                sender_name="Fila",
                to=("ana@example.com",),
                cc=(),
                bcc=(),
                reply_to=(),
            )
            message = compose(box, Text(title="Hello", body="World"), message_id="msg_1", at=START)
            send = partial(send_mail, box, message, allow_private=True, ssl_context=trusted)
            if host == "localhost":
                await asyncio.to_thread(send)
            else:
                with pytest.raises(SendError, match="certificate"):
                    await asyncio.to_thread(send)
    assert [mail["Subject"] for mail in server.messages] == ["Hello"]


def test_mailbox_is_read_from_the_url() -> None:
    chat = read_chat_url(
        "mailtos://ana:s3cret@example.com/joe@example.org?smtp=mail.example.com&mode=ssl&name=Fila&reply=r@example.com",
        allow_private=False,
    )
    box = read_mailbox(chat.service)
    assert (box.host, box.port, box.mode, box.user, box.password) == ("mail.example.com", 465, "ssl", "ana", "s3cret")
    assert (box.sender, box.to, box.reply_to) == ("ana@example.com", ("joe@example.org",), ("r@example.com",))


async def test_generic_service_arrives_in_plain_english(house: House, receiver: Receiver) -> None:
    target = await house.apprise(f"json://127.0.0.1:{receiver.port}/x?+X-Token=s3cret")
    assert "s3cret" not in target.url
    await house.rule(target)
    await house.happen(data={"face_count": 29})
    await house.collect()
    receiver.answers = [Answer(200)]
    await house.send()
    [request] = receiver.requests
    assert request.headers["x-token"] == "s3cret"
    assert request.json["title"] == "Fotofila: 1 photo is ready"
    assert "29 faces found." in request.json["message"]
    assert [delivery.state for delivery in await house.log()] == ["delivered"]


async def test_service_that_does_not_take_it_is_tried_again_and_not_redirected(
    house: House, receiver: Receiver
) -> None:
    target = await house.apprise(f"json://127.0.0.1:{receiver.port}/x")
    await house.rule(target)
    await house.happen(times=2)
    await house.collect()
    receiver.answers = [Answer(302, {"location": "/elsewhere"}), Answer(500)]
    await house.send()
    log = await house.log()
    assert [delivery.state for delivery in log] == ["pending", "pending"]
    assert "json did not take the message" in (log[1].error or "")
    assert len(receiver.requests) == 2
