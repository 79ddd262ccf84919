import warnings
from base64 import b64encode
from typing import Any

import pytest
from algosdk import encoding, transaction

from accounts.arc14.signer import sign_arc14
from accounts.arc14.verifier import VerifiedSignature
from tests.accounts.arc14_headers import (
    ADDRESS,
    GENESIS,
    KEYS,
    PUBLIC,
    REALM,
    ROUND,
    Chain,
    verified,
)


def test_signed_header_is_the_one_the_sdk_makes() -> None:
    text = sign_arc14(bytes(KEYS[1]), REALM, "voimain", ROUND)
    params = transaction.SuggestedParams(
        fee=0,
        first=ROUND,
        last=ROUND + 1000,
        gh=b64encode(GENESIS["voimain-v1.0"]).decode(),
        gen="voimain-v1.0",
        flat_fee=True,
    )
    txn = transaction.PaymentTxn(ADDRESS[1], params, ADDRESS[1], 0, note=REALM.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        signed = txn.sign(b64encode(bytes(KEYS[1]) + PUBLIC[1]).decode())
    assert text == "SigTx " + encoding.msgpack_encode(signed)
    assert verified(text) == VerifiedSignature(
        ADDRESS[1], ADDRESS[1], "voimain-v1.0", txn.get_txid(), ROUND + 1000
    )


def test_signer_takes_the_long_key_and_a_shorter_window() -> None:
    seed = bytes(KEYS[2])
    text = sign_arc14(seed + PUBLIC[2], REALM, "mainnet-v1.0", 0, valid_rounds=1)
    assert text == sign_arc14(seed, REALM, "mainnet-v1.0", 0, 1)
    assert verified(text, Chain(bounds=(0, 1))).last_valid == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((b"k" * 31, REALM, "mainnet", ROUND), "32 bytes"),
        ((b"k" * 64, REALM, "mainnet", ROUND), "belong together"),
        ((b"k" * 32, REALM, "base-mainnet", ROUND), "Algorand network"),
        ((b"k" * 32, REALM, "nowhere", ROUND), "Algorand network"),
        ((b"k" * 32, REALM, "mainnet", -1), "rounds"),
        ((b"k" * 32, REALM, "mainnet", ROUND, 0), "rounds"),
        ((b"k" * 32, REALM, "mainnet", ROUND, 1001), "rounds"),
    ],
)
def test_signer_refuses(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_arc14(*arguments)
