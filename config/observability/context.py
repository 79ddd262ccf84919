"""What is known about the work in hand: its correlation id and where it came from."""

import ipaddress
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_source: ContextVar[str] = ContextVar("source", default="Command")

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def correlation_id() -> str:
    """Return the id that ties log lines, events and answers of one piece of work together."""
    current = _correlation_id.get()
    if current is None:
        current = uuid.uuid4().hex
        _correlation_id.set(current)
    return current


def source() -> str:
    """Return where the work came from: `Api`, `Admin`, `Task` or `Command`."""
    return _source.get()


def acceptable(value: str | None) -> str:
    """Return `value` where it is a well-formed correlation id, else a new one."""
    return value if value and _WELL_FORMED.match(value) else uuid.uuid4().hex


@contextmanager
def work(correlation: str | None, origin: str) -> Iterator[str]:
    """Bind the correlation id and the source for the time of the block."""
    chosen = acceptable(correlation)
    tokens = _correlation_id.set(chosen), _source.set(origin)
    try:
        yield chosen
    finally:
        _correlation_id.reset(tokens[0])
        _source.reset(tokens[1])


def client_address(request: Any) -> str:
    """Return the caller's IP address: `REMOTE_ADDR`, or what the trusted proxies say of it.

    `TRUSTED_PROXIES` is the number of proxies in front; that many entries from the right of
    `X-Forwarded-For` are theirs, and nothing further left is believed. What is no address is
    0.0.0.0, so that it can be stored and counted as one.
    """
    meta = request.META
    hops: int = settings.TRUSTED_PROXIES
    if hops:
        chain = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        if len(chain) >= hops and (address := _ip_address(chain[-hops])):
            return address
    return _ip_address(str(meta.get("REMOTE_ADDR", ""))) or "0.0.0.0"  # noqa: S104 - no bind


def _ip_address(text: str) -> str | None:
    """Return the address in `text`, with or without a port and brackets, or None."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        return None
