"""E-mail over SMTP, to a server whose address is checked on the connection."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from fotofila.notify.errors import AddressRefusedError, SendError
from fotofila.notify.messages import Text
from fotofila.notify.network import allowed

TIMEOUT_SECONDS = 6.0
"""For each step; a host's few addresses are tried one after another."""
FOR_GOOD = 500
"""Answers from here on are permanent (RFC 5321, section 4.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A server, and who writes to whom."""

    host: str
    port: int
    mode: str
    """`starttls`, `ssl` or `insecure`."""
    user: str | None
    password: str | None
    sender: str
    sender_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]


class _CheckedSmtp(smtplib.SMTP):
    """Connects to the very address that was checked; TLS still asks for the host's name, which smtplib remembers."""

    _host = ""
    _allow_private = False

    def open(self, host: str, port: int, *, allow_private: bool) -> None:
        """Connect, and remember the name that TLS asks for: smtplib does so only in its constructor."""
        self._host = host
        self._allow_private = allow_private
        self.connect(host, port)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        failed = OSError("the host has no address")
        for address in allowed(found, host=host, allow_private=self._allow_private):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                failed = error
        raise failed


class _CheckedSmtpSsl(smtplib.SMTP_SSL, _CheckedSmtp):
    """The same, with TLS from the first byte: `SMTP_SSL` wraps the socket that `_CheckedSmtp` opens."""


def compose(box: Mailbox, text: Text, *, message_id: str, at: datetime) -> EmailMessage:
    """Write the message; the same delivery has the same Message-ID on each attempt, so that servers tell twins."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = text.title
    message["From"] = Address(display_name=box.sender_name, addr_spec=box.sender)
    message["To"] = ", ".join(box.to)
    if box.cc:
        message["Cc"] = ", ".join(box.cc)
    if box.reply_to:
        message["Reply-To"] = ", ".join(box.reply_to)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{message_id}@{box.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.body)
    return message


def send_mail(
    box: Mailbox, message: EmailMessage, *, allow_private: bool, ssl_context: ssl.SSLContext | None = None
) -> None:
    """Hand a message to the server. Blocks: run it in a thread.

    Raises:
        SendError: it was not taken.
    """
    context = ssl_context or ssl.create_default_context()
    try:
        refused = _hand_over(box, message, allow_private=allow_private, context=context)
    except AddressRefusedError as error:
        raise SendError(error.message, final=True) from error
    except smtplib.SMTPResponseException as error:
        sentence = f"The mail server answered {error.smtp_code}: {_words(error.smtp_error)}."
        raise SendError(sentence, final=error.smtp_code >= FOR_GOOD) from error
    except smtplib.SMTPRecipientsRefused as error:
        final = all(code >= FOR_GOOD for code, _ in error.recipients.values())
        raise SendError(_refused(error.recipients), final=final) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise SendError(f"The mail server cannot be used: {error or type(error).__name__}.") from error
    if refused:
        # Final: another attempt would send it once more to those who have it.
        raise SendError(_refused(refused), final=True)


def _hand_over(
    box: Mailbox, message: EmailMessage, *, allow_private: bool, context: ssl.SSLContext
) -> dict[str, tuple[int, bytes]]:
    smtp: _CheckedSmtp
    hello = box.sender.rpartition("@")[2]  # else smtplib would look our own name up, and tell it
    if box.mode == "ssl":
        smtp = _CheckedSmtpSsl(local_hostname=hello, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = _CheckedSmtp(local_hostname=hello, timeout=TIMEOUT_SECONDS)
    with smtp:
        smtp.open(box.host, box.port, allow_private=allow_private)
        if box.mode == "starttls":
            smtp.starttls(context=context)
        if box.user and box.password:
            smtp.login(box.user, box.password)
        return smtp.send_message(message, box.sender, [*box.to, *box.cc, *box.bcc])


def _refused(recipients: dict[str, tuple[int, bytes]]) -> str:
    told = (f"{address} ({code}: {_words(reason)})" for address, (code, reason) in recipients.items())
    return f"The mail server refused {', '.join(told)}."


def _words(raw: Any) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return " ".join(text.split())[:200].rstrip(".")
