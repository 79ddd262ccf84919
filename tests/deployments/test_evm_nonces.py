"""One nonce, several transactions: which of them is dead, and when that is proven."""

import pytest

from deployments.chains.evm import EvmChain
from deployments.chains.port import ChainFault, Lookup, Prepared, TransactionState
from deployments.vocabulary import Remedy
from tests.deployments.evm import MINTABLE, KeySigner, chain, land, order, reading, signed
from tests.services.anvil import Anvil, Proxy, Reply

CONFIRMED, DEAD = TransactionState.CONFIRMED, TransactionState.DEAD
PENDING, UNKNOWN = TransactionState.PENDING, TransactionState.UNKNOWN
GONE = Reply.error(-32000, "missing trie node 5a1c (path ) state 0x5a1c is not available")


@pytest.fixture
def evm(proxy: Proxy, signer: KeySigner) -> EvmChain:
    return chain(proxy.url, signer)


def spend(anvil: Anvil, evm: EvmChain, other: Prepared) -> None:
    """Mine another transaction of the account."""
    evm.submit(other)
    anvil.mine()


def test_it_is_dead_once_another_has_its_nonce_in_a_safe_block(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    prepared = evm.prepare(order())
    spend(anvil, evm, signed(signer, 0))
    anvil.mine(31)
    assert evm.lookup(prepared) == Lookup(UNKNOWN)
    anvil.mine()
    assert evm.lookup(prepared) == Lookup(DEAD, detail="Its nonce is spent; 1 is next.")
    with pytest.raises(ChainFault) as caught:
        evm.submit(prepared)
    assert reading(caught.value).rule == "evm.nonce_too_low"
    assert reading(caught.value).remedy is Remedy.RESOLVE
    again = evm.prepare(order())
    assert again.nonce == 1
    assert land(evm, anvil, again).state is CONFIRMED


def test_the_finalized_tag_takes_longer(anvil: Anvil, proxy: Proxy, signer: KeySigner) -> None:
    evm = chain(proxy.url, signer, changes={"indexed_block_tag": "finalized"})
    prepared = evm.prepare(order())
    spend(anvil, evm, signed(signer, 0))
    anvil.mine(63)
    assert evm.lookup(prepared) == Lookup(UNKNOWN)
    anvil.mine()
    assert evm.lookup(prepared).state is DEAD


def test_it_is_dead_when_another_transaction_made_a_contract_with_its_nonce(
    anvil: Anvil, evm: EvmChain
) -> None:
    prepared, other = evm.prepare(order()), evm.prepare(order(MINTABLE))
    assert prepared.nonce == other.nonce
    spend(anvil, evm, other)
    anvil.mine(32)
    detail = f"{other.transaction_id} has its nonce."
    assert evm.lookup(prepared) == Lookup(DEAD, detail=detail)


def test_a_node_that_is_behind_proves_nothing(anvil: Anvil, proxy: Proxy, evm: EvmChain) -> None:
    prepared = evm.prepare(order())
    assert land(evm, anvil, prepared).state is CONFIRMED
    anvil.mine(32)
    # Behind one address, the node that is asked for receipts may know less than the others.
    proxy.faults |= {
        "eth_getTransactionReceipt": Reply.result(None),
        "eth_getTransactionByHash": Reply.result(None),
    }
    detail = "Its nonce is spent and its contract exists, but the node shows no receipt."
    assert evm.lookup(prepared) == Lookup(UNKNOWN, detail=detail)
    proxy.faults["eth_getLogs"] = Reply.result([])
    assert evm.lookup(prepared) == Lookup(UNKNOWN, detail=detail)
    proxy.faults["eth_getTransactionCount"] = GONE
    detail = "The node lacks the state to tell."
    assert evm.lookup(prepared) == Lookup(UNKNOWN, detail=detail)


@pytest.mark.parametrize(
    "answer",
    [
        Reply.result(None),
        Reply.error(-39001, "Unknown block"),
        Reply.error(-32000, "safe block not found"),
    ],
)
def test_without_a_safe_block_nothing_is_dead_or_final(
    anvil: Anvil, proxy: Proxy, evm: EvmChain, signer: KeySigner, answer: Reply
) -> None:
    dead, alive = evm.prepare(order()), evm.prepare(order(), used_nonces=frozenset({0}))
    spend(anvil, evm, signed(signer, 0))
    land(evm, anvil, alive)
    anvil.mine(32)
    proxy.faults["eth_getBlockByNumber"] = lambda asked: answer if "safe" in asked.params else None
    assert evm.lookup(dead) == Lookup(UNKNOWN)
    assert evm.lookup(alive).state is CONFIRMED


def test_a_node_that_fails_otherwise_is_a_fault(anvil: Anvil, proxy: Proxy, evm: EvmChain) -> None:
    prepared = evm.prepare(order())
    proxy.faults["eth_getBlockByNumber"] = Reply.error(-32603, "internal error")
    with pytest.raises(ChainFault, match="internal error"):
        evm.lookup(prepared)


def test_of_two_with_one_nonce_the_dearer_lands(anvil: Anvil, evm: EvmChain) -> None:
    cheap = evm.prepare(order())
    evm.submit(cheap)
    dear = evm.prepare(order(), used_nonces=frozenset({0}), replaces=cheap)
    assert dear.nonce == cheap.nonce == 0
    found = land(evm, anvil, dear)
    assert found.state is CONFIRMED
    assert evm.lookup(cheap).state is UNKNOWN
    anvil.mine(32)
    assert evm.lookup(cheap) == Lookup(DEAD, detail=f"{dear.transaction_id} has its nonce.")
    assert evm.lookup(dear).state is TransactionState.FINAL


def test_one_that_is_not_dearer_replaces_nothing(evm: EvmChain, signer: KeySigner) -> None:
    evm.submit(signed(signer, 0))
    other = signed(signer, 0, value=1)
    with pytest.raises(ChainFault) as caught:
        evm.submit(other)
    assert reading(caught.value).rule == "evm.replacement_underpriced"


def test_only_a_transaction_of_the_account_is_replaced(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    with pytest.raises(ValueError, match="of the same account"):
        evm.prepare(order(), replaces=signed(KeySigner("somebody else"), 0))
    legacy = signed(signer, 0)
    legacy = Prepared(legacy.transaction_id, b"\xf8" + legacy.signed, legacy.sender, nonce=0)
    with pytest.raises(ValueError, match="EIP-1559"):
        evm.prepare(order(), replaces=legacy)


def test_a_replacement_pays_instead_of_the_other(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    anvil.fund(signer.address(), 10**16)
    cheap = signed(signer, 0, value=9 * 10**15)
    evm.submit(cheap)
    assert evm.prepare(order(), replaces=cheap).nonce == 0


def test_a_fee_is_raised_by_an_eighth_at_least(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    dear = signed(signer, 0, maxFeePerGas=10**11 + 1, maxPriorityFeePerGas=10**10 + 1)
    evm.submit(dear)
    replacement = evm.prepare(order(), replaces=dear)
    evm.submit(replacement)
    sent = anvil.ask("eth_getTransactionByHash", replacement.transaction_id)
    assert int(sent["maxFeePerGas"], 16) == 112_500_000_002
    assert int(sent["maxPriorityFeePerGas"], 16) == 11_250_000_002
    assert evm.lookup(replacement).state is PENDING
