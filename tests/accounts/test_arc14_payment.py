from typing import Any

import pytest

from accounts.arc14.verifier import Arc14Policy
from tests.accounts.arc14_headers import (
    ADDRESS,
    GENESIS,
    GOOD,
    GOOD_RAW,
    KEYS,
    PUBLIC,
    REALM,
    ROUND,
    SIG,
    TXN,
    Chain,
    header,
    pack,
    payment,
    raw_map,
    refusal,
    to_header,
    verified,
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": None}, "WRONG_TYPE"),
        ({"type": "axfer"}, "WRONG_TYPE"),
        ({"type": "keyreg"}, "WRONG_TYPE"),
        ({"type": "Pay"}, "WRONG_TYPE"),
        ({"type": b"pay"}, "WRONG_TYPE"),
        ({"amt": 1}, "AMOUNT_NOT_ZERO"),
        ({"amt": 2**64 - 1}, "AMOUNT_NOT_ZERO"),
        ({"amt": -1}, "AMOUNT_NOT_ZERO"),
        ({"amt": "0"}, "AMOUNT_NOT_ZERO"),
        ({"amt": 0}, "UNKNOWN_FIELD"),
        ({"rekey": PUBLIC[2]}, "REKEY_SET"),
        ({"rekey": PUBLIC[1]}, "REKEY_SET"),
        ({"rekey": b""}, "REKEY_SET"),
        ({"close": PUBLIC[2]}, "CLOSE_SET"),
        ({"close": PUBLIC[1]}, "CLOSE_SET"),
        ({"grp": b"g" * 32}, "GROUP_SET"),
        ({"lx": b"l" * 32}, "LEASE_SET"),
        ({"aamt": 1}, "UNKNOWN_FIELD"),
        ({"votekey": b"v" * 32}, "UNKNOWN_FIELD"),
        ({"Type": "pay"}, "UNKNOWN_FIELD"),
        ({"": 1}, "UNKNOWN_FIELD"),
        ({"snd": None}, "BAD_FIELD"),
        ({"snd": bytes(32), "rcv": bytes(32)}, "BAD_FIELD"),
        ({"snd": PUBLIC[1][:31], "rcv": PUBLIC[1][:31]}, "BAD_FIELD"),
        ({"snd": PUBLIC[1] + b"x", "rcv": PUBLIC[1] + b"x"}, "BAD_FIELD"),
        ({"snd": ADDRESS[1], "rcv": ADDRESS[1]}, "BAD_FIELD"),
        ({"snd": [1], "rcv": [1]}, "BAD_FIELD"),
        ({"rcv": None}, "NOT_SELF_PAYMENT"),
        ({"rcv": bytes(32)}, "NOT_SELF_PAYMENT"),
        ({"rcv": PUBLIC[2]}, "NOT_SELF_PAYMENT"),
        ({"rcv": ADDRESS[1]}, "NOT_SELF_PAYMENT"),
        ({"fee": 10_001}, "FEE_TOO_HIGH"),
        ({"fee": 2**64 - 1}, "FEE_TOO_HIGH"),
        ({"fee": -1}, "BAD_FIELD"),
        ({"fee": True}, "BAD_FIELD"),
        ({"fee": 1.0}, "BAD_FIELD"),
        ({"fee": "1000"}, "BAD_FIELD"),
    ],
)
def test_payment_that_could_do_harm_though_it_is_signed(changes: dict[str, Any], code: str) -> None:
    assert refusal(header(payment(**changes))) == code


def respelled(old: bytes, new: bytes) -> str:
    """A header whose payment has `old` replaced, signed over exactly what is sent."""
    txn = pack(payment())
    assert txn.count(old) == 1
    txn = txn.replace(old, new)
    sig = KEYS[1].sign(b"TX" + txn).signature
    return to_header(raw_map((b"\xa3sig", pack(sig)), (b"\xa3txn", txn)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xa3fee\xcd\x03\xe8", b"\xa3fee\x00"),
        (b"\xa3fee\xcd\x03\xe8", b"\xa3fee\xce\x00\x00\x03\xe8"),
        (b"\xa3fee\xcd\x03\xe8", b"\xa3fee\xcf\x00\x00\x00\x00\x00\x00\x03\xe8"),
        (b"\xa3fee\xcd\x03\xe8", b"\xa3fee\xd1\x03\xe8"),
        (b"\xa3fee\xcd\x03\xe8", b"\xa3fee\xcc\x05"),
        (b"\xa3fee\xcd\x03\xe8", b"\xd9\x03fee\xcd\x03\xe8"),
        (b"\xacmainnet-v1.0", b"\xd9\x0cmainnet-v1.0"),
        (b"\xacmainnet-v1.0", b"\xa0"),
        (b"\xc4\x12" + REALM.encode(), b"\xc5\x00\x12" + REALM.encode()),
        (b"\xc4\x12" + REALM.encode(), b"\xc4\x00"),
        (b"\xc4\x20" + GENESIS["mainnet-v1.0"], b"\xc4\x20" + bytes(32)),
        (b"\x89\xa3fee", b"\xde\x00\x09\xa3fee"),
    ],
)
def test_other_spelling_of_the_same_payment(old: bytes, new: bytes) -> None:
    assert refusal(respelled(old, new)) == "NOT_CANONICAL"


def test_order_of_keys() -> None:
    reversed_txn = dict(reversed(payment().items()))
    assert refusal(header(reversed_txn)) == "NOT_CANONICAL"
    raw = raw_map((b"\xa3txn", TXN), (b"\xa3sig", SIG))
    assert refusal(to_header(raw)) == "NOT_CANONICAL"


