import hashlib
from typing import Any

import pytest
from nacl.signing import SigningKey

from accounts.addresses import encode_algorand_address
from tests.accounts.arc14_headers import (
    ADDRESS,
    GOOD,
    KEYS,
    PUBLIC,
    Chain,
    header,
    msig_of,
    multisig_header,
    pack,
    payment,
    refusal,
    signature,
    verified,
)


@pytest.mark.parametrize(
    "sig",
    [b"s" * 63, b"s" * 65, b"s" * 64, b"s", "s" * 64, 5, [1], {"a": 1}],
)
def test_signature_of_the_wrong_form(sig: Any) -> None:
    assert refusal(header(payment(), sig=sig)) == "BAD_SIGNATURE"


def test_signature_with_a_byte_moved_into_the_message() -> None:
    good = signature(payment())
    assert refusal(header(payment(), sig=good[:-1])) == "BAD_SIGNATURE"
    assert refusal(header(payment(), sig=good + b"T")) == "BAD_SIGNATURE"


def test_signed_bytes_that_end_like_the_payment() -> None:
    txn = payment()
    over_more = KEYS[1].sign(b"MX" + b"TX" + pack(txn)).signature
    assert refusal(header(txn, sig=over_more + b"MX")) == "BAD_SIGNATURE"


def test_malleated_signature() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    good = signature(payment())
    s = int.from_bytes(good[32:], "little") + order
    assert refusal(header(payment(), sig=good[:32] + s.to_bytes(32, "little"))) == "BAD_SIGNATURE"


@pytest.mark.parametrize(
    ("sgnr", "code"),
    [
        (PUBLIC[1], "WRONG_SIGNER"),
        (PUBLIC[2], "BAD_SIGNATURE"),
        (PUBLIC[1][:31], "BAD_FIELD"),
        (PUBLIC[1] + b"x", "BAD_FIELD"),
        (ADDRESS[1], "BAD_FIELD"),
    ],
)
def test_signer_field(sgnr: Any, code: str) -> None:
    assert refusal(header(payment(), sgnr=sgnr)) == code


def test_claimed_signer_without_rekeying() -> None:
    txn = payment()
    text = header(txn, sgnr=PUBLIC[2], sig=signature(txn, 2))
    assert refusal(text) == "WRONG_SIGNER"
    assert refusal(text, Chain(rekeyed={ADDRESS[1]: ADDRESS[3]})) == "WRONG_SIGNER"
    result = verified(text, Chain(rekeyed={ADDRESS[1]: ADDRESS[2]}))
    assert (result.address, result.auth_address) == (ADDRESS[1], ADDRESS[2])


def test_old_key_of_a_rekeyed_account() -> None:
    assert refusal(GOOD, Chain(rekeyed={ADDRESS[1]: ADDRESS[2]})) == "WRONG_SIGNER"


def test_new_key_that_does_not_say_so() -> None:
    text = header(payment(), sig=signature(payment(), 2))
    assert refusal(text, Chain(rekeyed={ADDRESS[1]: ADDRESS[2]})) == "BAD_SIGNATURE"


def test_account_rekeyed_to_itself_needs_its_own_key() -> None:
    assert verified(GOOD, Chain(rekeyed={ADDRESS[1]: ADDRESS[1]})).address == ADDRESS[1]


@pytest.mark.parametrize(
    ("members", "signers", "threshold"),
    [([1], [1], 1), ([1, 2], [2], 1), ([1, 2, 3], [1, 2, 3], 2), ([5, 4, 3, 2, 1], [1, 5], 2)],
)
def test_multisig(members: list[int], signers: list[int], threshold: int) -> None:
    expected = encode_algorand_address(msig_of([PUBLIC[n] for n in members], threshold))
    result = verified(multisig_header(members, signers, threshold))
    assert (result.address, result.auth_address) == (expected, expected)


def many(count: int) -> list[SigningKey]:
    return [SigningKey(hashlib.sha256(f"member {n}".encode()).digest()) for n in range(count)]


