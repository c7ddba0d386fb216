"""Lists of Rekognition, which come by the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faces.engine.service import SOMEBODY, Here, Service, engine_of, known


@dataclass(slots=True, kw_only=True)
class Paged(Service):
    """Has three pages of a face each; notes of each page whether it was read when the next was asked for."""

    page: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    unread: int = 0

    def list_faces(self, values: dict[str, Any]) -> dict[str, Any]:
        number = int(values.get("NextToken", 0))
        self.unread += len([*self.page])
        self.page = iter([known(f"{number}.jpg")])
        more = {"NextToken": str(number + 1)} if number < 2 else {}
        return {"Faces": self.page, "FaceModelVersion": f"{number}.0", **more}


async def test_faces_of_a_large_collection_are_read_a_page_at_a_time() -> None:
    """All of them at the end would hold up everybody else for seconds."""
    service = Paged()

    faces = await engine_of(service, Here()).list_faces("guests")

    assert [(each.external_image_id, each.model) for each in faces] == [
        (f"{number}.jpg", f"rekognition-{number}.0") for number in range(3)
    ]
    assert {each.face_id for each in faces} == {SOMEBODY.replace("-", "")}
    assert service.unread == 0