@pytest.mark.parametrize(
    "envelope",
    [
        {"sig": b""},
        {"sig": bytes(64)},
        {"sig": 0},
        {"sgnr": b""},
        {"sgnr": bytes(32)},
        {"sig": None, "msig": {}},
        {"sig": None, "msig": {"subsig": [], "thr": 1, "v": 1}},
        {"sig": None, "msig": {"subsig": [{"pk": PUBLIC[1], "s": bytes(64)}], "thr": 1, "v": 1}},
        {"sig": None, "msig": {"v": 1, "thr": 1, "subsig": [{"pk": PUBLIC[1]}]}},
    ],
)
def test_zero_values_and_order_in_the_envelope(envelope: dict[str, Any]) -> None:
    assert refusal(header(payment(), **envelope)) == "NOT_CANONICAL"


def test_wide_map_header_of_the_envelope() -> None:
    assert GOOD_RAW[0] == 0x82
    assert refusal(to_header(b"\xde\x00\x02" + GOOD_RAW[1:])) == "NOT_CANONICAL"


def test_nil_is_a_zero_value() -> None:
    txn = payment() | {"gen": None}
    assert refusal(header(txn)) == "NOT_CANONICAL"


@pytest.mark.parametrize(
    "changes",
    [
        {"gh": None},
        {"gh": None, "gen": None},
        {"gh": b"u" * 32},
        {"gh": GENESIS["mainnet-v1.0"][:31]},
        {"gh": "wGHE2Pwdvd7S12BL5FaOP20EGYesN73ktiC1qzkkit8="},
        {"gh": [1]},
        {"gen": "testnet-v1.0"},
        {"gen": "Mainnet-v1.0"},
        {"gen": b"mainnet-v1.0"},
        {"gh": GENESIS["testnet-v1.0"]},
    ],
)
def test_network_must_be_configured_and_consistent(changes: dict[str, Any]) -> None:
    assert refusal(header(payment(**changes))) == "WRONG_NETWORK"


def test_known_network_that_is_not_configured() -> None:
    policy = Arc14Policy(realms=(REALM,), networks={"testnet-v1.0": GENESIS["testnet-v1.0"]})
    assert refusal(GOOD, policy=policy) == "WRONG_NETWORK"


@pytest.mark.parametrize(
    "note",
    [
        None,
        b"BiatecTokens#ARC14 ",
        b"BiatecTokens#ARC14\0",
        b"BiatecTokens#ARC14\n",
        b"biatectokens#arc14",
        "BiatecTokens#ARC14",
        b"BiatecTokens#ARC14#ARC14:" + ADDRESS[1].encode(),
        "BiatecTokens\uff03ARC14".encode(),
        [1],
        5,
    ],
)
def test_realm_is_compared_byte_by_byte(note: Any) -> None:
    assert refusal(header(payment(note=note))) == "WRONG_REALM"


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (ROUND + 1, ROUND, "BAD_VALIDITY"),
        (ROUND, ROUND + 1001, "BAD_VALIDITY"),
        (None, ROUND + 1, "BAD_VALIDITY"),
        (ROUND, None, "BAD_VALIDITY"),
        (None, None, "BAD_VALIDITY"),
        (ROUND, 2**64 - 1, "BAD_VALIDITY"),
        (-5, 5, "BAD_VALIDITY"),
        (-5, -1, "BAD_VALIDITY"),
        (ROUND, str(ROUND + 1), "BAD_VALIDITY"),
        (str(ROUND), ROUND + 1, "BAD_VALIDITY"),
        (ROUND, float(ROUND + 1), "BAD_VALIDITY"),
        (True, ROUND, "BAD_VALIDITY"),
        (ROUND - 1001, ROUND - 1, "EXPIRED"),
        (ROUND + 11, ROUND + 100, "NOT_YET_VALID"),
    ],
)
def test_window(first: Any, last: Any, code: str) -> None:
    assert refusal(header(payment(fv=first, lv=last))) == code


@pytest.mark.parametrize(
    ("first", "last", "bounds"),
    [
        (ROUND - 1000, ROUND, (ROUND, ROUND)),
        (ROUND, ROUND, (ROUND, ROUND)),
        (ROUND + 10, ROUND + 1010, (ROUND, ROUND)),
        (ROUND - 900, ROUND + 20, (ROUND - 20, ROUND + 20)),
        (None, 1000, (0, 1)),
        (None, 1, (0, 1)),
    ],
)
def test_window_at_its_limits(first: Any, last: int, bounds: tuple[int, int]) -> None:
    result = verified(header(payment(fv=first, lv=last)), Chain(bounds=bounds))
    assert result.last_valid == last


@pytest.mark.parametrize(
    ("first", "last", "bounds", "code"),
    [
        (ROUND - 900, ROUND + 19, (ROUND - 20, ROUND + 20), "EXPIRED"),
        (ROUND - 9, ROUND + 20, (ROUND - 20, ROUND + 20), "NOT_YET_VALID"),
        (ROUND + 11, ROUND + 12, (ROUND, ROUND + 20), "EXPIRED"),
    ],
)
def test_doubt_about_the_round_counts_against_the_header(
    first: int, last: int, bounds: tuple[int, int], code: str
) -> None:
    assert refusal(header(payment(fv=first, lv=last)), Chain(bounds=bounds)) == code
