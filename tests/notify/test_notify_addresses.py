"""Which addresses are of the public internet, and which only look so."""

from __future__ import annotations

import pytest

from fotofila.notify.addresses import check_host, is_public
from fotofila.notify.errors import AddressRefusedError
from fotofila.notify.webhooks import check_webhook_url

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_passes(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "printer.local", "metadata.google.internal"])
def test_host_that_is_private_by_its_look_is_refused_at_once(host: str) -> None:
    with pytest.raises(AddressRefusedError, match="FOTOFILA_WEBHOOKS_ALLOW_PRIVATE"):
        check_host(host)


@pytest.mark.parametrize("host", ["hooks.example.com", "local.example.com", "nowhere.invalid"])
def test_name_waits_for_the_connection(host: str) -> None:
    assert check_webhook_url(f"https://{host}/", allow_private=False) == f"https://{host}/"
