from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fotofila.testing.storage_conformance import StorageConformance, StorageHarness
from tests.conformance.adapters import open_local_storage


class TestLocalStorage(StorageConformance):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> StorageHarness:
        around = tmp_path / "around"
        root = around / "beside" / "objects"
        (around / "beside").mkdir(parents=True)
        (around / "secret").write_text("nobody's business")

        def outside() -> object:
            beside = [path for path in around.rglob("*") if root not in (path, *path.parents)]
            return sorted((str(path), path.read_bytes() if path.is_file() else b"") for path in beside)

        return StorageHarness(open=partial(open_local_storage, root), outside=outside)
