"""What Algorand nodes say when they refuse or fail, and what the rules make of it."""

from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from typing import Any
from urllib.error import HTTPError

import msgpack
import pytest

from accounts.arc14.chain import AlgodNode
from deployments.chains.algorand import AlgorandChain
from deployments.chains.port import ChainFault, TransactionState
from deployments.failures import read_fault
from deployments.vocabulary import ErrorCategory, Remedy
from tests.deployments.algorand_ledger import MIN_BALANCE, canonical
from tests.deployments.algorand_orders import (
    SENDER,
    STRANGER,
    KeySigner,
    chain_of,
    fault_of,
    landed,
    order_of,
)
from tests.deployments.fake_algorand import TOKEN, FakeAlgorand


def test_a_node_that_is_behind_is_sent_the_same_bytes_later(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.ledger.round -= 5
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "algo.txn_dead_early", caught.value)


def test_a_fee_that_became_too_low_is_built_anew(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.ledger.min_fee = 2_000
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.TRANSACTION, Remedy.REBUILD, "algo.fee_too_low", caught.value)
    algorand.ledger.min_fee, algorand.ledger.pool_threshold = 1_000, 10
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.TRANSACTION, Remedy.REBUILD, "algo.pool_fee", caught.value)


def test_money_that_was_spent_since(algorand: FakeAlgorand, algorand_chain: AlgorandChain) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.ledger.account(SENDER).amount = MIN_BALANCE + 1_000
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.INSUFFICIENT_FUNDS, Remedy.USER, "algo.below_min", caught.value)
    algorand.ledger.account(SENDER).amount = 10
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.INSUFFICIENT_FUNDS, Remedy.USER, "algo.overspend", caught.value)
    assert algorand.ledger.assets == {}


def test_a_node_of_another_network_does_not_take_it(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.ledger.genesis_hash = bytes([1]) * 32
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.CONFIGURATION, Remedy.NEVER, "algo.wrong_genesis", caught.value)
    assert algorand.ledger.assets == {}


def test_an_account_that_was_rekeyed_since(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.ledger.account(SENDER).auth_address = KeySigner(STRANGER).address()
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.CONFIGURATION, Remedy.USER, "algo.wrong_authorizer", caught.value)


def test_bytes_that_were_changed_are_refused(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    signed = msgpack.unpackb(prepared.signed)
    signed["txn"]["apar"]["t"] += 1
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(replace(prepared, signed=canonical(signed)))
    fault_of(ErrorCategory.INTERNAL, Remedy.NEVER, "algo.bad_signature", caught.value)


def test_parameters_that_are_too_long_are_refused_by_the_node(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    order = order_of()
    long = replace(order, parameters={**order.parameters, "unitName": "ÄÄÄÄÄ"})
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(algorand_chain.prepare(long))
    fault_of(ErrorCategory.VALIDATION, Remedy.NEVER, "algo.asset_params", caught.value)


@pytest.mark.parametrize(
    ("fault", "rule", "expected"),
    [
        (
            {"status": 429, "body": "slow down", "headers": {"Retry-After": "7"}},
            "net.rate_limit",
            {"http_status": 429, "retry_after": 7},
        ),
        (
            {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}},
            "net.rate_limit",
            {"http_status": 429, "retry_after": None},
        ),
        (
            {"status": 503, "headers": {"Retry-After": "999999"}},
            "net.unreachable",
            {"http_status": 503, "retry_after": 3_600},
        ),
        (
            {"status": 503, "body": '{"message": "operation not available during catchup"}'},
            "algo.catchup",
            {"http_status": 503, "text": "operation not available during catchup"},
        ),
        ({"status": 502, "body": "<html>Bad gateway"}, "net.unreachable", {"http_status": 502}),
        ({"status": 500, "body": "[]"}, "net.unreachable", {"http_status": 500}),
        ({"status": 500, "body": '{"message": 5}'}, "net.unreachable", {"http_status": 500}),
        ({"status": 401, "body": '{"message": "Invalid API Token"}'}, "algo.bad_token", {}),
        ({"status": 403, "body": "forbidden"}, "net.auth", {"http_status": 403}),
        ({"drop": "before"}, "net.unreachable", {}),
        ({"status": 200, "body": "<html>hello"}, "net.garbage", {"http_status": None}),
        ({"status": 200, "body": "[1, 2]"}, "net.garbage", {}),
        ({"status": 200, "body": "{}"}, "net.garbage", {}),
        ({"status": 200, "body": '{"message": null}'}, "net.garbage", {}),
        ({"status": 200, "body": "[" * 100_000}, "net.garbage", {}),
        (
            {"status": 200, "body": '{"fee": 0', "headers": {"Content-Length": "500"}},
            "net.garbage",
            {"exception": "algosdk.error.AlgodResponseError"},
        ),
    ],
)
@pytest.mark.parametrize("request_of", ["params", "accounts", "send", "confirm"])
def test_every_way_to_fail_is_a_fault_that_can_be_read(
    algorand: FakeAlgorand,
    algorand_chain: AlgorandChain,
    request_of: str,
    fault: dict[str, Any],
    rule: str,
    expected: dict[str, Any],
) -> None:
    prepared, found = landed(algorand_chain, order_of())
    before = len(algorand.algod.requests)
    at = {"send": "POST", "confirm": "GET /v2/assets", "accounts": "GET /v2/accounts"}
    algorand.algod.fail(at.get(request_of, "GET /v2/transactions/params"), **fault)
    ask: dict[str, Callable[[], object]] = {
        "send": lambda: algorand_chain.submit(prepared),
        "confirm": lambda: algorand_chain.confirm(order_of(), found),
    }
    with pytest.raises(ChainFault) as caught:
        ask.get(request_of, lambda: algorand_chain.prepare(order_of(key=bytes([9]) * 32)))()
    assert read_fault(caught.value, "avm").rule == rule
    assert {name: getattr(caught.value, name) for name in expected} == expected
    # Asked once: nothing is tried again in here.
    assert len(algorand.algod.requests) - before == (2 if request_of == "accounts" else 1)
    assert TOKEN not in caught.value.text


def test_a_node_that_is_slow_is_not_waited_for(algorand: FakeAlgorand) -> None:
    prepared = chain_of(algorand).prepare(order_of())
    algorand.algod.fail("POST", delay_seconds=1.0)
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, timeout_seconds=0.1).submit(prepared)
    fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "net.unreachable", caught.value)
    assert caught.value.exception == "builtins.TimeoutError"


