from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from fotofila.access import aws_signature
from fotofila.access.aws_signature import (
    DEMANDED,
    Headers,
    Signature,
    SignatureRefusedError,
    SignedRequest,
    read_signature,
    verify_signature,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
KEY = "FFAKABCDEFGHIJKLMNOP"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SERVICE = "rekognition"
EMPTY = hashlib.sha256(b"").hexdigest()


class At(SigV4Auth):
    """botocore as the signer, at a time of our own."""

    def __init__(self, at: datetime, *, service: str = SERVICE) -> None:
        super().__init__(Credentials(KEY, SECRET), service, "eu-west-1")
        self._at = at.strftime(aws_signature.MOMENT)

    def add_auth(self, request: Any) -> None:
        request.context["timestamp"] = self._at
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))

    def _set_necessary_date_headers(self, request: Any) -> None:
        request.headers["X-Amz-Date"] = request.context["timestamp"]


def signed(
    body: bytes = b"{}",
    *,
    at: datetime = NOW,
    url: str = "http://photos.test:8000/rekognition",
    service: str = SERVICE,
    **headers: str,
) -> tuple[Headers, SignedRequest]:
    """Return a request as it arrives, signed by botocore."""
    given_headers = {"X-Amz-Target": "RekognitionService.ListCollections", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest(method="POST", url=url, data=body, headers=given_headers | headers)
    At(at, service=service).add_auth(request)
    host, _, rest = url.partition("//")[2].partition("/")
    path, _, query = f"/{rest}".partition("?")
    arrived = [(name.lower(), value) for name, value in request.headers.items()]
    if "host" not in dict(arrived):
        arrived.append(("host", host))
    return arrived, SignedRequest(
        method="POST", path=path, query=query, headers=arrived, body_sha256=hashlib.sha256(body).hexdigest()
    )


def check(headers: Headers, request: SignedRequest, *, secret: str = SECRET, now: datetime = NOW) -> Signature:
    read = read_signature(headers, service=SERVICE, now=now)
    verify_signature(read, secret, request)
    return read


def refusal(headers: Headers, request: SignedRequest, **arguments: Any) -> str:
    with pytest.raises(SignatureRefusedError) as caught:
        check(headers, request, **arguments)
    return caught.value.name


def changed(headers: Headers, name: str, value: str | None) -> Headers:
    return [(each, value if each == name else given) for each, given in headers if each != name or value is not None]


VECTORS = [
    (
        "get-vanilla of AWS's test suite",
        "service",
        "/",
        "",
        [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    (
        "get-vanilla-query-order-key-case of AWS's test suite",
        "service",
        "/",
        "Param2=value2&Param1=value1",
        [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "the worked example of the General Reference",
        "iam",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
]


@pytest.mark.parametrize(
    ("service", "path", "query", "headers", "signature"),
    [case[1:] for case in VECTORS],
    ids=[case[0] for case in VECTORS],
)
def test_published_vectors_fit(service: str, path: str, query: str, headers: Headers, signature: str) -> None:
    read = Signature(
        access_key_id="AKIDEXAMPLE",
        date="20150830",
        region="us-east-1",
        service=service,
        at="20150830T123600Z",
        signed_headers=tuple(name for name, _ in headers),
        signature=signature,
    )
    request = SignedRequest(method="GET", path=path, query=query, headers=headers, body_sha256=EMPTY)
    verify_signature(read, SECRET, request)
    with pytest.raises(SignatureRefusedError):
        verify_signature(read, SECRET + "x", request)


def test_what_botocore_signs_is_read_and_fits() -> None:
    read = check(*signed())
    assert (read.access_key_id, read.region, read.service) == (KEY, "eu-west-1", SERVICE)
    assert set(DEMANDED) <= set(read.signed_headers)


@given(
    body=st.binary(max_size=200),
    path=st.text("abc/.-_~%20", max_size=20),
    query=st.lists(st.tuples(st.text("ab%41=+", max_size=4), st.text("xy %2F~", max_size=4)), max_size=4),
    value=st.text("a b\t", max_size=8),
)
def test_whatever_botocore_signs_fits(body: bytes, path: str, query: list[tuple[str, str]], value: str) -> None:
    joined = "&".join(f"{name.replace('=', '')}={text.replace(' ', '')}" for name, text in query)
    url = f"http://photos.test/{path}" + (f"?{joined}" if joined else "")
    if "%" in url.replace("%20", "").replace("%41", "").replace("%2F", ""):
        return  # no URL at all
    headers, request = signed(body, url=url, Extra=f"x{value}y")
    assert check(headers, request).access_key_id == KEY


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_five_minutes_either_way_are_taken(minutes: int) -> None:
    assert check(*signed(at=NOW + timedelta(minutes=minutes))).access_key_id == KEY


@pytest.mark.parametrize(("seconds", "sentence"), [(-301, "expired"), (301, "not yet current")])
def test_more_than_five_minutes_are_refused(seconds: int, sentence: str) -> None:
    headers, request = signed(at=NOW + timedelta(seconds=seconds))
    with pytest.raises(SignatureRefusedError, match=sentence) as caught:
        check(headers, request)
    assert caught.value.name == "InvalidSignatureException"


def test_another_secret_does_not_fit() -> None:
    assert refusal(*signed(), secret=SECRET[::-1]) == "InvalidSignatureException"


def test_another_body_does_not_fit() -> None:
    headers, request = signed(b"{}")
    other = SignedRequest(
        method="POST", path=request.path, query="", headers=headers, body_sha256=hashlib.sha256(b"[]").hexdigest()
    )
    assert refusal(headers, other) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-amz-target", "RekognitionService.DeleteCollection"), ("content-type", "text/plain"), ("host", "evil.test")],
)
def test_a_signed_header_that_was_changed_does_not_fit(name: str, value: str) -> None:
    headers, request = signed()
    other = changed(headers, name, value)
    swapped = SignedRequest(method="POST", path=request.path, query="", headers=other, body_sha256=request.body_sha256)
    assert refusal(other, swapped) == "InvalidSignatureException"


def test_the_port_is_part_of_the_host() -> None:
    headers, request = signed()
    other = changed(headers, "host", "photos.test")
    without = SignedRequest(method="POST", path=request.path, query="", headers=other, body_sha256=request.body_sha256)
    read = read_signature(other, service=SERVICE, now=NOW)
    with pytest.raises(SignatureRefusedError, match=r"'photos\.test'"):
        verify_signature(read, SECRET, without)
    verify_signature(read, SECRET, without, hosts=("photos.test:8000",))


def test_a_declared_hash_that_is_not_the_bodys_is_refused() -> None:
    headers, request = signed(**{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(headers, request) == "InvalidSignatureException"


def test_a_declared_hash_that_is_the_bodys_fits() -> None:
    read = check(*signed(b"{}", **{"X-Amz-Content-SHA256": hashlib.sha256(b"{}").hexdigest()}))
    assert read.access_key_id == KEY


@pytest.mark.parametrize("missing", ["host", "x-amz-date", "x-amz-target"])
def test_what_says_whom_when_and_what_must_be_signed(missing: str) -> None:
    headers, request = signed()
    authorization = dict(headers)["authorization"].replace(f"{missing};", "").replace(f";{missing}", "")
    assert refusal(changed(headers, "authorization", authorization), request) == "InvalidSignatureException"


def test_a_signed_header_that_did_not_arrive_is_refused() -> None:
    headers, request = signed(Extra="1")
    left = changed(headers, "extra", None)
    other = SignedRequest(method="POST", path=request.path, query="", headers=left, body_sha256=request.body_sha256)
    assert refusal(left, other) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        ("", "MissingAuthenticationTokenException"),
        ("Bearer ff_abc", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=1", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=1", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=a/b/c//e, SignedHeaders=host, Signature=1", "IncompleteSignatureException"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=b, Signature=c", "IncompleteSignatureException"),
    ],
)
def test_a_header_that_is_no_signature_is_told_as_aws_tells_it(authorization: str, name: str) -> None:
    headers, request = signed()
    assert refusal(changed(headers, "authorization", authorization), request) == name


@pytest.mark.parametrize("date", [None, "", "yesterday", "20261399T999999Z", "Sat, 21 Nov 2026 12:00:00 GMT"])
def test_a_time_that_is_none_is_told(date: str | None) -> None:
    headers, request = signed()
    assert refusal(changed(headers, "x-amz-date", date), request) == "IncompleteSignatureException"


def test_the_scope_must_be_of_the_same_day_and_of_this_service() -> None:
    headers, request = signed()
    authorization = dict(headers)["authorization"]
    yesterday = authorization.replace("/20261121/", "/20261120/")
    assert refusal(changed(headers, "authorization", yesterday), request) == "InvalidSignatureException"
    other, request = signed(service="s3")
    with pytest.raises(SignatureRefusedError, match="correct service"):
        check(other, request)


@given(st.text(max_size=80), st.text(max_size=30))
def test_nothing_but_a_refusal_comes_of_nonsense(authorization: str, date: str) -> None:
    headers = [("authorization", authorization), ("x-amz-date", date), ("host", "a"), ("x-amz-target", "b")]
    with pytest.raises(SignatureRefusedError):
        read_signature(headers, service=SERVICE, now=NOW)
