"""Verifying an ARC-0014 header, at first sight and again, against the signature check alone."""

from base64 import b64decode
from collections.abc import Iterator

import msgpack
from django.utils import timezone
from nacl.bindings import crypto_sign_open

from accounts import signatures
from accounts.arc14.chain import OfflineChain
from accounts.arc14.rounds import RoundAnchor
from accounts.arc14.verifier import SCHEME, canonical_msgpack, verify_arc14
from benchmarks.measure import Call, Row, sample
from benchmarks.world import ROUND, sigtx

_FLOOR = "libsodium's verification"


def run(quick: bool) -> Iterator[Row]:
    header = sigtx()
    anchor = RoundAnchor(ROUND, timezone.now())
    chain = OfflineChain(lambda network: anchor, assume_not_rekeyed=True)
    policy = signatures.policy()

    def first_sight() -> object:
        signatures.memory.forget_all()
        return signatures.prove(header)

    calls: dict[str, Call] = {
        "verify": lambda: verify_arc14(header, policy=policy, chain=chain),
        "first": first_sight,
        "again": lambda: signatures.prove(header),
        "libsodium": libsodium(header),
    }
    samples = sample(calls, rounds=15 if quick else 151, batch=40)
    yield samples.row(
        "header verified at first sight", "verify", "libsodium", goal=1.6, against=_FLOOR
    )
    yield samples.row("header remembered", "again", "libsodium", goal=0.06, against=_FLOOR)
    yield samples.row(
        "first sight with the round anchor read from the database",
        "first",
        "libsodium",
        against=_FLOOR,
    )


def libsodium(header: str) -> Call:
    """Return a call that verifies the signature of `header` and nothing else."""
    envelope = msgpack.unpackb(b64decode(header.removeprefix(SCHEME)))
    signed = envelope["sig"] + b"TX" + canonical_msgpack(envelope["txn"])
    key = envelope["txn"]["snd"]
    return lambda: crypto_sign_open(signed, key)
