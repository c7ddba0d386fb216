from __future__ import annotations

from functools import partial

import pytest

from fotofila.testing.servers import S3Server
from fotofila.testing.signing_conformance import SigningConformance
from fotofila.testing.storage_conformance import StorageConformance, StorageHarness
from tests.conformance.adapters import S3Place, list_bucket, open_common_storage, open_s3_storage


@pytest.fixture
def place(s3_server: S3Server, s3_url: str) -> S3Place:
    return S3Place(url=f"{s3_url}/in", endpoint=s3_server.endpoint)


class TestS3Storage(StorageConformance, SigningConformance):
    @pytest.fixture
    def harness(self, place: S3Place) -> StorageHarness:
        return StorageHarness(open=partial(open_s3_storage, place), outside=partial(list_bucket, place))


class TestBucketOfAnyStore(StorageConformance):
    """What Google's and Azure's stores run through, here on S3: nothing in it is S3's own."""

    @pytest.fixture
    def harness(self, place: S3Place) -> StorageHarness:
        return StorageHarness(open=partial(open_common_storage, place), outside=partial(list_bucket, place))
