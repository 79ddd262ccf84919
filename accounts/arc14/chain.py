"""What only the chain knows about a signature: the round it has reached, and who was rekeyed."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from algosdk.v2client.algod import AlgodClient

from accounts.addresses import decode_algorand_address
from accounts.arc14.rounds import MAX_ANCHOR_AGE, RoundAnchor, estimate_rounds
from accounts.arc14.verifier import Arc14Error
from accounts.networks import known_network

POLL_INTERVAL: Final = timedelta(seconds=30)
AUTH_ADDRESS_TTL: Final = timedelta(seconds=60)
RETRY_AFTER: Final = timedelta(seconds=2)
TIMEOUT_SECONDS: Final = 3.0
_CACHED_ACCOUNTS: Final = 10_000

_Answer = TypeVar("_Answer")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ChainFacts(Protocol):
    """What the verifier asks about a network; any trouble is `Arc14Error("CHAIN_UNAVAILABLE")`."""

    def round_bounds(self, network: str) -> tuple[int, int]:
        """The lowest and the highest round that the network can have reached now."""
        ...

    def auth_address(self, network: str, address: str) -> str | None:
        """The address whose key signs for a rekeyed account; None if it was never rekeyed."""
        ...


@dataclass(frozen=True, slots=True)
class AlgodNode:
    """Where the algod of one network answers; `headers` go with every request."""

    url: str
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("The address of an algod node starts with http:// or https://.")


def _bounds(
    network: str, anchor: RoundAnchor, now: datetime, max_age: timedelta
) -> tuple[int, int]:
    known = known_network(network)
    if known is None or known.kind != "avm":
        raise Arc14Error("CHAIN_UNAVAILABLE")
    return estimate_rounds(anchor, now, known.ms_fast, known.ms_slow, max_age=max_age)


class _NodeState:
    """One node with what it last said; `lock` lets a single thread ask for the round at a time."""

    def __init__(self, node: AlgodNode) -> None:
        self.client = AlgodClient(node.token, node.url.rstrip("/"), dict(node.headers))
        self.lock = threading.Lock()
        self.anchor: RoundAnchor | None = None
        self.poll_at: datetime | None = None
        self.retry_at: datetime | None = None


class AlgodChain:
    """`ChainFacts` from algod nodes, asked seldom: rounds at most every 30 s for each network.

    Between two polls, and while a node is down, rounds are estimated from the last answer. An
    auth address is kept for at most 60 s and never guessed. After a failure a node is left alone
    for two seconds, so that one that hangs does not hold every request thread.
    """

    def __init__(
        self,
        nodes: Mapping[str, AlgodNode],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        poll_interval: timedelta = POLL_INTERVAL,
        auth_address_ttl: timedelta = AUTH_ADDRESS_TTL,
        max_anchor_age: timedelta = MAX_ANCHOR_AGE,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._nodes = {network: _NodeState(node) for network, node in nodes.items()}
        self._timeout_seconds = timeout_seconds
        self._poll_interval = poll_interval
        self._auth_address_ttl = min(auth_address_ttl, AUTH_ADDRESS_TTL)
        self._max_anchor_age = max_anchor_age
        self._now = now
        self._accounts: OrderedDict[tuple[str, str], tuple[datetime, str | None]] = OrderedDict()
        self._accounts_lock = threading.Lock()

    def round_bounds(self, network: str) -> tuple[int, int]:
        state = self._state(network)
        # Waiting for another thread's answer is needed only while there is none to go on with.
        if state.lock.acquire(blocking=state.anchor is None):
            try:
                self._poll(state)
            finally:
                state.lock.release()
        if state.anchor is None:
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return _bounds(network, state.anchor, self._now(), self._max_anchor_age)

    def auth_address(self, network: str, address: str) -> str | None:
        state = self._state(network)
        now = self._now()
        with self._accounts_lock:
            cached = self._accounts.get((network, address))
        # A clock that was set back must not make an answer live longer.
        if cached is not None and timedelta() <= now - cached[0] < self._auth_address_ttl:
            return cached[1]
        auth_address = self._ask(state, lambda: self._fetch_auth_address(state, address))
        with self._accounts_lock:
            self._accounts[network, address] = (now, auth_address)
            self._accounts.move_to_end((network, address))
            if len(self._accounts) > _CACHED_ACCOUNTS:
                self._accounts.popitem(last=False)
        return auth_address

    def _state(self, network: str) -> _NodeState:
        state = self._nodes.get(network)
        if state is None:
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return state

    def _poll(self, state: _NodeState) -> None:
        now = self._now()
        if state.poll_at is not None and now < state.poll_at <= now + self._poll_interval:
            return
        try:
            anchor = self._ask(state, lambda: self._fetch_anchor(state))
        except Arc14Error:
            # The last anchor still bounds the round, ever more loosely, until it is too old.
            if state.anchor is None:
                raise
            return
        state.poll_at = now + self._poll_interval
        # Behind a load balancer a slower node may answer; rounds never go back.
        if state.anchor is None or anchor.round >= state.anchor.round:
            state.anchor = anchor

    def _ask(self, state: _NodeState, question: Callable[[], _Answer]) -> _Answer:
        now = self._now()
        if state.retry_at is not None and now < state.retry_at <= now + RETRY_AFTER:
            raise Arc14Error("CHAIN_UNAVAILABLE")
        try:
            answer = question()
        except Exception as exc:
            # The SDK raises its own errors, urllib's, the socket's and KeyError for odd answers.
            state.retry_at = self._now() + RETRY_AFTER
            raise Arc14Error("CHAIN_UNAVAILABLE") from exc
        state.retry_at = None
        return answer

    def _fetch_anchor(self, state: _NodeState) -> RoundAnchor:
        # Taken before the request: the answer can only be younger, so the estimate errs upwards.
        asked_at = self._now()
        status: Any = state.client.status(timeout=self._timeout_seconds)
        last_round = status["last-round"]
        nanoseconds_since = status["time-since-last-round"]
        if status["catchup-time"] != 0:
            raise ValueError("The node is still catching up with its network.")
        if type(last_round) is not int or type(nanoseconds_since) is not int:
            raise ValueError("The node's status is no status.")
        if last_round < 0 or nanoseconds_since < 0:
            raise ValueError("The node's status is impossible.")
        return RoundAnchor(last_round, asked_at - timedelta(microseconds=nanoseconds_since // 1000))

    def _fetch_auth_address(self, state: _NodeState, address: str) -> str | None:
        account: Any = state.client.account_info(
            address, exclude="all", timeout=self._timeout_seconds
        )
        if account["address"] != address:
            raise ValueError("The node answered for another account.")
        auth_address = account.get("auth-addr")
        if auth_address is None:
            return None
        decode_algorand_address(auth_address)
        return str(auth_address)


class OfflineChain:
    """`ChainFacts` without a node: rounds from given anchors, rekeying assumed or unknown.

    `anchors` gives the last seen round of a network, or None. Nobody can know offline who was
    rekeyed, so `auth_address` raises unless `assume_not_rekeyed` is set, which lets a stolen key
    that its owner has replaced log in: it is for tests and demonstrations.
    """

    def __init__(
        self,
        anchors: Callable[[str], RoundAnchor | None],
        *,
        assume_not_rekeyed: bool,
        max_anchor_age: timedelta = MAX_ANCHOR_AGE,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._anchors = anchors
        self._assume_not_rekeyed = assume_not_rekeyed
        self._max_anchor_age = max_anchor_age
        self._now = now

    def round_bounds(self, network: str) -> tuple[int, int]:
        try:
            anchor = self._anchors(network)
        except Exception as exc:
            raise Arc14Error("CHAIN_UNAVAILABLE") from exc
        if anchor is None:
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return _bounds(network, anchor, self._now(), self._max_anchor_age)

    def auth_address(self, network: str, address: str) -> str | None:
        if not self._assume_not_rekeyed:
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return None
