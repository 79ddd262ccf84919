import hashlib
from base64 import b32encode
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from nacl.bindings import crypto_sign_open

from accounts.arc14 import verifier
from accounts.arc14.verifier import (
    Arc14Policy,
    VerifiedSignature,
)
from tests.accounts.arc14_headers import (
    ADDRESS,
    GENESIS,
    GOOD,
    PUBLIC,
    REALM,
    ROUND,
    VECTORS,
    Chain,
    header,
    pack,
    payment,
    refusal,
    signature,
    verified,
)


@pytest.mark.parametrize("row", VECTORS, ids=[row["id"] for row in VECTORS])
def test_published_vector(row: dict[str, Any]) -> None:
    low, high = row.get("round_bounds") or (row["current_round"], row["current_round"])
    chain = Chain(bounds=(low, high), rekeyed=row["auth_addr"])
    policy = Arc14Policy(realms=tuple(row["realms"]), networks=GENESIS)
    expect = row["expect"]
    if not expect["ok"]:
        assert refusal(row["header"], chain, policy) == expect["error"]
        return
    result = verified(row["header"], chain, policy)
    assert (result.address, result.auth_address) == (expect["address"], expect["auth_address"])
    if "js_algosdk_decode" in row:
        assert result.transaction_id == row["js_algosdk_decode"]["txid"]


def test_the_vectors_of_both_kinds_are_there() -> None:
    outcomes = [row["expect"]["ok"] for row in VECTORS]
    assert (outcomes.count(True), outcomes.count(False)) == (10, 41)


def test_result_names_account_key_network_transaction_and_last_round() -> None:
    txn = payment()
    digest = hashlib.new("sha512_256", b"TX" + pack(txn)).digest()
    assert verified(header(txn)) == VerifiedSignature(
        address=ADDRESS[1],
        auth_address=ADDRESS[1],
        network="mainnet-v1.0",
        transaction_id=b32encode(digest).decode().rstrip("="),
        last_valid=ROUND + 990,
    )


def test_chain_is_asked_once_for_the_round_and_once_for_the_rekeying() -> None:
    chain = Chain()
    verified(GOOD, chain)
    assert chain.asked == ["round mainnet-v1.0", f"auth mainnet-v1.0 {ADDRESS[1]}"]


def test_signature_is_verified_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[bytes] = []
    real = crypto_sign_open

    def counting(signed: bytes, public_key: bytes) -> bytes:
        messages.append(signed)
        return real(signed, public_key)

    monkeypatch.setattr(verifier, "crypto_sign_open", counting)
    verified(GOOD)
    assert messages == [signature(payment()) + b"TX" + pack(payment())]


@pytest.mark.parametrize("name", sorted(GENESIS))
def test_every_configured_network(name: str) -> None:
    assert verified(header(payment(gen=name, gh=GENESIS[name]))).network == name


@pytest.mark.parametrize("fee", [None, 1, 127, 128, 9_999, 10_000])
def test_fee_up_to_the_limit(fee: int | None) -> None:
    assert verified(header(payment(fee=fee))).address == ADDRESS[1]


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER "])
def test_one_bearer_word_in_any_case_is_stripped(prefix: str) -> None:
    assert verified(prefix + GOOD) == verified(GOOD)


def test_space_for_plus_is_repaired() -> None:
    for fee in range(1, 100):
        text = header(payment(fee=fee))
        if "+" in text:
            break
    assert "+" in text
    scheme, token = text.split(" ")
    assert verified(f"{scheme} {token.replace('+', ' ')}") == verified(text)


def test_any_of_several_realms() -> None:
    policy = Arc14Policy(realms=("Stage#ARC14", REALM, "Third#ARC14"), networks=GENESIS)
    assert verified(GOOD, policy=policy).address == ADDRESS[1]
    third = header(payment(note=b"Third#ARC14"))
    assert verified(third, policy=policy).address == ADDRESS[1]
    assert refusal(header(payment(note=b"Fourth#ARC14")), policy=policy) == "WRONG_REALM"


@pytest.mark.parametrize("realms", [(), ("",), (REALM, ""), REALM])
def test_policy_without_a_realm_is_refused(realms: Any) -> None:
    with pytest.raises(ValueError, match="realm"):
        Arc14Policy(realms=realms, networks=GENESIS)