@pytest.mark.parametrize("count", [16, 17])
def test_multisig_has_at_most_sixteen_members(count: int) -> None:
    keys = many(count)
    members = [bytes(key.verify_key) for key in keys]
    account = msig_of(members, 1)
    txn = payment(snd=account, rcv=account)
    subsig: list[dict[str, bytes]] = [{"pk": member} for member in members]
    subsig[-1]["s"] = keys[-1].sign(b"TX" + pack(txn)).signature
    text = header(txn, msig={"subsig": subsig, "thr": 1, "v": 1})
    if count == 16:
        assert verified(text).address == encode_algorand_address(account)
    else:
        assert refusal(text) == "BAD_MSIG"


def test_multisig_with_a_repeated_member() -> None:
    assert refusal(multisig_header([1, 1], [1], 2)) == "BAD_MSIG"
    assert refusal(multisig_header([1, 2, 1], [1, 2], 2)) == "BAD_MSIG"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v": 2}, "BAD_MSIG"),
        ({"v": True}, "BAD_MSIG"),
        ({"v": "1"}, "BAD_MSIG"),
        ({"thr": 4}, "BAD_MSIG"),
        ({"thr": -1}, "BAD_MSIG"),
        ({"thr": True}, "BAD_MSIG"),
        ({"thr": "2"}, "BAD_MSIG"),
        ({"thr": 1}, "WRONG_SIGNER"),
        ({"thr": 3}, "MSIG_THRESHOLD"),
        ({"x": 1}, "BAD_MSIG"),
        ({"subsig": [1]}, "BAD_MSIG"),
        ({"subsig": {"pk": PUBLIC[1]}}, "BAD_MSIG"),
        ({"subsig": [{"s": b"s" * 64}]}, "BAD_MSIG"),
        ({"subsig": [{"pk": PUBLIC[1][:31]}, {"pk": PUBLIC[2]}]}, "BAD_MSIG"),
        ({"subsig": [{"pk": ADDRESS[1]}, {"pk": PUBLIC[2]}]}, "BAD_MSIG"),
        ({"subsig": [{"pk": PUBLIC[1]}, {"pk": PUBLIC[2], "x": 1}]}, "BAD_MSIG"),
        ({"subsig": [{"pk": PUBLIC[1]}, {"pk": PUBLIC[2]}]}, "MSIG_THRESHOLD"),
        ({"subsig": [{"pk": PUBLIC[1], "s": b"s" * 63}, {"pk": PUBLIC[2]}]}, "BAD_SIGNATURE"),
    ],
)
def test_multisig_structure(changes: dict[str, Any], code: str) -> None:
    assert refusal(multisig_header([1, 2, 3], [1, 3], 2, **changes)) == code


@pytest.mark.parametrize("missing", ["v", "thr", "subsig"])
def test_multisig_with_a_part_missing(missing: str) -> None:
    msig = {"subsig": [{"pk": PUBLIC[1], "s": signature(payment())}], "thr": 1, "v": 1}
    del msig[missing]
    assert refusal(header(payment(), msig=msig)) == "BAD_MSIG"


@pytest.mark.parametrize("msig", [5, "x", [1], b"m"])
def test_multisig_that_is_no_map(msig: Any) -> None:
    assert refusal(header(payment(), msig=msig)) == "BAD_MSIG"


def test_one_bad_member_signature_spoils_enough_good_ones() -> None:
    account = msig_of([PUBLIC[1], PUBLIC[2], PUBLIC[3]], 2)
    txn = payment(snd=account, rcv=account)
    subsig = [
        {"pk": PUBLIC[1], "s": signature(txn, 1)},
        {"pk": PUBLIC[2], "s": signature(txn, 2)},
        {"pk": PUBLIC[3], "s": signature(txn, 1)},
    ]
    text = header(txn, msig={"subsig": subsig, "thr": 2, "v": 1})
    assert refusal(text) == "BAD_SIGNATURE"


def test_multisig_in_another_order_is_another_account() -> None:
    account = msig_of([PUBLIC[1], PUBLIC[2]], 1)
    txn = payment(snd=account, rcv=account)
    subsig = [{"pk": PUBLIC[2]}, {"pk": PUBLIC[1], "s": signature(txn, 1)}]
    text = header(txn, msig={"subsig": subsig, "thr": 1, "v": 1})
    assert refusal(text) == "WRONG_SIGNER"


def test_multisig_of_one_member_is_not_that_member() -> None:
    msig = {"subsig": [{"pk": PUBLIC[1], "s": signature(payment())}], "thr": 1, "v": 1}
    assert refusal(header(payment(), msig=msig)) == "WRONG_SIGNER"
