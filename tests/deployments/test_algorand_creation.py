"""From an order to the bytes of an asset's creation on Algorand, and back from the asset."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from algosdk.transaction import SuggestedParams

from deployments.chains.algorand import ASSET_MIN_BALANCE, AlgorandChain, asset_creation
from deployments.chains.port import ChainFault, Lookup, Order, Prepared, TransactionState
from deployments.vocabulary import ErrorCategory, Remedy, Standard
from tests.deployments.algorand_ledger import MIN_BALANCE, address, read
from tests.deployments.algorand_orders import (
    KEY,
    NETWORK,
    SENDER,
    STRANGER,
    KeySigner,
    chain_of,
    fault_of,
    known,
    landed,
    order_of,
)
from tests.deployments.fake_algorand import FakeAlgorand

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "deploy_tx_vectors.json").read_text(encoding="utf-8")
)
CREATIONS = [one for one in VECTORS["vectors"] if one["js_build"]["kind"] == "acfg"]


def vector_parameters(build: dict[str, Any]) -> dict[str, Any]:
    roles = ("manager", "reserve", "freeze", "clawback")
    return {
        "name": build["asset_name"],
        "unitName": build["unit_name"],
        "url": build["url"],
        "metadataHash": build["metadata_hash"],
        "defaultFrozen": build["default_frozen"],
        "totalSupply": build["total"],
        "decimals": build["decimals"],
        **{f"{role}Address": build[role] for role in roles},
    }


@pytest.mark.parametrize("vector", CREATIONS, ids=lambda vector: vector["id"])
def test_the_bytes_are_those_of_the_vectors(algorand: FakeAlgorand, vector: dict[str, Any]) -> None:
    suggested = SuggestedParams(
        fee=0,
        first=VECTORS["first_valid"],
        last=VECTORS["last_valid"],
        gh=VECTORS["genesis_hash"],
        gen=VECTORS["genesis_id"],
        min_fee=VECTORS["fee"],
    )
    parameters = vector_parameters(vector["js_build"])
    transaction = asset_creation(parameters, VECTORS["sender"], suggested)
    assert transaction.get_txid() == vector["txid"]
    signed = chain_of(algorand)._sign(transaction)
    assert base64.b64encode(signed).decode() == vector["signed_msgpack_b64"]


def test_every_creation_of_the_vectors_was_compared() -> None:
    assert len(CREATIONS) == 10
    assert VECTORS["sender"] == SENDER


def test_what_is_prepared_says_what_it_is(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    sent = read(prepared.signed)
    now = algorand.ledger.round
    assert prepared == Prepared(sent.id, prepared.signed, SENDER, now, now + 1_000)
    assert (sent.fields["fv"], sent.fields["lv"]) == (now, now + 1_000)
    assert sent.fields["lx"] == bytes([7]) * 32
    assert "note" not in sent.fields
    assert [one for one in algorand.algod.requests if one.startswith("POST")] == []


def test_the_window_can_be_shorter(algorand: FakeAlgorand) -> None:
    prepared = chain_of(algorand, validity_rounds=50).prepare(order_of())
    assert prepared.valid_until == algorand.ledger.round + 50


@pytest.mark.parametrize("rounds", [0, 1_001])
def test_the_window_is_never_longer_than_the_protocol_allows(
    algorand: FakeAlgorand, rounds: int
) -> None:
    with pytest.raises(ValueError):
        chain_of(algorand, validity_rounds=rounds)


@pytest.mark.parametrize(
    ("min_fee", "per_byte"), [(1_000, 0), (2_500, 0), (1_000, 17), (1_000, 800), (1, 1)]
)
def test_the_fee_is_what_the_node_asks_for_the_bytes_that_are_sent(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain, min_fee: int, per_byte: int
) -> None:
    algorand.ledger.min_fee, algorand.ledger.fee_per_byte = min_fee, per_byte
    algorand.ledger.pool_threshold = per_byte
    prepared = algorand_chain.prepare(order_of())
    assert read(prepared.signed).fields["fee"] == max(min_fee, per_byte * len(prepared.signed))
    algorand_chain.submit(prepared)
    assert algorand.ledger.account(SENDER).assets == 1


def test_a_fee_beyond_the_limit_is_not_signed(algorand: FakeAlgorand) -> None:
    algorand.ledger.min_fee = 5_001
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, max_fee=5_000).prepare(order_of())
    fault_of(ErrorCategory.CONFIGURATION, Remedy.USER, "algo.fee_limit", caught.value)


# From the order to the asset


FULL = {
    "url": "https://tokens.example/ü",
    "metadataHash": base64.b64encode(bytes(range(32))).decode(),
    "defaultFrozen": True,
    "decimals": 19,
    "totalSupply": str(2**64 - 1),
    "managerAddress": SENDER,
    "freezeAddress": SENDER,
    "reserveAddress": KeySigner(STRANGER).address(),
    "clawbackAddress": KeySigner(STRANGER).address(),
}


@pytest.mark.parametrize(
    "order",
    [
        order_of(),
        order_of(name="Äpfel & Brüder", unitName="Ä€", **FULL),
        order_of(Standard.ASA_NFT, name="One of one"),
        order_of(Standard.ASA_FNFT, name="Part", totalSupply=100, decimals=2),
    ],
    ids=["ft", "everything", "nft", "fnft"],
)
def test_an_order_becomes_an_asset_that_is_read_back(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain, order: Order
) -> None:
    _, found = landed(algorand_chain, order)
    asset = str(algorand.ledger.counter)
    assert found == Lookup(
        TransactionState.FINAL, algorand.ledger.round, asset_identifier=asset, sender=SENDER
    )
    confirmation = algorand_chain.confirm(order, found)
    assert confirmation.differences == {}
    assert confirmation.facts == {
        **order.parameters,
        "creator": SENDER,
        "deleted": False,
        "assetId": asset,
        "confirmedRound": algorand.ledger.round,
    }


def test_what_the_chain_cannot_tell_apart_is_no_difference(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    zero = address(bytes(32))
    nothing = base64.b64encode(bytes(32)).decode()
    order = order_of(metadataHash=nothing, managerAddress=zero)
    _, found = landed(algorand_chain, order)
    assert algorand_chain.confirm(order, found).differences == {}


@pytest.mark.parametrize(
    ("key", "value", "field", "seen"),
    [
        ("an", "Another", "name", "Another"),
        ("un", "OTH", "unitName", "OTH"),
        ("au", "https://elsewhere.example", "url", "https://elsewhere.example"),
        ("am", bytes([9]) * 32, "metadataHash", base64.b64encode(bytes([9]) * 32).decode()),
        ("t", 5, "totalSupply", "5"),
        ("dc", 3, "decimals", 3),
        ("df", False, "defaultFrozen", False),
        ("m", bytes([1]) * 32, "managerAddress", address(bytes([1]) * 32)),
        ("r", bytes([2]) * 32, "reserveAddress", address(bytes([2]) * 32)),
        ("f", bytes([3]) * 32, "freezeAddress", address(bytes([3]) * 32)),
        ("c", bytes([4]) * 32, "clawbackAddress", address(bytes([4]) * 32)),
    ],
)
def test_a_difference_is_told_by_its_field(
    algorand: FakeAlgorand,
    algorand_chain: AlgorandChain,
    key: str,
    value: Any,
    field: str,
    seen: Any,
) -> None:
    order = order_of(**FULL)
    _, found = landed(algorand_chain, order)
    algorand.ledger.assets[algorand.ledger.counter][key] = value
    confirmation = algorand_chain.confirm(order, found)
    assert confirmation.differences == {field: (order.parameters[field], seen)}
    assert confirmation.facts[field] == seen


def test_an_asset_of_somebody_else_is_a_difference(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    order = order_of()
    _, found = landed(algorand_chain, order)
    stranger = KeySigner(STRANGER).address()
    other = replace(found, sender=stranger)
    assert algorand_chain.confirm(order, other).differences == {"creator": (stranger, SENDER)}


def test_a_key_that_was_changed_since_is_no_difference(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    order = order_of()
    _, found = landed(algorand_chain, order)
    later = chain_of(algorand, signer=KeySigner(STRANGER))
    assert later.confirm(order, found).differences == {}


def test_a_destroyed_asset_is_a_difference(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    order = order_of()
    _, found = landed(algorand_chain, order)
    algorand.ledger.destroy(algorand.ledger.counter)
    assert algorand_chain.confirm(order, found).differences == {"deleted": (False, True)}


def test_an_asset_that_no_node_can_read_yet_is_asked_for_again(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    lost = Lookup(TransactionState.CONFIRMED, 1, None, "42")
    with pytest.raises(ChainFault) as caught:
        algorand_chain.confirm(order_of(), lost)
    fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "net.unreachable", caught.value)


def test_nothing_is_confirmed_without_an_asset(algorand_chain: AlgorandChain) -> None:
    with pytest.raises(ValueError):
        algorand_chain.confirm(order_of(), Lookup(TransactionState.CONFIRMED, 1))


# What is refused before anything is signed


@pytest.mark.parametrize(
    ("genesis_id", "digest"),
    [
        ("mainnet-v1.0", known("mainnet-v1.0").genesis_hash),
        (NETWORK, bytes([1]) * 32),
        ("private-v1", known(NETWORK).genesis_hash),
    ],
)
def test_a_node_of_another_network_gets_no_signature(
    algorand: FakeAlgorand, genesis_id: str, digest: bytes
) -> None:
    algorand.ledger.genesis_id, algorand.ledger.genesis_hash = genesis_id, digest
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, signer=Locked()).prepare(order_of())
    fault_of(ErrorCategory.CONFIGURATION, Remedy.NEVER, "algo.wrong_genesis", caught.value)


class Locked(KeySigner):
    """A signer whose key nobody may ask for."""

    def __init__(self) -> None:
        super().__init__(KEY)

    def private_key(self) -> bytes:
        raise AssertionError("the key was asked for")


@pytest.mark.parametrize(
    ("amount", "rule"),
    [
        (0, "algo.overspend"),
        (999, "algo.overspend"),
        (MIN_BALANCE + ASSET_MIN_BALANCE + 999, "algo.below_min"),
    ],
)
def test_too_little_money_is_told_before_signing(
    algorand: FakeAlgorand, amount: int, rule: str
) -> None:
    algorand.ledger.account(SENDER).amount = amount
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, signer=Locked()).prepare(order_of())
    fault_of(ErrorCategory.INSUFFICIENT_FUNDS, Remedy.USER, rule, caught.value)


def test_the_least_money_that_is_enough(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.account(SENDER).amount = MIN_BALANCE + ASSET_MIN_BALANCE + 1_000
    _, found = landed(algorand_chain, order_of())
    assert found.state is TransactionState.FINAL
    assert algorand.ledger.account(SENDER).amount == MIN_BALANCE + ASSET_MIN_BALANCE


def test_an_account_that_was_rekeyed_is_told(algorand: FakeAlgorand) -> None:
    algorand.ledger.account(SENDER).auth_address = KeySigner(STRANGER).address()
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, signer=Locked()).prepare(order_of())
    fault_of(ErrorCategory.CONFIGURATION, Remedy.USER, "algo.wrong_authorizer", caught.value)


def test_a_key_of_another_account_does_not_sign(algorand: FakeAlgorand) -> None:
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, signer=KeySigner(STRANGER, SENDER)).prepare(order_of())
    fault_of(ErrorCategory.CONFIGURATION, Remedy.USER, "algo.wrong_authorizer", caught.value)


@pytest.mark.parametrize(
    "order",
    [
        replace(order_of(), network="mainnet-v1.0"),
        replace(order_of(), standard=Standard.ERC20_MINTABLE),
        order_of(key=b"short"),
        order_of(key=bytes(32)),
    ],
    ids=["network", "standard", "short lease", "no lease"],
)
def test_what_this_network_cannot_make(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain, order: Order
) -> None:
    with pytest.raises(ValueError):
        algorand_chain.prepare(order)
    assert algorand.algod.requests == []


def test_nothing_is_replaced(algorand_chain: AlgorandChain) -> None:
    with pytest.raises(ValueError):
        algorand_chain.prepare(order_of(), replaces=Prepared("A", b"", SENDER))


def test_a_network_of_another_kind_has_no_adapter(algorand: FakeAlgorand) -> None:
    with pytest.raises(ValueError):
        chain_of(algorand, network=known("base-mainnet"))
