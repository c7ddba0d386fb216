from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from fotofila.bootstrap import make_storage
from fotofila.core.config import Settings, SettingsError
from fotofila.core.storage import SigningStorage, Storage
from fotofila.core.storage.address import BucketAddress, parse_address
from fotofila.core.storage.s3.addressing import Addressing, aws_endpoint, bucket_url, is_virtual

KEYS: dict[str, Any] = {
    "storage_access_key_id": SecretStr("AKIDEXAMPLE"),
    "storage_secret_access_key": SecretStr("secret"),
    "storage_region": "eu-west-1",
}
PICTURE = {"media_type": "image/png", "disposition": "inline"}


def open_storage(url: str, **settings: Any) -> Storage:
    return make_storage(Settings(storage_url=url, **settings))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket", BucketAddress(scheme="s3", bucket="bucket")),
        ("s3://bucket/", BucketAddress(scheme="s3", bucket="bucket")),
        ("gs://bucket/a/b_c.d-e", BucketAddress(scheme="gs", bucket="bucket", prefix="a/b_c.d-e")),
        ("az://container/photos/", BucketAddress(scheme="az", bucket="container", prefix="photos")),
        ("s3://my.dotted.bucket/x", BucketAddress(scheme="s3", bucket="my.dotted.bucket", prefix="x")),
    ],
)
def test_address_is_bucket_and_prefix(url: str, address: BucketAddress) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        "s3://key:secret@bucket/prefix",
        "s3://host:9000/bucket",
        "s3://bucket/../other",
        "s3://bucket/a//b",
        "gs://bucket/a b",
        "az://container/x?sig=secret",
        "s3://bucket/x#y",
    ],
)
def test_anything_else_is_refused_by_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^FOTOFILA_STORAGE_URL: ") as told:
        open_storage(url)
    assert "secret" not in str(told.value)


def test_unknown_scheme_is_told_what_there_is() -> None:
    with pytest.raises(SettingsError, match=r"ftp:// is not supported; there are file:///folder, s3://bucket/prefix"):
        open_storage("ftp://host/folder")


@pytest.mark.parametrize("missing", ["storage_access_key_id", "storage_secret_access_key"])
def test_half_a_pair_of_keys_is_refused(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^FOTOFILA_{missing.upper()}: set both keys or neither"):
        open_storage("s3://bucket", **{**KEYS, missing: SecretStr("")})


@pytest.mark.parametrize("endpoint", ["host:9000", "ftp://host", "https://", "https://host/path", "https://host?x=y"])
@pytest.mark.parametrize("setting", ["storage_endpoint", "storage_public_endpoint"])
def test_endpoint_is_a_plain_origin(setting: str, endpoint: str) -> None:
    with pytest.raises(SettingsError, match=f"^FOTOFILA_{setting.upper()}: write it as https://host"):
        open_storage("s3://bucket", **KEYS, **{setting: endpoint})


@pytest.mark.parametrize(
    ("bucket", "settings", "url"),
    [
        ("b", {}, "https://b.s3.eu-west-1.amazonaws.com"),
        ("b", {"storage_addressing": "path"}, "https://s3.eu-west-1.amazonaws.com/b"),
        ("my.bucket", {}, "https://s3.eu-west-1.amazonaws.com/my.bucket"),
        ("b", {"storage_region": "cn-north-1"}, "https://b.s3.cn-north-1.amazonaws.com.cn"),
        ("b", {"storage_endpoint": "http://10.0.0.1:9000/"}, "http://10.0.0.1:9000/b"),
        ("b", {"storage_endpoint": "https://x.r2.cloudflarestorage.com"}, "https://x.r2.cloudflarestorage.com/b"),
        (
            "b",
            {"storage_endpoint": "http://minio:9000", "storage_public_endpoint": "https://files.example.org"},
            "https://files.example.org/b",
        ),
        (
            "b",
            {"storage_endpoint": "https://s3.example.org", "storage_addressing": "virtual"},
            "https://b.s3.example.org",
        ),
    ],
)
async def test_links_lead_where_clients_reach_the_bucket(bucket: str, settings: dict[str, Any], url: str) -> None:
    storage = open_storage(f"s3://{bucket}/in", **{**KEYS, **settings})
    assert isinstance(storage, SigningStorage)
    link = await storage.sign_get("a/b", seconds=300, **PICTURE)
    assert link.startswith(f"{url}/in/a/b?")
    assert storage.origin == "{0.scheme}://{0.netloc}".format(urlsplit(url))
    query = parse_qs(urlsplit(link).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert query["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")


async def test_keys_of_the_environment_are_used_with_their_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "passing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    storage = open_storage("s3://bucket")
    assert isinstance(storage, SigningStorage)
    query = parse_qs(urlsplit(await storage.sign_get("a", seconds=60, **PICTURE)).query)
    assert query["X-Amz-Credential"][0].startswith("AKIDCHAIN/")
    assert "/sa-east-1/s3/" in query["X-Amz-Credential"][0]
    assert query["X-Amz-Security-Token"] == ["passing"]


def test_without_links_nothing_is_signed() -> None:
    assert not isinstance(open_storage("s3://bucket", **KEYS, storage_link_seconds=0), SigningStorage)


def test_bucket_of_google_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    assert not isinstance(open_storage("gs://bucket/photos"), SigningStorage)


def test_container_of_azure_needs_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    assert not isinstance(open_storage("az://container/photos"), SigningStorage)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
    with pytest.raises(SettingsError, match=r"^FOTOFILA_STORAGE_URL: az://container/photos cannot be opened"):
        open_storage("az://container/photos")


@pytest.mark.parametrize(
    ("addressing", "endpoint", "virtual"),
    [
        ("auto", "", True),
        ("auto", "http://h", False),
        ("path", "", False),
        ("virtual", "http://h", True),
    ],
)
def test_bucket_is_in_the_host_name_on_aws(addressing: Addressing, endpoint: str, virtual: bool) -> None:
    assert is_virtual(addressing, endpoint=endpoint, bucket="b") is virtual
    assert bucket_url(endpoint or aws_endpoint("us-east-1"), "b", virtual=virtual)
