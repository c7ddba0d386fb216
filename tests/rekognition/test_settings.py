from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.bootstrap import make_buckets, make_context
from fotofila.cli.serve import listen_to_wire
from fotofila.core.config import SettingsError, load_settings
from fotofila.core.storage.local import LocalStorage


def test_buckets_are_storages_by_name(tmp_path: Path) -> None:
    given = f"photos=file://{tmp_path}/a, old=file://{tmp_path}/b"
    buckets = make_buckets(load_settings(data_dir=tmp_path, rekognition_buckets=given))
    assert set(buckets) == {"photos", "old"}
    assert all(isinstance(bucket, LocalStorage) for bucket in buckets.values())


@pytest.mark.parametrize("given", ["photos", "=file:///a", "photos=/a", "photos=ftp://a"])
def test_a_bucket_that_is_none_stops_the_start_with_a_sentence(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="FOTOFILA_"):
        make_buckets(load_settings(data_dir=tmp_path, rekognition_buckets=given))


async def test_a_port_without_the_protocol_is_told(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, capabilities=["library", "access"], rekognition_port=1)
    context = make_context(settings)
    with pytest.raises(SettingsError, match="FOTOFILA_CAPABILITIES"):
        listen_to_wire(context)
    await context.close()
