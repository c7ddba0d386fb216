"""Which addresses a notification may be sent to.

The registries of special addresses (IANA, RFC 6890 and after) as Python knows them, plus those that a release of Python
calls global and that are not: cloud metadata services, and addresses of version 6 that carry one of version 4.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from fotofila.notify.errors import AddressRefusedError

NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); Alibaba's metadata service is 100.100.100.200
        "168.63.129.16/32",  # Azure's platform service: a public number, answered by the host
        "192.0.0.0/24",  # protocol assignments (RFC 6890); Oracle's metadata service is 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "224.0.0.0/3",  # multicast and reserved
        "::/96",  # addresses of version 4, as of RFC 4291, section 2.5.5.1
        "64:ff9b:1::/48",  # NAT64 of one's own network (RFC 8215)
        "100::/64",  # discard (RFC 6666)
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928, RFC 4380)
        "2001:db8::/32",
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
        "fc00::/7",
        "fe80::/9",  # link-local and the former site-local
        "ff00::/8",
    )
)
NAT64 = ip_network("64:ff9b::/96")
SIX_TO_FOUR = ip_network("2002::/16")


def embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the version 4 address that a version 6 one carries: mapped, NAT64 (RFC 6052) or 6to4 (RFC 3056)."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in SIX_TO_FOUR:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None


def is_public(text: str) -> bool:
    """Say whether an address, without brackets, belongs to the public internet; raises ValueError on anything else."""
    address = ip_address(text)
    if (inside := embedded(address)) is not None:
        return is_public(str(inside))
    listed = any(address.version == network.version and address in network for network in NOT_PUBLIC)
    return address.is_global and not listed


def check_address(address: str, *, host: str) -> None:
    """Let an address of the public internet pass.

    Raises:
        AddressRefusedError: it is not one.
    """
    if not is_public(address):
        message = (
            f"{host} is at {address}, which is no address of the public internet: "
            "an operator can allow it with FOTOFILA_WEBHOOKS_ALLOW_PRIVATE=true."
        )
        raise AddressRefusedError(message)


def check_host(host: str) -> None:
    """Refuse a host that is written as an address which may not be reached; names are looked up when connecting.

    Raises:
        AddressRefusedError: see above.
    """
    try:
        ip_address(host)
    except ValueError:
        if host.lower().rstrip(".").rpartition(".")[2] in {"localhost", "local", "internal"}:
            message = f"{host} is a private name: an operator can allow it with FOTOFILA_WEBHOOKS_ALLOW_PRIVATE=true."
            raise AddressRefusedError(message) from None
    else:
        check_address(host, host="The URL's host")