@pytest.mark.parametrize("networks", [{}, {"a": b"short"}, {"a": b"x" * 32, "b": b"x" * 32}])
def test_policy_with_unusable_networks_is_refused(networks: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"network|genesis"):
        Arc14Policy(realms=(REALM,), networks=networks)


def test_policy_cannot_change() -> None:
    networks = dict(GENESIS)
    policy = Arc14Policy(realms=(REALM,), networks=networks)
    networks["evil"] = b"e" * 32
    assert refusal(header(payment(gh=b"e" * 32, gen=None)), policy=policy) == "WRONG_NETWORK"
    with pytest.raises(FrozenInstanceError):
        policy.max_fee = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        policy.networks["evil"] = b"e" * 32  # type: ignore[index]


def test_policy_limits_are_used() -> None:
    policy = Arc14Policy(
        realms=(REALM,), networks=GENESIS, max_fee=5, future_tolerance=0, max_tx_life=10
    )
    fits = {"fee": 5, "fv": ROUND, "lv": ROUND + 10}
    assert verified(header(payment(**fits)), policy=policy).last_valid == ROUND + 10
    assert refusal(header(payment(**fits | {"fee": 6})), policy=policy) == "FEE_TOO_HIGH"
    assert refusal(header(payment(**fits | {"lv": ROUND + 11})), policy=policy) == "BAD_VALIDITY"
    assert refusal(header(payment(**fits | {"fv": ROUND + 1})), policy=policy) == "NOT_YET_VALID"


@pytest.mark.parametrize("fails_on", ["round", "auth"])
def test_silent_chain_lets_nobody_in(fails_on: str) -> None:
    assert refusal(GOOD, Chain(fails_on=fails_on)) == "CHAIN_UNAVAILABLE"


def test_chain_is_not_asked_before_the_signature_holds() -> None:
    chain = Chain()
    assert refusal(header(payment(), sig=b"s" * 64), chain) == "BAD_SIGNATURE"
    assert chain.asked == []


def test_expired_header_does_not_cost_an_account_lookup() -> None:
    chain = Chain(bounds=(ROUND + 2000, ROUND + 2000))
    assert refusal(GOOD, chain) == "EXPIRED"
    assert chain.asked == ["round mainnet-v1.0"]


def test_the_first_failure_is_the_one_that_is_told() -> None:
    """Each header is wrong in every way that follows, too."""
    faults: list[tuple[str, dict[str, Any]]] = [
        ("WRONG_SIGNER", {}),
        ("EXPIRED", {"fv": ROUND - 1000, "lv": ROUND - 1}),
        ("BAD_VALIDITY", {"fv": ROUND, "lv": ROUND - 1}),
        ("WRONG_REALM", {"note": b"other"}),
        ("WRONG_NETWORK", {"gh": b"u" * 32}),
        ("FEE_TOO_HIGH", {"fee": 10_001}),
        ("NOT_SELF_PAYMENT", {"rcv": PUBLIC[2]}),
        ("BAD_FIELD", {"snd": b"short"}),
        ("UNKNOWN_FIELD", {"zz": 1}),
        ("LEASE_SET", {"lx": b"l" * 32}),
        ("GROUP_SET", {"grp": b"g" * 32}),
        ("CLOSE_SET", {"close": PUBLIC[2]}),
        ("REKEY_SET", {"rekey": PUBLIC[2]}),
        ("AMOUNT_NOT_ZERO", {"amt": 1}),
        ("WRONG_TYPE", {"type": "axfer"}),
    ]
    chain = Chain(rekeyed={ADDRESS[1]: ADDRESS[2]})
    changes: dict[str, Any] = {}
    for code, change in faults:
        changes |= change
        assert refusal(header(payment(**changes)), chain) == code
        if code not in {"WRONG_SIGNER", "EXPIRED"}:
            assert refusal(header(payment(**changes), sig=b"s" * 64), chain) == code
    assert refusal(header(payment(**changes), sig=b"s" * 64, msig=1), chain) == (
        "MULTIPLE_SIGNATURES"
    )
    assert refusal(header(payment(**changes), sig=b"s" * 64, lsig=1), chain) == (
        "UNSUPPORTED_SIGNATURE"
    )
