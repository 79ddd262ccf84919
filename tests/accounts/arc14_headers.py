"""ARC-0014 headers, good and bad, built without the code that judges them, and a fixed chain."""

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import msgpack
import pytest
from nacl.signing import SigningKey

from accounts.arc14.verifier import (
    Arc14Code,
    Arc14Error,
    Arc14Policy,
    VerifiedSignature,
    verify_arc14,
)

DOCUMENT = json.loads((Path(__file__).parents[1] / "vectors" / "arc14_vectors.json").read_text())
VECTORS = DOCUMENT["vectors"]
GENESIS = {name: b64decode(value) for name, value in DOCUMENT["networks"].items()}
KEYS = {row["n"]: SigningKey(bytes.fromhex(row["seed_hex"])) for row in DOCUMENT["keys_TEST_ONLY"]}
PUBLIC = {n: bytes(key.verify_key) for n, key in KEYS.items()}
ADDRESS = {row["n"]: row["address"] for row in DOCUMENT["keys_TEST_ONLY"]}
REALM = "BiatecTokens#ARC14"
ROUND = 46_916_000
POLICY = Arc14Policy(realms=(REALM,), networks=GENESIS)


@dataclass
class Chain:
    """A chain at fixed rounds with a fixed table of rekeyed accounts, that counts its questions."""

    bounds: tuple[int, int] = (ROUND, ROUND)
    rekeyed: dict[str, str] = field(default_factory=dict)
    fails_on: str = ""
    asked: list[str] = field(default_factory=list)

    def round_bounds(self, network: str) -> tuple[int, int]:
        self.asked.append(f"round {network}")
        if self.fails_on == "round":
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return self.bounds

    def auth_address(self, network: str, address: str) -> str | None:
        self.asked.append(f"auth {network} {address}")
        if self.fails_on == "auth":
            raise Arc14Error("CHAIN_UNAVAILABLE")
        return self.rekeyed.get(address)


def payment(**changes: Any) -> dict[str, Any]:
    """A harmless payment of the first key; None removes a field."""
    fields = {
        "fee": 1000,
        "fv": ROUND - 10,
        "gen": "mainnet-v1.0",
        "gh": GENESIS["mainnet-v1.0"],
        "lv": ROUND + 990,
        "note": REALM.encode(),
        "rcv": PUBLIC[1],
        "snd": PUBLIC[1],
        "type": "pay",
    } | changes
    return {key: fields[key] for key in sorted(fields) if fields[key] is not None}


def pack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def signature(txn: dict[str, Any], key: int = 1) -> bytes:
    return KEYS[key].sign(b"TX" + pack(txn)).signature


def to_header(raw: bytes) -> str:
    return "SigTx " + b64encode(raw).decode()


def header(txn: dict[str, Any], **envelope: Any) -> str:
    """The envelope around `txn`, signed by the first key unless it says otherwise."""
    if not envelope.keys() & {"sig", "msig"}:
        envelope["sig"] = signature(txn)
    fields = envelope | {"txn": txn}
    return to_header(pack({key: fields[key] for key in sorted(fields) if fields[key] is not None}))


def msig_of(members: list[bytes], threshold: int, version: int = 1) -> bytes:
    preimage = b"MultisigAddr" + bytes((version, threshold)) + b"".join(members)
    return hashlib.new("sha512_256", preimage).digest()


def multisig_header(
    members: list[int],
    signers: list[int],
    threshold: int,
    *,
    envelope: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """A payment of the multisig account of `members`; `changes` replace parts of its `msig`."""
    account = msig_of([PUBLIC[n] for n in members], threshold)
    txn = payment(snd=account, rcv=account)
    subsig = [
        {"pk": PUBLIC[n], "s": signature(txn, n)} if n in signers else {"pk": PUBLIC[n]}
        for n in members
    ]
    msig = {"subsig": subsig, "thr": threshold, "v": 1} | changes
    return header(txn, msig=msig, **(envelope or {}))


def refusal(text: str | None, chain: Chain | None = None, policy: Arc14Policy = POLICY) -> str:
    with pytest.raises(Arc14Error) as caught:
        verify_arc14(text, policy=policy, chain=chain or Chain())
    assert caught.value.code in get_args(Arc14Code)
    return caught.value.code


def verified(
    text: str, chain: Chain | None = None, policy: Arc14Policy = POLICY
) -> VerifiedSignature:
    return verify_arc14(text, policy=policy, chain=chain or Chain())


def raw_map(*entries: tuple[bytes, bytes]) -> bytes:
    assert len(entries) < 16
    return bytes((0x80 + len(entries),)) + b"".join(key + value for key, value in entries)


SIG = pack(signature(payment()))
TXN = pack(payment())
GOOD = header(payment())
GOOD_RAW = b64decode(GOOD.removeprefix("SigTx "))
