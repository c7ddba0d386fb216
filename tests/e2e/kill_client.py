"""The client of the kill test: uploads without end, and asks again where it got no answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from fotofila.testing.pictures import jpeg

PAUSE_SECONDS = 0.05
"""Between two tries at a server that does not answer."""

PATIENCE_SECONDS = 120
"""A server that is started again after each kill has answered by then."""

ORDERS = {
    b"": 50,
    b"fotofila:sleep=0.05": 15,
    b"fotofila:sleep=0.4": 12,
    b"fotofila:sleep=1.5": 4,
    b"fotofila:large=100000": 6,
    b"fotofila:crash": 3,
    b"fotofila:retry": 3,
    b"fotofila:discard": 4,
    b"fotofila:snooze=0.3": 3,
}
"""What the photos ask of the worker, and how often. One that snoozes does so until it is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A photo that the server answered for with 202 or 200."""

    photo_id: str
    job_id: str
    order: bytes
    body: bytes
    batch_id: str | None


class Several:
    """Servers that are asked in turn, as behind a balancer that knows nothing of their health."""

    def __init__(self, clients: Sequence[httpx.AsyncClient]) -> None:
        self._clients = clients
        self._next = 0

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Ask the next one."""
        self._next += 1
        return await self._clients[self._next % len(self._clients)].request(method, url, **options)


@dataclass(slots=True, kw_only=True)
class Client:
    """Uploads from several tasks at once."""

    http: httpx.AsyncClient | Several
    random: Random
    bodies: list[bytes] | None = None
    """Pictures to send instead of small ones with orders: each gets a comment that makes it unique."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send until there is an answer that is the server's word and not its trouble."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    response = await self.http.request(method, url, **options)
                except httpx.TransportError:
                    self.told["no answer"] += 1
                else:
                    if response.status_code < 500:
                        return response
                    self.told[f"answered {response.status_code}"] += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def make_batch(self, name: str) -> str:
        """Make a batch."""
        response = await self.request("POST", "/api/batches", json={"name": name})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def upload(self, batch_id: str | None = None, *, order: bytes | None = None) -> Accepted:
        """Send one photo until it is accepted."""
        if order is None:
            order = b"" if self.bodies else self.random.choices(list(ORDERS), list(ORDERS.values()))[0]
        body = commented(self.random.choice(self.bodies), self.random) if self.bodies else jpeg(comment=order)
        one = await self.send(body, order, batch_id)
        if order.startswith(b"fotofila:snooze"):
            await self.cancel(one)
        return one

    async def send(self, body: bytes, order: bytes, batch_id: str | None) -> Accepted:
        """Send these bytes until they are accepted."""
        params = {"filename": "a.jpg"} | ({"batch_id": batch_id} if batch_id else {})
        response = await self.request("POST", "/api/photos", content=body, params=params)
        assert response.status_code in {200, 202}, response.text
        upload = response.json()
        assert upload["duplicate"] == (response.status_code == 200)
        self.told["duplicate" if upload["duplicate"] else "taken"] += 1
        one = Accepted(
            photo_id=upload["photo"]["id"], job_id=upload["job"]["id"], order=order, body=body, batch_id=batch_id
        )
        return self.accepted.setdefault(one.photo_id, one)

    async def cancel(self, one: Accepted) -> None:
        """Cancel a job; one that is over already says 409."""
        response = await self.request("POST", f"/api/jobs/{one.job_id}/cancel")
        assert response.status_code in {202, 409}, response.text
        self.told["cancelled"] += 1

    async def go_on(self, stop: asyncio.Event, room: asyncio.Event, batches: list[str]) -> None:
        """Upload while there is room, now and then the same photo again."""
        while not stop.is_set():
            await room.wait()
            batch_id = self.random.choice(batches) if self.random.random() < 0.3 else None
            one = await self.upload(batch_id)
            if self.random.random() < 0.05:
                again = await self.send(one.body, one.order, None)
                assert again is one, "equal bytes are the same photo"


def commented(picture: bytes, random: Random) -> bytes:
    """Put a comment (COM segment) into a JPEG: the same picture, other bytes."""
    assert picture[:2] == b"\xff\xd8"
    comment = random.randbytes(16).hex().encode()
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]
