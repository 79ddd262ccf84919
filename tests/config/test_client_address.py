"""Whose address a request counts under."""

from typing import Any

import pytest
from django.test import RequestFactory

from config.observability.context import client_address


@pytest.mark.parametrize(
    ("hops", "remote", "forwarded", "expected"),
    [
        (0, "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (2, "10.0.0.1", "198.51.100.7", "10.0.0.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        (1, "10.0.0.1", "198.51.100.7:1234", "198.51.100.7"),
        (1, "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        (1, "10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        (1, "10.0.0.1", "unknown", "10.0.0.1"),
        (1, "10.0.0.1", "<script>", "10.0.0.1"),
        (0, "", None, "0.0.0.0"),  # noqa: S104 - no bind
    ],
)
def test_only_trusted_proxies_are_believed(
    settings: Any, hops: int, remote: str, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = hops
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=remote, **headers)
    assert client_address(request) == expected
