from __future__ import annotations

from pathlib import Path

import pytest
from image_files import Seen

from fotofila.core.images.decode import Decoded, decode


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    def decode_bytes(data: bytes, *, pixel_cap: int = 200_000_000) -> Decoded:
        path = tmp_path / "photo"
        path.write_bytes(data)
        return decode(path, pixel_cap=pixel_cap)

    return decode_bytes
