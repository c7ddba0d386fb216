"""Ways of using an engine that keeps collections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from fotofila.core.errors import NotFoundError
from fotofila.faces.engine.base import FindOptions
from fotofila.faces.engine.flows import search_each_face
from fotofila.testing.pictures import jpeg
from tests.faces.engine.service import Here, Service, engine_of, refused


@dataclass(slots=True, kw_only=True)
class SlowToAnswer(Service):
    """Refuses the second search, and never answers the first."""

    searches: int = 0
    given_up: int = 0
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, operation: str, **values: Any) -> dict[str, Any]:
        if operation != "search_faces_by_image":
            return await super(SlowToAnswer, self).__call__(operation, **values)
        self.searches += 1
        if self.searches == 2:
            await self.first.wait()
            raise refused("ResourceNotFoundException")
        self.first.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return {}


async def test_search_that_fails_ends_the_others_of_its_picture() -> None:
    """Each is a request that is paid for, and would be made again by who repeats it."""
    service = SlowToAnswer()
    engine, picture = engine_of(service, Here()), jpeg(width=640, height=480)
    found = await engine.find_faces(picture, options=FindOptions())
    with pytest.raises(NotFoundError) as caught:
        await search_each_face(engine, "guests", picture, found=found)
    assert (service.searches, service.given_up) == (2, 1)
    assert caught.value.__cause__ is not None
