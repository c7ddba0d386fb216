"""A real SMTP server, as small as one can be."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default


@dataclass
class MailServer:
    """Takes what it is given, but for the recipients that it refuses."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    envelopes: list[list[str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None
    """What a connection is upgraded with when it asks."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        recipients: list[str] = []
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(message_from_bytes(raw[:-5], policy=default))
                self.envelopes.append(recipients)
                recipients = []
            if verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                answer = self.refused.get(address, "250 fine")
                if answer.startswith("250"):
                    recipients.append(address)
                writer.write(answer.encode() + b"\r\n")
                continue
            if verb == "STARTTLS" and self.tls is not None:
                writer.write(b"220 go on\r\n")
                try:
                    await writer.start_tls(self.tls)
                except (ssl.SSLError, ConnectionError):
                    return
                continue
            if verb == "EHLO" and self.tls is not None:
                writer.write(b"250-hello\r\n250 STARTTLS\r\n")
                continue
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")
            if verb == "QUIT":
                break
        writer.close()


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None, mode: str = "insecure") -> AsyncIterator[MailServer]:
    """Run one."""
    kept = MailServer(tls=tls if mode == "starttls" else None)
    server = await asyncio.start_server(kept.serve, "127.0.0.1", 0, ssl=tls if mode == "ssl" else None)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await asyncio.sleep(0)
