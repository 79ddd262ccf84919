"""Who a `SigTx` header proves, by the settings of this environment.

A header is verified once, then remembered in this process by its SHA-256 for at most a minute and
never beyond its last valid round: verifying costs three times a remembered look-up.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from accounts import models
from accounts.arc14.chain import AlgodChain, AlgodNode, ChainFacts, OfflineChain
from accounts.arc14.rounds import RoundAnchor
from accounts.arc14.verifier import Arc14Policy, VerifiedSignature, verify_arc14
from accounts.networks import NETWORKS, known_network

_REMEMBERED = 10_000
_REMEMBER_FOR = timedelta(seconds=60)  # a rekeyed account must not sign in for longer


@dataclass(frozen=True, slots=True)
class ProvenAddress:
    """The address that a header proved, until `valid_until` without asking again.

    `digest` names the signed transaction, and not its spelling or the selection of a multisig's
    signatures, so that what is revoked by it stays revoked however it is sent.
    """

    address: str
    digest: str
    valid_until: datetime


class _Memory:
    """The headers verified in this process, the least recently seen forgotten first."""

    def __init__(self) -> None:
        self._proven: OrderedDict[str, ProvenAddress] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, header: str, now: datetime) -> ProvenAddress | None:
        with self._lock:
            proven = self._proven.get(header)
            if proven is None:
                return None
            if proven.valid_until <= now:
                del self._proven[header]
                return None
            self._proven.move_to_end(header)
            return proven

    def put(self, header: str, proven: ProvenAddress) -> None:
        with self._lock:
            self._proven[header] = proven
            if len(self._proven) > _REMEMBERED:
                self._proven.popitem(last=False)

    def forget_all(self) -> None:
        with self._lock:
            self._proven.clear()


memory = _Memory()


def prove(header: str) -> ProvenAddress:
    """Return the address that `header` proves; raises `Arc14Error` with the first thing wrong."""
    key = hashlib.sha256(header.encode()).hexdigest()
    now = timezone.now()
    if proven := memory.get(key, now):
        return proven
    asked = _AskedOnce(chain())
    verified = verify_arc14(header, policy=policy(), chain=asked)
    digest = hashlib.sha256(f"SigTx {verified.transaction_id}".encode()).hexdigest()
    proven = ProvenAddress(verified.address, digest, now + _lifetime(verified, asked))
    memory.put(key, proven)
    return proven


class _AskedOnce:
    """`ChainFacts` for one header: the round that it was verified at is asked for only once."""

    def __init__(self, chain: ChainFacts) -> None:
        self._chain = chain
        self._bounds: dict[str, tuple[int, int]] = {}

    def round_bounds(self, network: str) -> tuple[int, int]:
        if network not in self._bounds:
            self._bounds[network] = self._chain.round_bounds(network)
        return self._bounds[network]

    def auth_address(self, network: str, address: str) -> str | None:
        return self._chain.auth_address(network, address)


def _lifetime(verified: VerifiedSignature, asked: ChainFacts) -> timedelta:
    network = known_network(verified.network)
    _, high = asked.round_bounds(verified.network)
    fastest = timedelta(milliseconds=network.ms_fast if network else 1)
    return min(_REMEMBER_FOR, max(0, verified.last_valid - high) * fastest)


def policy() -> Arc14Policy:
    """Return what a signature must name in this environment."""
    return _policy(tuple(settings.ARC14_REALMS))


@lru_cache(maxsize=8)
def _policy(realms: tuple[str, ...]) -> Arc14Policy:
    hashes = {
        network.name: network.genesis_hash
        for network in NETWORKS
        if network.genesis_hash is not None
    }
    return Arc14Policy(realms=realms, networks=hashes)


def chain() -> ChainFacts:
    """Return the node adapter of this environment, or the offline estimate where none is set."""
    return _chain(
        tuple(sorted(settings.ARC14_ALGOD_URLS.items())),
        settings.ARC14_ALGOD_TOKEN,
        settings.ARC14_ASSUME_NOT_REKEYED,
        settings.ARC14_MAX_ANCHOR_AGE,
    )


@lru_cache(maxsize=8)
def _chain(
    nodes: tuple[tuple[str, str], ...], token: str, assume_not_rekeyed: bool, max_age: timedelta
) -> ChainFacts:
    if nodes:
        return AlgodChain(
            {name: AlgodNode(url, token) for name, url in nodes}, max_anchor_age=max_age
        )
    return OfflineChain(
        _recorded_anchor, assume_not_rekeyed=assume_not_rekeyed, max_anchor_age=max_age
    )


def _recorded_anchor(network: str) -> RoundAnchor | None:
    rows = models.RoundAnchor.objects.filter(network=network).values_list("round", "observed_at")
    return next((RoundAnchor(*row) for row in rows), None)
