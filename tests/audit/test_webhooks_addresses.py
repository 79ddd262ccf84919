"""Webhooks reach public addresses alone, whatever a URL, a name server or a receiver says."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from django.test import override_settings

from audit.webhooks import sending
from audit.webhooks.addresses import AddressRefused, is_public, resolve, url_problem
from audit.webhooks.models import DeliveryFault
from audit.webhooks.sending import send
from tests.audit.receiving import Receiver, receiving

NOT_PUBLIC = (
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:5ef5:79fd::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "2606:4700::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
)
PUBLIC = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8")


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))
    with pytest.raises(AddressRefused):
        resolve(text, 443)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_not(text: str) -> None:
    assert is_public(ip_address(text))
    assert resolve(text, 443) == [ip_address(text)]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///x",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://:@example.com/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exämple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_a_url_that_cannot_be_is_refused_when_it_is_given(url: str) -> None:
    assert url_problem(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hooks?token=x",
        "https://xn--exmple-cua.com/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
    ],
)
def test_a_url_of_the_public_internet_is_taken(url: str) -> None:
    assert url_problem(url) is None


def test_a_network_that_the_operator_allows_is_taken() -> None:
    with override_settings(WEBHOOK_ALLOWED_NETWORKS=["10.1.0.0/16"], WEBHOOK_PORTS=[]):
        assert url_problem("https://10.1.2.3:9000/") is None
        assert url_problem("https://10.2.2.3:9000/") is not None


Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Let a name server answer these addresses, one list for each question, the last for ever."""

    def answers(*lists: list[str]) -> None:
        waiting = list(lists)

        def getaddrinfo(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return [
                (
                    socket.AF_INET6 if ":" in one else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (one, port),
                )
                for one in found
            ]

        monkeypatch.setattr("audit.webhooks.addresses.socket.getaddrinfo", getaddrinfo)

    return answers


class TestNames:
    @pytest.mark.parametrize("text", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"])
    def test_a_name_of_a_private_address_is_refused(self, names: Names, text: str) -> None:
        names([text])
        assert send("https://inside.test/", "{}", {}).fault == DeliveryFault.REFUSED

    def test_one_private_address_among_public_ones_is_enough(self, names: Names) -> None:
        names(["1.1.1.1", "127.0.0.1"])
        assert send("https://inside.test/", "{}", {}).fault == DeliveryFault.REFUSED

    def test_a_name_that_changes_between_judging_and_connecting_reaches_nothing_else(
        self, names: Names, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names(["1.1.1.1"], ["127.0.0.1"])
        connected: list[Any] = []

        def create_connection(address: Any, *args: Any, **more: Any) -> socket.socket:
            connected.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(sending.socket, "create_connection", create_connection)
        assert send("https://rebinding.test/", "{}", {}).fault == DeliveryFault.CONNECTION
        assert connected == [("1.1.1.1", 443)]
        assert send("https://rebinding.test/", "{}", {}).fault == DeliveryFault.REFUSED
        assert connected == [("1.1.1.1", 443)]

    def test_a_name_without_an_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def getaddrinfo(*args: Any, **more: Any) -> Any:
            raise socket.gaierror

        monkeypatch.setattr("audit.webhooks.addresses.socket.getaddrinfo", getaddrinfo)
        assert send("https://nowhere.test/", "{}", {}).fault == DeliveryFault.NAME

    def test_the_next_address_is_tried_where_one_does_not_answer(self, names: Names) -> None:
        with receiving() as receiver:
            names(["127.0.0.2", "127.0.0.1"])
            assert send(f"http://two.test:{receiver.port}/", "{}", {}).status_code == 204
            assert receiver.received[0].headers["host"] == f"two.test:{receiver.port}"

    def test_the_host_that_is_sent_and_shown_to_tls_is_the_name(
        self, names: Names, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[Any] = []

        def wrap_socket(self: Any, sock: Any, *args: Any, **more: Any) -> Any:
            shown.append((self.check_hostname, self.verify_mode, more["server_hostname"]))
            raise ssl.SSLCertVerificationError

        with receiving() as receiver:
            names(["127.0.0.1"])
            monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap_socket)
            outcome = send(f"https://named.test:{receiver.port}/", "{}", {})
        assert outcome.fault == DeliveryFault.TLS
        assert shown == [(True, ssl.CERT_REQUIRED, "named.test")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


class TestReceivers:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, receiver: Receiver, status: int) -> None:
        target = f"http://127.0.0.1:{receiver.port}/inside"
        receiver.answer = lambda _: (status, {"Location": target})
        outcome = send(receiver.url, "{}", {})
        assert (outcome.status_code, outcome.fault) == (status, DeliveryFault.REDIRECT)
        assert len(receiver.received) == 1

    def test_plain_http_to_a_tls_url_is_a_fault_of_tls(self, receiver: Receiver) -> None:
        url = receiver.url.replace("http:", "https:")
        assert send(url, "{}", {}).fault == DeliveryFault.TLS

    def test_nothing_listens(self, receiver: Receiver) -> None:
        receiver.kill()
        assert send(receiver.url, "{}", {}).fault == DeliveryFault.CONNECTION

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK" + b"x" * 70_000,
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        ],
        ids=["nothing", "nonsense", "no status", "long line", "many headers"],
    )
    def test_an_answer_that_is_none(self, said: bytes) -> None:
        with Saying(said) as port, _allowed():
            assert send(f"http://127.0.0.1:{port}/", "{}", {}).fault == DeliveryFault.CONNECTION

    def test_an_endless_answer_is_left_unread(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
        with Saying(head + b"x" * 1_000_000) as port, _allowed():
            assert send(f"http://127.0.0.1:{port}/", "{}", {}).delivered

    def test_an_answer_that_trickles_ends_with_the_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.5)
        with Saying(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 40, pause=0.05) as port, _allowed():
            outcome = send(f"http://127.0.0.1:{port}/", "{}", {})
        assert outcome.fault == DeliveryFault.TIMEOUT

    def test_an_answer_that_never_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.3)
        with Saying(b"", hold=2.0) as port, _allowed():
            outcome = send(f"http://127.0.0.1:{port}/", "{}", {})
        assert outcome.fault == DeliveryFault.TIMEOUT


def _allowed() -> Any:
    return override_settings(
        WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOWED_NETWORKS=["127.0.0.0/8"], WEBHOOK_PORTS=[]
    )


class Saying:
    """A server that says bytes to whoever connects, all at once or one at a time."""

    def __init__(self, said: bytes, *, pause: float = 0, hold: float = 0) -> None:
        self._said, self._pause, self._hold = said, pause, hold
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        port: int = self._server.getsockname()[1]
        return port

    def __exit__(self, *args: object) -> None:
        self._over.set()
        self._server.close()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(65_536)
            self._over.wait(self._hold)
            try:
                if not self._pause:
                    connection.sendall(self._said)
                    return
                for byte in self._said:
                    connection.sendall(bytes([byte]))
                    time.sleep(self._pause)
            except OSError:
                return
