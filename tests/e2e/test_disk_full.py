"""A full disk under all that the program keeps: a clear answer, nothing half written, and on it goes with room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fotofila.testing.pictures import jpeg
from tests.core.disks import small_disk
from tests.e2e.conftest import NOOP, Served, serving

DISK_KIB = 24 * 1024
SPARE_BYTES = 512 * 1024
LARGE = b"\0" * 2 * SPARE_BYTES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def fill(disk: Path, *, leave_bytes: int) -> Path:
    """Fill a disk but for so many bytes; returns the file that does it."""
    path = disk / "filler"
    state = os.statvfs(disk)
    with path.open("ab") as file:
        file.write(b"\0" * max(0, state.f_bavail * state.f_frsize - leave_bytes))
    return path


def objects(served: Served) -> list[str]:
    """Return every file in the folder of objects, those that are hidden too."""
    root = served.data_dir / "objects"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_full_disk_is_answered_clearly_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    settings = {**NOOP, "lease_seconds": 2, "retry_scale": 0.05, "workers": 1}
    with small_disk(tmp_path / "data", size_kib=DISK_KIB) as disk:
        async with serving(tmp_path, **settings) as served, served.client() as client:

            async def send(body: bytes, *, wait: int = 0) -> tuple[int, dict[str, object]]:
                answer = await client.post("/api/photos", content=body, params={"wait": wait})
                return answer.status_code, answer.json()

            status, first = await send(jpeg(comment=b"first"), wait=60)
            assert (status, first["job"]["state"]) == (202, "done")  # type: ignore[index]
            kept = objects(served)

            filler = fill(disk, leave_bytes=SPARE_BYTES)
            status, problem = await send(jpeg(comment=b"large") + LARGE)
            assert (status, problem["code"]) == (507, "storage_full")
            assert "free some space" in str(problem["detail"])
            assert objects(served) == kept

            fill(disk, leave_bytes=0)
            status, problem = await send(jpeg(comment=b"small"))
            assert (status, problem["code"]) == (507, "storage_full")
            assert objects(served) == kept
            shown = await client.get("/api/photos")
            assert (shown.status_code, len(shown.json()["items"])) == (200, 1), "what is there can be looked at"
            again = await client.get(first["photo"]["links"]["image"])  # type: ignore[index]
            assert again.status_code == 200

            filler.unlink()
            status, later = await send(jpeg(comment=b"small"), wait=60)
            assert (status, later["job"]["state"]) == (202, "done")  # type: ignore[index]
            assert len(objects(served)) == 2 * len(kept)
