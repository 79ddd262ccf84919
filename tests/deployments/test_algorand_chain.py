"""What becomes of a transaction on Algorand: the real SDK over HTTP against a node that checks."""

import pytest

from deployments.chains.algorand import AlgorandChain
from deployments.chains.port import ChainFault, Lookup, TransactionState
from deployments.failures import read_fault
from deployments.vocabulary import ErrorCategory, Remedy
from tests.deployments.algorand_orders import SENDER, fault_of, known, landed, order_of
from tests.deployments.fake_algorand import FakeAlgorand


def there(state: TransactionState, round_: int, asset: str) -> Lookup:
    return Lookup(state, round_, asset_identifier=asset, sender=SENDER)


def test_from_the_pool_to_the_indexer(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold, algorand.indexer_lag = True, 2
    prepared = algorand_chain.prepare(order_of())
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.UNKNOWN)
    algorand_chain.submit(prepared)
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.PENDING)
    algorand.ledger.make_block()
    round_, asset = algorand.ledger.round, str(algorand.ledger.counter)
    assert algorand_chain.lookup(prepared) == there(TransactionState.CONFIRMED, round_, asset)
    algorand.ledger.make_block()
    assert algorand_chain.lookup(prepared).state is TransactionState.CONFIRMED
    algorand.ledger.make_block()
    assert algorand_chain.lookup(prepared) == there(TransactionState.FINAL, round_, asset)


def test_algod_forgets_and_the_indexer_does_not(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared, found = landed(algorand_chain, order_of())
    algorand.ledger.make_block(1_001)
    assert algorand_chain.lookup(prepared) == found
    assert found.state is TransactionState.FINAL


def test_a_lost_answer_is_found_and_sending_again_is_harmless(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.algod.fail("POST", drop="after")
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "net.unreachable", caught.value)
    assert caught.value.exception == "http.client.RemoteDisconnected"
    with pytest.raises(ChainFault) as again:
        algorand_chain.submit(prepared)
    reading = read_fault(again.value, "avm")
    assert (reading.rule, reading.remedy) == ("algo.already_in_ledger", Remedy.RESOLVE)
    assert reading.failure is None
    assert algorand_chain.lookup(prepared).state is TransactionState.FINAL
    assert len(algorand.ledger.assets) == 1


def test_a_request_that_never_came_through_can_be_sent_again(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.algod.fail("POST", drop="before")
    with pytest.raises(ChainFault):
        algorand_chain.submit(prepared)
    assert algorand.algod.requests.count("POST /v2/transactions") == 1
    assert algorand_chain.lookup(prepared).state is TransactionState.UNKNOWN
    algorand_chain.submit(prepared)
    assert algorand_chain.lookup(prepared).state is TransactionState.FINAL


def test_one_that_expired_is_dead_once_the_indexer_is_past_it(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    assert prepared.valid_until is not None
    algorand.indexer_lag = 1
    algorand.ledger.round = prepared.valid_until
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.UNKNOWN)
    algorand.ledger.make_block()
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(prepared)
    fault_of(ErrorCategory.TRANSACTION, Remedy.REBUILD, "algo.txn_dead_expired", caught.value)
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.UNKNOWN)
    algorand.ledger.make_block()
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.DEAD)
    fresh = algorand_chain.prepare(order_of())
    algorand_chain.submit(fresh)
    assert algorand_chain.lookup(fresh).state is TransactionState.CONFIRMED