def test_a_page_of_a_proxy_does_not_say_that_a_transaction_is_unknown(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.algod.fail("GET /v2/transactions/pending", status=404, body="<html>no such page")
    with pytest.raises(ChainFault) as caught:
        algorand_chain.lookup(prepared)
    assert caught.value.http_status == 404


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ({"status": 429, "body": "slow down"}, "slow down"),
        ({"status": 500, "body": '{"message": "no database"}'}, "no database"),
        ({"drop": "before"}, "no answer from indexer: Remote end closed"),
        (
            {"status": 200, "body": "{", "headers": {"Content-Length": "9"}},
            "no answer from indexer",
        ),
        ({"status": 200, "body": "<html>"}, "could not decode the answer of indexer"),
        ({"status": 200, "body": '{"current-round": 9}'}, "could not decode the answer of indexer"),
        (
            {"status": 200, "body": '{"transactions": [7]}'},
            "could not decode the answer of indexer",
        ),
        ({"status": 200, "body": '{"transactions": []}'}, "could not decode the answer of indexer"),
    ],
)
def test_an_indexer_that_fails_takes_nothing_from_what_the_node_says(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain, fault: dict[str, Any], detail: str
) -> None:
    prepared, _ = landed(algorand_chain, order_of())
    lost = algorand_chain.prepare(order_of(key=bytes([9]) * 32))
    algorand.ledger.make_block(1_000)
    algorand.indexer.fail(**fault)
    found = algorand_chain.lookup(prepared)
    assert found.state is TransactionState.CONFIRMED
    assert found.detail.startswith(detail)
    algorand.ledger.make_block(10)
    algorand.indexer.fail(**fault)
    found = algorand_chain.lookup(lost)
    assert found.state is TransactionState.UNKNOWN
    assert found.detail.startswith(detail)


def test_where_both_fail_the_fault_is_that_of_the_node(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.stop("indexer")
    algorand.algod.fail("GET /v2/transactions/pending", status=503, body="later")
    with pytest.raises(ChainFault) as caught:
        algorand_chain.lookup(prepared)
    assert caught.value.http_status == 503


def test_the_codes_of_an_earlier_error_are_not_those_of_a_node_that_is_silent(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.stop()
    try:
        raise HTTPError("http://elsewhere.example", 418, "teapot", Message(), None)
    except HTTPError as earlier:
        with pytest.raises(ChainFault) as caught:
            algorand_chain.submit(prepared)
        earlier.close()
    assert caught.value.http_status is None
    assert caught.value.exception == "builtins.ConnectionRefusedError"


def test_a_wrong_token_is_a_matter_of_configuration(algorand: FakeAlgorand) -> None:
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, algod=AlgodNode(algorand.algod.url, "b" * 64)).prepare(order_of())
    fault_of(ErrorCategory.CONFIGURATION, Remedy.NEVER, "algo.bad_token", caught.value)


def test_a_node_that_speaks_another_protocol(algorand: FakeAlgorand) -> None:
    secure = AlgodNode(algorand.algod.url.replace("http:", "https:"), TOKEN)
    with pytest.raises(ChainFault) as caught:
        chain_of(algorand, algod=secure).prepare(order_of())
    fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "net.unreachable", caught.value)
    assert caught.value.exception == "ssl.SSLError"
