"""Which addresses a webhook may reach: public ones, and those that the operator allows.

A name is resolved once, every address of it is judged, and the connection goes to one of those
judged, so that a name that changes between the two reaches nothing else.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_MAX_ADDRESSES: Final = 8
# What the standard library takes for public, or did until lately: protocol assignments with the
# metadata services of clouds, relays, documentation, segment routing.
_NOT_PUBLIC: Final = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "3fff::/20",
    )
)
_UNICAST: Final = ip_network("2000::/3")
_NAT64: Final = ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """An address that a webhook must not reach."""


class NameNotResolved(Exception):
    """A name without an address."""


def url_problem(url: str) -> str | None:
    """Return why a webhook cannot go to `url`, as far as the text says it; None where it can."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", port_of(parts)
    except ValueError:
        return "Must be a URL such as https://example.com/hooks."
    schemes = ("https", "http") if settings.WEBHOOK_ALLOW_HTTP else ("https",)
    problem = None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        problem = "Must be ASCII without spaces; give an international name as xn--."
    elif parts.scheme not in schemes:
        problem = f"Must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}."
    elif not host:
        problem = "Must name a host."
    elif parts.username is not None or parts.password is not None:
        problem = "Must not hold a user name or a password; the signature says who sends."
    elif parts.fragment:
        problem = "Must not have a fragment."
    elif settings.WEBHOOK_PORTS and port not in settings.WEBHOOK_PORTS:
        ports = ", ".join(str(one) for one in settings.WEBHOOK_PORTS)
        problem = f"Must use one of the ports {ports}."
    elif not _may_be_public(host):
        problem = "Must be a public address."
    return problem


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL; raise ValueError where it is none."""
    return parts.port if parts.port is not None else _DEFAULT_PORTS.get(parts.scheme, 0)


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of `host`, all of them allowed.

    Raises `AddressRefused` where any is not, and `NameNotResolved`.
    """
    literal = _literal(host)
    found = [literal] if literal is not None else _looked_up(host, port)
    if any(not is_allowed(address) for address in found):
        raise AddressRefused
    return found[:_MAX_ADDRESSES]


def is_allowed(address: Address) -> bool:
    """Return whether a webhook may go to `address`."""
    networks = [ip_network(text, strict=False) for text in settings.WEBHOOK_ALLOWED_NETWORKS]
    return is_public(address) or any(
        address in network for network in networks if network.version == address.version
    )


def is_public(address: Address) -> bool:
    """Return whether `address` is one of the public internet, and carries none that is not."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if (carried := _carried(address)) is not None:
            return is_public(carried)
        if address not in _UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(
            address in network for network in _NOT_PUBLIC if network.version == address.version
        )
    )


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(address.packed[-4:]) if address in _NAT64 else None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _may_be_public(host: str) -> bool:
    literal = _literal(host)
    return not _looks_like_a_number(host) if literal is None else is_allowed(literal)


def _looks_like_a_number(host: str) -> bool:
    """Return whether a resolver reads `host` as an address that has another spelling (127.1)."""
    try:
        socket.inet_aton(host.rstrip("."))
    except OSError:
        return False
    return True


def _looked_up(host: str, port: int) -> list[Address]:
    if _looks_like_a_number(host):
        raise AddressRefused
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NameNotResolved from None
    return list(dict.fromkeys(ip_address(str(row[4][0])) for row in rows))
