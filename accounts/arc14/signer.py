"""Signing an ARC-0014 header, for demonstrations, tests and the command line."""

from base64 import b64encode
from typing import Any, Final

from nacl.signing import SigningKey

from accounts.arc14.verifier import SCHEME, canonical_msgpack
from accounts.networks import known_network

_MAX_VALID_ROUNDS: Final = 1000


def sign_arc14(
    private_key: bytes, realm: str, network: str, current_round: int, valid_rounds: int = 1000
) -> str:
    """The `Authorization` header that proves ownership of `private_key` until its last round.

    `private_key` is the 32-byte seed, or the 64 bytes (seed, public key) that the SDK uses. The
    payment costs nothing and moves nothing: amount and fee are zero, so it cannot be submitted.
    """
    if len(private_key) not in (32, 64):
        raise ValueError("A private key has 32 bytes, or 64 with its public key.")
    known = known_network(network)
    if known is None or known.genesis_hash is None:
        raise ValueError(f"{network!r} is not a known Algorand network.")
    if current_round < 0 or not 0 < valid_rounds <= _MAX_VALID_ROUNDS:
        raise ValueError("A header is valid for 1 to 1000 rounds from a round that exists.")
    key = SigningKey(private_key[:32])
    account = bytes(key.verify_key)
    if len(private_key) == 64 and private_key[32:] != account:
        raise ValueError("The two halves of this private key do not belong together.")
    payment: dict[str, Any] = {
        "fv": current_round,
        "gen": known.name,
        "gh": known.genesis_hash,
        "lv": current_round + valid_rounds,
        "note": realm.encode(),
        "rcv": account,
        "snd": account,
        "type": "pay",
    }
    signature = key.sign(b"TX" + canonical_msgpack(payment)).signature
    return SCHEME + b64encode(canonical_msgpack({"sig": signature, "txn": payment})).decode()
