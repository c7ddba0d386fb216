"""Apprise URLs: read with care, shown masked, sent in a thread with a deadline."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from fotofila.core.errors import InvalidInputError
from fotofila.notify.addresses import check_host
from fotofila.notify.errors import SendError, TargetUrlError
from fotofila.notify.mail import Mailbox, compose, send_mail
from fotofila.notify.messages import Text
from fotofila.notify.services import MAIL, check_options, check_pinned_host, check_service

DEADLINE_SECONDS = 30.0
THREADS = 4
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatUrl:
    """An Apprise URL that may be used."""

    scheme: str
    masked: str
    service: Any
    """The plugin's object."""


def read_chat_url(text: str, *, allow_private: bool) -> ChatUrl:
    """Read an Apprise URL. Blocks while Apprise is loaded: run it in a thread.

    Raises:
        TargetUrlError: it cannot be used; the sentence says why.
        AddressRefusedError: its mail server is a private address.
    """
    url = text.strip()
    scheme, found, _ = url.partition("://")
    if not found or len(url) > LONGEST_URL or not url.isprintable():
        raise TargetUrlError("This is no Apprise URL: it looks like tgram://bot-token/chat-id or mailtos://….")
    scheme = scheme.lower()
    options = check_service(scheme, allow_private=allow_private)
    service = _instantiate(url)
    parsed = type(service).parse_url(url) if service is not None else None
    if not parsed or scheme not in _schemes(service):
        raise TargetUrlError(f"The {scheme}:// URL is not complete: see appriseit.com for what {scheme} needs.")
    check_options(parsed, options, scheme=scheme)
    if not allow_private:
        check_pinned_host(parsed, scheme=scheme)
        if scheme in MAIL:
            check_host(service.smtp_host)
    # What follows the question mark is left out: the plugin's defaults, and now and then a token.
    return ChatUrl(scheme=scheme, masked=service.url(privacy=True).partition("?")[0], service=service)


def _instantiate(url: str) -> Any:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - a second of plugins, for those who use them

    asset = AppriseAsset(
        app_id="Fotofila",
        app_desc="Fotofila",
        app_url="",
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
        interpret_emojis=False,
        allow_templates=False,
        service_timeout=0,  # the deadline is ours
        storage_mode="memory",
    )
    try:
        return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    except (AttributeError, LookupError, TypeError, ValueError):  # plugins raise these on odd URLs (Telegram does)
        return None


def _schemes(service: Any) -> set[str]:
    found: set[str] = set()
    for names in (service.protocol, service.secure_protocol):
        found.update([names] if isinstance(names, str) else names or ())
    return found


def read_mailbox(service: Any) -> Mailbox:
    """Take from Apprise's e-mail object what our own sending needs."""
    name, sender = service.from_addr
    return Mailbox(
        host=service.smtp_host,
        port=int(service.port),
        mode=service.secure_mode,
        user=service.user,
        password=service.password,
        sender=sender,
        sender_name=name or "Fotofila",
        to=tuple(address for _, address in service.targets),
        cc=tuple(sorted(service.cc)),
        bcc=tuple(sorted(service.bcc)),
        reply_to=tuple(sorted(service.reply_to)),
    )


def address_mail(service: Any, text: Text, *, message_id: str, at: datetime) -> tuple[Mailbox, EmailMessage]:
    """Write a message to the mailbox of an Apprise URL.

    Raises:
        SendError: what Apprise took for an address is none.
    """
    box = read_mailbox(service)
    try:
        return box, compose(box, text, message_id=message_id, at=at)
    except (ValueError, MessageError) as error:
        raise SendError(f"The message cannot be addressed: {error}.", final=True) from error


def send_chat(url: str, text: Text, *, message_id: str, at: datetime, allow_private: bool) -> None:
    """Send a message. Blocks: run it in a thread.

    Raises:
        SendError: it was not taken.
    """
    try:
        chat = read_chat_url(url, allow_private=allow_private)
    except InvalidInputError as error:
        raise SendError(error.message, final=True) from error
    if chat.scheme in MAIL:
        box, mail = address_mail(chat.service, text, message_id=message_id, at=at)
        send_mail(box, mail, allow_private=allow_private)
        return
    from apprise import Apprise, NotifyFormat  # noqa: PLC0415 - loaded by now

    apprise = Apprise(asset=chat.service.asset)
    apprise.add(chat.service)
    result = apprise.notify(title=text.title, body=text.body, body_format=NotifyFormat.TEXT)
    if not result:
        raise SendError(f"{chat.scheme} did not take the message. {_reasons(result)}".strip())


def _reasons(result: Any) -> str:
    """Return what the plugin logged as a warning; Apprise masks URLs in it."""
    logs = [entry for service in result for attempt in service for entry in attempt.logs]
    told = [" ".join(entry.message.split()) for entry in logs if entry.level in {"WARNING", "ERROR"}]
    return " ".join(told)[:300]


class ChatSender:
    """A few threads in which Apprise may block."""

    def __init__(self, *, allow_private: bool, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._allow_private = allow_private
        self._deadline_seconds = deadline_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="fotofila-notify")

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the threads; what blocks in one ends by its own time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, url: str, text: Text, *, message_id: str, at: datetime) -> None:
        """Send a message.

        Raises:
            SendError: it was not taken, or not in time.
        """

        def work() -> None:
            send_chat(url, text, message_id=message_id, at=at, allow_private=self._allow_private)

        try:
            async with asyncio.timeout(self._deadline_seconds):
                await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise SendError("The service did not answer in time.") from None
