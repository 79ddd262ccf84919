"""Sending one webhook: to the address that was judged, without redirects, within ten seconds."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone

from audit.webhooks.addresses import Address, AddressRefused, NameNotResolved, port_of, resolve
from audit.webhooks.models import DeliveryFault

TIMEOUT_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 3.0
_MOST_READ: Final = 65_536
_LONGEST_WAIT: Final = timedelta(hours=10)
_REDIRECTS: Final = range(300, 400)
_DELIVERED: Final = range(200, 300)
_GONE: Final = 410
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Assayer",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt; `retry_after` is how long the receiver asks to be left alone."""

    status_code: int | None = None
    fault: DeliveryFault | None = None
    retry_after: timedelta = timedelta(0)

    @property
    def delivered(self) -> bool:
        """Whether the receiver confirmed it."""
        return self.fault is None

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it wants no more."""
        return self.status_code == _GONE


def send(url: str, body: str, headers: Mapping[str, str]) -> Outcome:
    """Post `body` to `url` and return what became of it; nothing the receiver does is an error.

    It may take ten seconds from the first connection on, however slowly the answer trickles. At
    most 64 kB of the answer are read, and none of it is kept.
    """
    with _deadline() as deadline:
        try:
            return _send(url, body.encode(), headers, deadline)
        except AddressRefused:
            fault = DeliveryFault.REFUSED
        except NameNotResolved:
            fault = DeliveryFault.NAME
        except TimeoutError:
            fault = DeliveryFault.TIMEOUT
        except ssl.SSLError:
            fault = DeliveryFault.TLS
        except (HTTPException, OSError, ValueError):
            fault = DeliveryFault.CONNECTION
        return Outcome(fault=DeliveryFault.TIMEOUT if deadline.passed else fault)


class _Deadline:
    """Ends the connections that it watches when the time is up."""

    def __init__(self) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(TIMEOUT_SECONDS, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket) -> None:
        # TLS takes the socket over; its duplicate ends the same connection.
        self._sockets.append(connected.dup())

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()
        for one in self._sockets:
            one.close()

    def _pass(self) -> None:
        self.passed = True
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline() -> Iterator[_Deadline]:
    deadline = _Deadline()
    try:
        yield deadline
    finally:
        deadline.close()


def _send(url: str, body: bytes, headers: Mapping[str, str], deadline: _Deadline) -> Outcome:
    parts = urlsplit(url)
    host, port = parts.hostname or "", port_of(parts)
    connected = _connected(resolve(host, port), port, deadline)
    try:
        if parts.scheme == "https":
            # The certificate must be that of the name, although the connection is to an address.
            context = ssl.create_default_context()
            connected = context.wrap_socket(connected, server_hostname=host)
        connection = HTTPConnection(host, port)
        connection.sock = connected  # it opens none of its own
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {**_HEADERS, "Host": parts.netloc, **headers})
        response = connection.getresponse()
        status, wait = response.status, _wait(response.headers.get("Retry-After", ""))
        # Reading lets an orderly server end in order; what it says does not matter any more.
        with contextlib.suppress(HTTPException, OSError, ValueError):
            response.read(_MOST_READ)
    finally:
        connected.close()
    if status in _DELIVERED:
        return Outcome(status)
    fault = DeliveryFault.REDIRECT if status in _REDIRECTS else DeliveryFault.STATUS
    return Outcome(status, fault, wait)


def _connected(addresses: Sequence[Address], port: int, deadline: _Deadline) -> socket.socket:
    """Return a connection to the first of the addresses that answers; raise OSError for none."""
    refusal: OSError = ConnectionError()
    for address in addresses:
        try:
            connected = socket.create_connection((str(address), port), _CONNECT_SECONDS)
        except OSError as error:
            refusal = error
            if deadline.passed:
                break
            continue
        deadline.watch(connected)
        connected.settimeout(TIMEOUT_SECONDS)
        return connected
    raise refusal


def _wait(text: str) -> timedelta:
    """Return how long `Retry-After` says to wait: seconds or a moment; nothing where it is odd."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return min(timedelta(seconds=int(text)), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(timedelta(0), min(moment - timezone.now(), _LONGEST_WAIT))