def test_one_that_expired_in_the_pool_is_dead(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold = True
    prepared = algorand_chain.prepare(order_of())
    algorand_chain.submit(prepared)
    assert prepared.valid_until is not None
    algorand.ledger.round = prepared.valid_until
    algorand.ledger.make_block(2)
    found = algorand_chain.lookup(prepared)
    assert found.state is TransactionState.DEAD
    assert "txn dead" in found.detail
    assert algorand.ledger.assets == {}


def test_a_node_that_stands_still_does_not_keep_it_alive(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold = True
    prepared = algorand_chain.prepare(order_of())
    algorand_chain.submit(prepared)
    algorand.indexer_lag = -1_000
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.PENDING)
    algorand.indexer_lag = -1_001
    assert algorand_chain.lookup(prepared) == Lookup(TransactionState.DEAD)


def test_one_that_landed_in_its_last_round_is_not_dead(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    assert prepared.valid_until is not None
    algorand.ledger.round = prepared.valid_until - 1
    algorand_chain.submit(prepared)
    algorand.ledger.make_block(5)
    assert algorand_chain.lookup(prepared).round == prepared.valid_until


def test_an_indexer_of_another_network_proves_no_death(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared = algorand_chain.prepare(order_of())
    algorand.indexer_genesis = ("mainnet-v1.0", known("mainnet-v1.0").genesis_hash or b"")
    algorand.ledger.make_block(1_010)
    found = algorand_chain.lookup(prepared)
    assert found.state is TransactionState.UNKNOWN
    fault_of(
        ErrorCategory.CONFIGURATION, Remedy.NEVER, "algo.wrong_genesis", ChainFault(found.detail)
    )


def test_one_that_a_pool_threw_out_may_still_land(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold = True
    prepared = algorand_chain.prepare(order_of())
    algorand_chain.submit(prepared)
    algorand.ledger.evict(prepared.transaction_id, "fee 1000 below threshold 2000")
    assert algorand_chain.lookup(prepared) == Lookup(
        TransactionState.UNKNOWN, detail="fee 1000 below threshold 2000"
    )


def test_a_node_that_starts_again_has_lost_its_pool(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold = True
    prepared = algorand_chain.prepare(order_of())
    for _ in range(3):
        algorand_chain.submit(prepared)
        assert algorand_chain.lookup(prepared).state is TransactionState.PENDING
        algorand.stop()
        with pytest.raises(ChainFault) as caught:
            algorand_chain.lookup(prepared)
        fault_of(ErrorCategory.NETWORK, Remedy.RESEND, "net.unreachable", caught.value)
        assert caught.value.exception == "builtins.ConnectionRefusedError"
        algorand.start()
        assert algorand_chain.lookup(prepared).state is TransactionState.UNKNOWN
    algorand_chain.submit(prepared)
    algorand.ledger.make_block()
    assert algorand_chain.lookup(prepared).state is TransactionState.FINAL
    assert len(algorand.ledger.assets) == 1


def test_what_the_indexer_has_is_final_while_the_node_is_down(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    prepared, found = landed(algorand_chain, order_of())
    algorand.stop()
    assert algorand_chain.lookup(prepared) == found
    assert found.state is TransactionState.FINAL


def test_without_the_indexer_nothing_is_final_and_nothing_is_dead(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.stop("indexer")
    prepared = algorand_chain.prepare(order_of())
    algorand_chain.submit(prepared)
    found = algorand_chain.lookup(prepared)
    assert (found.state, found.round) == (TransactionState.CONFIRMED, algorand.ledger.round)
    assert found.detail.startswith("no answer from indexer")
    other = algorand_chain.prepare(order_of(key=bytes([8]) * 32))
    algorand.ledger.make_block(1_010)
    assert algorand_chain.lookup(other).state is TransactionState.UNKNOWN
    algorand.start("indexer")
    assert algorand_chain.lookup(other).state is TransactionState.DEAD


def test_a_lease_lets_one_of_two_land(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    first = algorand_chain.prepare(order_of())
    algorand.ledger.make_block()
    second = algorand_chain.prepare(order_of())
    assert first.transaction_id != second.transaction_id
    algorand_chain.submit(first)
    with pytest.raises(ChainFault) as caught:
        algorand_chain.submit(second)
    reading = read_fault(caught.value, "avm")
    assert (reading.rule, reading.remedy) == ("algo.lease_taken", Remedy.RESOLVE)
    assert algorand_chain.lookup(second).state is TransactionState.UNKNOWN
    assert len(algorand.ledger.assets) == 1
    algorand.ledger.make_block(1_001)
    assert algorand_chain.lookup(second).state is TransactionState.DEAD


def test_a_lease_counts_in_the_pool_too(
    algorand: FakeAlgorand, algorand_chain: AlgorandChain
) -> None:
    algorand.ledger.hold = True
    first = algorand_chain.prepare(order_of())
    algorand.ledger.make_block()
    second = algorand_chain.prepare(order_of())
    algorand_chain.submit(first)
    with pytest.raises(ChainFault, match="using an overlapping lease"):
        algorand_chain.submit(second)
