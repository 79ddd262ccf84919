import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.arc14.chain import AlgodChain, AlgodNode, ChainFacts, OfflineChain
from accounts.arc14.rounds import RoundAnchor
from accounts.arc14.verifier import Arc14Error, verify_arc14
from tests.accounts.arc14_headers import ADDRESS, GOOD, POLICY, ROUND

MAINNET = "mainnet-v1.0"
NOON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
STATUS = {"last-round": ROUND, "time-since-last-round": 0, "catchup-time": 0}


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeAlgod(ThreadingHTTPServer):
    """Answers `/v2/status` and `/v2/accounts/{address}` from two attributes, and keeps a log."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeAlgodHandler)
        self.status: Any = dict(STATUS)
        self.accounts: dict[str, Any] = {}
        self.http_status = 200
        self.delay_seconds = 0.0
        self.requests: list[str] = []
        self.tokens: set[str | None] = set()
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str) -> Any:
        if path == "/v2/status":
            return self.status
        address = path.removeprefix("/v2/accounts/")
        return self.accounts.get(address, {"address": address, "amount": 0, "round": ROUND})


class FakeAlgodHandler(BaseHTTPRequestHandler):
    server: FakeAlgod

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.tokens.add(self.headers["X-Algo-API-Token"])
        self.server.keys.add(self.headers["X-Key"])
        time.sleep(self.server.delay_seconds)
        answer = self.server.answer(urlsplit(self.path).path)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            self.send_response(self.server.http_status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # the client had no patience

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def algod(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAlgod]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = FakeAlgod()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chain(algod: FakeAlgod, clock: Clock) -> AlgodChain:
    nodes = {MAINNET: AlgodNode(algod.url, token="secret")}
    return AlgodChain(nodes, now=clock, timeout_seconds=0.5)


def unavailable(chain: ChainFacts, question: str, network: str = MAINNET) -> None:
    def ask() -> object:
        if question == "round":
            return chain.round_bounds(network)
        return chain.auth_address(network, ADDRESS[1])

    with pytest.raises(Arc14Error) as caught:
        ask()
    assert caught.value.code == "CHAIN_UNAVAILABLE"


def test_round_of_a_node(chain: AlgodChain, algod: FakeAlgod) -> None:
    assert chain.round_bounds(MAINNET) == (ROUND, ROUND + 1)
    assert algod.requests == ["/v2/status"]
    assert algod.tokens == {"secret"}


def test_time_since_the_last_round_counts(chain: AlgodChain, algod: FakeAlgod) -> None:
    algod.status["time-since-last-round"] = 2_600_000_000
    assert chain.round_bounds(MAINNET) == (ROUND, ROUND + 2)


def test_node_is_polled_every_thirty_seconds_and_the_rest_is_estimated(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    chain.round_bounds(MAINNET)
    algod.status["last-round"] = ROUND + 11
    clock.advance(29.9)
    assert chain.round_bounds(MAINNET) == (ROUND + 9, ROUND + 12)
    assert len(algod.requests) == 1
    clock.advance(0.1)
    assert chain.round_bounds(MAINNET) == (ROUND + 11, ROUND + 12)
    assert chain.round_bounds(MAINNET) == (ROUND + 11, ROUND + 12)
    assert len(algod.requests) == 2


def test_node_that_lags_behind_another_does_not_turn_rounds_back(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    chain.round_bounds(MAINNET)
    algod.status["last-round"] = ROUND - 500
    clock.advance(30)
    assert chain.round_bounds(MAINNET) == (ROUND + 9, ROUND + 12)


def test_rounds_outlive_the_node_for_a_while(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    chain.round_bounds(MAINNET)
    algod.http_status = 500
    clock.advance(600)
    assert chain.round_bounds(MAINNET) == (ROUND + 181, ROUND + 231)
    clock.advance(6 * 3600 - 600)
    assert chain.round_bounds(MAINNET) == (ROUND + 6545, ROUND + 8308)
    clock.advance(1)
    unavailable(chain, "round")
    algod.http_status = 200
    algod.status["last-round"] = ROUND + 7000
    clock.advance(2)
    assert chain.round_bounds(MAINNET) == (ROUND + 7000, ROUND + 7001)


def test_account_that_was_never_rekeyed(chain: AlgodChain, algod: FakeAlgod) -> None:
    assert chain.auth_address(MAINNET, ADDRESS[1]) is None
    assert algod.requests == [f"/v2/accounts/{ADDRESS[1]}?exclude=all"]


def test_rekeyed_account(chain: AlgodChain, algod: FakeAlgod) -> None:
    algod.accounts[ADDRESS[1]] = {"address": ADDRESS[1], "auth-addr": ADDRESS[2]}
    assert chain.auth_address(MAINNET, ADDRESS[1]) == ADDRESS[2]
    assert chain.auth_address(MAINNET, ADDRESS[2]) is None


def test_auth_address_is_kept_for_less_than_a_minute(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    assert chain.auth_address(MAINNET, ADDRESS[1]) is None
    algod.accounts[ADDRESS[1]] = {"address": ADDRESS[1], "auth-addr": ADDRESS[2]}
    clock.advance(59.9)
    assert chain.auth_address(MAINNET, ADDRESS[1]) is None
    assert len(algod.requests) == 1
    clock.advance(0.1)
    assert chain.auth_address(MAINNET, ADDRESS[1]) == ADDRESS[2]
    assert len(algod.requests) == 2


def test_nobody_can_keep_an_auth_address_longer(algod: FakeAlgod, clock: Clock) -> None:
    chain = AlgodChain(
        {MAINNET: AlgodNode(algod.url)}, now=clock, auth_address_ttl=timedelta(hours=1)
    )
    chain.auth_address(MAINNET, ADDRESS[1])
    clock.advance(60)
    chain.auth_address(MAINNET, ADDRESS[1])
    assert len(algod.requests) == 2


def test_clock_that_is_set_back_does_not_keep_an_auth_address(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    chain.auth_address(MAINNET, ADDRESS[1])
    clock.advance(-3600)
    chain.auth_address(MAINNET, ADDRESS[1])
    assert len(algod.requests) == 2


def test_networks_do_not_share_rounds_or_accounts(algod: FakeAlgod, clock: Clock) -> None:
    other = FakeAlgod()
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        other.status["last-round"] = 7
        other.accounts[ADDRESS[1]] = {"address": ADDRESS[1], "auth-addr": ADDRESS[3]}
        chain = AlgodChain(
            {MAINNET: AlgodNode(algod.url), "voimain-v1.0": AlgodNode(other.url + "/")}, now=clock
        )
        assert chain.round_bounds(MAINNET) == (ROUND, ROUND + 1)
        assert chain.round_bounds("voimain-v1.0") == (7, 8)
        assert chain.auth_address(MAINNET, ADDRESS[1]) is None
        assert chain.auth_address("voimain-v1.0", ADDRESS[1]) == ADDRESS[3]
    finally:
        other.shutdown()
        other.server_close()


def test_headers_of_a_node_are_sent(algod: FakeAlgod, clock: Clock) -> None:
    node = AlgodNode(algod.url, headers={"X-Key": "hidden"})
    AlgodChain({MAINNET: node}, now=clock).round_bounds(MAINNET)
    assert algod.keys == {"hidden"}


def test_many_threads_ask_once(chain: AlgodChain, algod: FakeAlgod) -> None:
    algod.delay_seconds = 0.1
    answers: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(chain.round_bounds(MAINNET)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(ROUND, ROUND + 1)] * 8
    assert algod.requests == ["/v2/status"]


def test_header_is_verified_over_a_node(chain: AlgodChain, algod: FakeAlgod) -> None:
    assert verify_arc14(GOOD, policy=POLICY, chain=chain).address == ADDRESS[1]
    algod.accounts[ADDRESS[1]] = {"address": ADDRESS[1], "auth-addr": ADDRESS[2]}
    assert verify_arc14(GOOD, policy=POLICY, chain=chain).address == ADDRESS[1]
    assert len(algod.requests) == 2


@pytest.mark.parametrize(
    "status",
    [
        STATUS | {"catchup-time": 1},
        STATUS | {"last-round": -1},
        STATUS | {"last-round": str(ROUND)},
        STATUS | {"last-round": True},
        STATUS | {"last-round": float(ROUND)},
        STATUS | {"time-since-last-round": -1},
        STATUS | {"time-since-last-round": 10**40},
        STATUS | {"time-since-last-round": 7 * 3600 * 10**9},
        {"last-round": ROUND},
        {},
        [],
        None,
        b"",
        b"not JSON",
        b"\xff\xfe",
    ],
)
def test_status_that_says_nothing_certain(chain: AlgodChain, algod: FakeAlgod, status: Any) -> None:
    algod.status = status
    unavailable(chain, "round")


@pytest.mark.parametrize(
    "account",
    [
        {"address": ADDRESS[2]},
        {"address": ADDRESS[1], "auth-addr": "x"},
        {"address": ADDRESS[1], "auth-addr": ""},
        {"address": ADDRESS[1], "auth-addr": 5},
        {"address": ADDRESS[1], "auth-addr": ADDRESS[2].lower()},
        {"auth-addr": ADDRESS[2]},
        {},
        [],
        None,
        b"",
        b"not JSON",
    ],
)
def test_account_that_says_nothing_certain(
    chain: AlgodChain, algod: FakeAlgod, account: Any
) -> None:
    algod.accounts[ADDRESS[1]] = account
    unavailable(chain, "auth")


@pytest.mark.parametrize("question", ["round", "auth"])
@pytest.mark.parametrize("http_status", [400, 401, 404, 429, 500, 503])
def test_http_error(chain: AlgodChain, algod: FakeAlgod, http_status: int, question: str) -> None:
    algod.http_status = http_status
    unavailable(chain, question)


@pytest.mark.parametrize("question", ["round", "auth"])
def test_node_that_hangs(algod: FakeAlgod, clock: Clock, question: str) -> None:
    algod.delay_seconds = 1.5
    chain = AlgodChain({MAINNET: AlgodNode(algod.url)}, now=clock, timeout_seconds=0.1)
    started = time.monotonic()
    unavailable(chain, question)
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("question", ["round", "auth"])
def test_node_that_is_not_there(algod: FakeAlgod, clock: Clock, question: str) -> None:
    chain = AlgodChain({MAINNET: AlgodNode("http://127.0.0.1:1")}, now=clock)
    unavailable(chain, question)


@pytest.mark.parametrize("question", ["round", "auth"])
def test_network_without_a_node(chain: AlgodChain, algod: FakeAlgod, question: str) -> None:
    unavailable(chain, question, "testnet-v1.0")
    assert algod.requests == []


def test_failed_node_is_left_alone_for_two_seconds(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    algod.http_status = 500
    unavailable(chain, "auth")
    algod.http_status = 200
    clock.advance(1.9)
    unavailable(chain, "auth")
    unavailable(chain, "round")
    assert len(algod.requests) == 1
    clock.advance(0.1)
    assert chain.auth_address(MAINNET, ADDRESS[1]) is None
    assert chain.round_bounds(MAINNET) == (ROUND, ROUND + 1)


def test_failure_is_not_kept_as_an_answer(
    chain: AlgodChain, algod: FakeAlgod, clock: Clock
) -> None:
    chain.auth_address(MAINNET, ADDRESS[1])
    algod.http_status = 500
    clock.advance(60)
    unavailable(chain, "auth")


def test_node_without_known_round_times(algod: FakeAlgod, clock: Clock) -> None:
    chain = AlgodChain({"private-v1": AlgodNode(algod.url)}, now=clock)
    unavailable(chain, "round", "private-v1")


@pytest.mark.parametrize("url", ["", "127.0.0.1:4001", "file:///etc/passwd", "ftp://node"])
def test_node_address_is_http(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        AlgodNode(url)


def test_secrets_of_a_node_are_not_shown() -> None:
    node = AlgodNode("https://node", token="secret", headers={"X-Key": "hidden"})
    assert repr(node) == "AlgodNode(url='https://node')"


def test_offline_rounds_come_from_the_anchor(clock: Clock) -> None:
    asked: list[str] = []

    def anchors(network: str) -> RoundAnchor | None:
        asked.append(network)
        return RoundAnchor(ROUND, NOON)

    chain = OfflineChain(anchors, assume_not_rekeyed=True, now=clock)
    clock.advance(3600)
    assert chain.round_bounds(MAINNET) == (ROUND + 1090, ROUND + 1385)
    assert chain.round_bounds("aramidmain-v1.0") == (ROUND + 1028, ROUND + 1385)
    assert asked == [MAINNET, "aramidmain-v1.0"]
    clock.advance(5 * 3600 + 1)
    unavailable(chain, "round")


def test_offline_without_an_anchor(clock: Clock) -> None:
    unavailable(OfflineChain(lambda _: None, assume_not_rekeyed=True, now=clock), "round")


def test_offline_with_a_broken_store_of_anchors(clock: Clock) -> None:
    def anchors(network: str) -> RoundAnchor | None:
        raise ConnectionError(network)

    unavailable(OfflineChain(anchors, assume_not_rekeyed=True, now=clock), "round")


@pytest.mark.parametrize("network", ["base-mainnet", "private-v1"])
def test_offline_on_a_network_without_rounds(clock: Clock, network: str) -> None:
    chain = OfflineChain(lambda _: RoundAnchor(ROUND, NOON), assume_not_rekeyed=True, now=clock)
    unavailable(chain, "round", network)


def test_offline_rekeying_is_unknown_unless_it_is_assumed_away(clock: Clock) -> None:
    def anchors(network: str) -> RoundAnchor | None:
        return RoundAnchor(ROUND, NOON)

    strict = OfflineChain(anchors, assume_not_rekeyed=False, now=clock)
    unavailable(strict, "auth")
    with pytest.raises(Arc14Error) as caught:
        verify_arc14(GOOD, policy=POLICY, chain=strict)
    assert caught.value.code == "CHAIN_UNAVAILABLE"

    lax = OfflineChain(anchors, assume_not_rekeyed=True, now=clock)
    assert lax.auth_address(MAINNET, ADDRESS[1]) is None
    assert verify_arc14(GOOD, policy=POLICY, chain=lax).address == ADDRESS[1]
    clock.advance(3 * 3600)
    with pytest.raises(Arc14Error) as caught:
        verify_arc14(GOOD, policy=POLICY, chain=lax)
    assert caught.value.code == "EXPIRED"
