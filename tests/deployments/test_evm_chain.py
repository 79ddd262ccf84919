"""The EVM adapter against a real local node: what it makes, and what it says became of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from accounts.networks import known_network
from deployments.chains.evm import EvmChain
from deployments.chains.port import ChainFault, Lookup, Order, TransactionState
from deployments.vocabulary import ErrorCategory, Remedy, Standard
from tests.deployments.evm import (
    FIXED,
    MINTABLE,
    NETWORK,
    KeySigner,
    chain,
    land,
    order,
    reading,
    signed,
)
from tests.services.anvil import Anvil, Proxy, own_anvil

CONFIRMED, FINAL = TransactionState.CONFIRMED, TransactionState.FINAL
DEAD, PENDING = TransactionState.DEAD, TransactionState.PENDING
REVERTED, UNKNOWN = TransactionState.REVERTED, TransactionState.UNKNOWN


@pytest.fixture
def evm(anvil: Anvil, signer: KeySigner) -> EvmChain:
    return chain(anvil.url, signer)


@pytest.mark.parametrize(
    ("standard", "facts"),
    [
        (
            FIXED,
            {
                "name": "Rheinhafen Anleihe 2031 Größe",
                "symbol": "RHA",
                "decimals": 18,
                "totalSupply": "1000500000000000000000",
                "receiverBalance": "1000500000000000000000",
            },
        ),
        (
            MINTABLE,
            {
                "name": "Hafen",
                "symbol": "HFN",
                "decimals": 6,
                "totalSupply": "1000000000",
                "receiverBalance": "1000000000",
                "cap": "5000000001",
            },
        ),
    ],
)
def test_a_token_is_made_and_read_back(
    anvil: Anvil, evm: EvmChain, standard: Standard, facts: dict[str, object]
) -> None:
    wanted = order(standard)
    prepared = evm.prepare(wanted)
    assert evm.lookup(prepared) == Lookup(UNKNOWN)
    assert anvil.ask("eth_getTransactionCount", prepared.sender, "pending") == "0x0"
    found = land(evm, anvil, prepared)
    receipt = anvil.ask("eth_getTransactionReceipt", prepared.transaction_id)
    assert (found.state, found.round, found.block_id) == (CONFIRMED, 65, receipt["blockHash"])
    assert found.asset_identifier is not None
    assert found.asset_identifier.lower() == receipt["contractAddress"]
    confirmation = evm.confirm(wanted, found)
    expected = {"address": found.asset_identifier, "code": "present", **facts}
    assert (confirmation.facts, confirmation.differences) == (expected, {})


def test_without_a_receiver_the_issuing_account_has_the_supply(anvil: Anvil, evm: EvmChain) -> None:
    wanted = order(initialSupplyReceiver=None)
    prepared = evm.prepare(wanted)
    confirmation = evm.confirm(wanted, land(evm, anvil, prepared))
    assert confirmation.differences == {}
    assert confirmation.facts["receiverBalance"] == "1000500000000000000000"


def test_several_are_prepared_before_any_is_sent(anvil: Anvil, evm: EvmChain) -> None:
    first = evm.prepare(order())
    second = evm.prepare(order(MINTABLE), used_nonces=frozenset({0}))
    third = evm.prepare(order(), used_nonces=frozenset({0, 1, 7}))
    assert [first.nonce, second.nonce, third.nonce] == [0, 1, 2]
    for prepared in (third, second, first):
        evm.submit(prepared)
    anvil.mine()
    assert [evm.lookup(one).state for one in (first, second, third)] == [CONFIRMED] * 3


def test_a_nonce_that_was_left_out_is_used_before_later_ones(evm: EvmChain) -> None:
    assert evm.prepare(order(), used_nonces=frozenset({1, 2})).nonce == 0


def test_it_is_pending_in_the_pool_and_until_it_is_deep_enough(
    anvil: Anvil, signer: KeySigner
) -> None:
    evm = chain(anvil.url, signer, changes={"confirmations": 2})
    prepared = evm.prepare(order())
    evm.submit(prepared)
    assert evm.lookup(prepared) == Lookup(PENDING)
    anvil.mine()
    shallow = evm.lookup(prepared)
    assert (shallow.state, shallow.round, shallow.asset_identifier) == (PENDING, 65, None)
    anvil.mine()
    assert evm.lookup(prepared).state is CONFIRMED


@pytest.mark.parametrize(("tag", "blocks"), [("safe", 32), ("finalized", 64)])
def test_it_is_final_when_its_block_has_the_tag_of_the_network(
    anvil: Anvil, signer: KeySigner, tag: str, blocks: int
) -> None:
    evm = chain(anvil.url, signer, changes={"indexed_block_tag": tag})
    prepared = evm.prepare(order())
    land(evm, anvil, prepared)
    anvil.mine(blocks - 1)
    assert evm.lookup(prepared).state is CONFIRMED
    anvil.mine()
    assert evm.lookup(prepared).state is FINAL


def test_a_failed_creation_made_nothing_although_its_receipt_names_a_contract(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    code = "0x60fe565b"  # Jumps nowhere, and so uses all of its gas.
    failed = signed(signer, 0, data=code, gas=100_000)
    found = land(evm, anvil, failed)
    receipt = anvil.ask("eth_getTransactionReceipt", failed.transaction_id)
    assert receipt["contractAddress"] is not None
    assert (found.state, found.round, found.asset_identifier) == (REVERTED, 65, None)
    assert found.detail == "execution reverted in block 65 after 100000 gas"


def test_a_constructor_that_would_revert_is_found_before_signing(
    anvil: Anvil, proxy: Proxy, signer: KeySigner
) -> None:
    wanted = order()
    nobody = {**wanted.parameters, "initialSupplyReceiver": "0x" + "00" * 20}
    with pytest.raises(ChainFault) as caught:
        chain(proxy.url, signer).prepare(replace(wanted, parameters=nobody))
    found = reading(caught.value)
    assert found.failure is not None
    assert (found.rule, found.remedy) == ("evm.revert", Remedy.NEVER)
    assert found.failure.category is ErrorCategory.TRANSACTION


def test_an_account_that_cannot_pay_is_found_before_signing(
    anvil: Anvil, evm: EvmChain, signer: KeySigner
) -> None:
    anvil.fund(signer.address(), 1)
    with pytest.raises(ChainFault, match=r"have 1 want \d+$") as caught:
        evm.prepare(order())
    failure = reading(caught.value).failure
    assert failure is not None
    assert failure.category is ErrorCategory.INSUFFICIENT_FUNDS
    cost = int(caught.value.text.split()[-1])
    anvil.fund(signer.address(), cost - 1)
    with pytest.raises(ChainFault, match=f"want {cost}$"):
        evm.prepare(order())
    anvil.fund(signer.address(), cost)
    evm.submit(evm.prepare(order()))


def test_a_node_of_another_chain_gets_no_signature(anvil_path: Path, signer: KeySigner) -> None:
    with own_anvil(anvil_path, chain_id=8453) as other:
        other.fund(signer.address())
        with pytest.raises(ChainFault, match="chain id mismatch: 8453 instead of 84532") as caught:
            chain(other.url, signer).prepare(order())
    failure = reading(caught.value).failure
    assert failure is not None
    assert failure.category is ErrorCategory.CONFIGURATION


def test_the_chain_is_asked_again_for_every_signature(proxy: Proxy, signer: KeySigner) -> None:
    evm = chain(proxy.url, signer)
    for _ in range(2):
        evm.prepare(order())
    assert proxy.count("eth_chainId") == 2
    assert proxy.count("eth_sendRawTransaction") == 0


def test_what_it_cannot_make_is_an_error_of_ours(signer: KeySigner) -> None:
    evm = chain("http://127.0.0.1:9", signer)
    with pytest.raises(ValueError, match="base-sepolia, and the order is for base-mainnet"):
        evm.prepare(replace(order(), network="base-mainnet"))
    with pytest.raises(ValueError, match="ASA_FT cannot be issued"):
        evm.prepare(Order(NETWORK, Standard.ASA_FT, order().parameters, bytes(32)))
    algorand = known_network("testnet-v1.0")
    assert algorand is not None
    with pytest.raises(ValueError, match="no EVM network"):
        EvmChain(algorand, signer, rpc_url="http://127.0.0.1:9")
    with pytest.raises(ValueError, match="starts with http"):
        chain("file:///etc/passwd", signer)
    with pytest.raises(ValueError, match="that made a contract"):
        evm.confirm(order(), Lookup(UNKNOWN))


def test_a_key_of_another_account_signs_nothing(anvil: Anvil, signer: KeySigner) -> None:
    class Mixed(KeySigner):
        def private_key(self) -> bytes:
            return KeySigner("somebody else").private_key()

    with pytest.raises(ValueError, match="not that of its address"):
        chain(anvil.url, Mixed("issuer")).prepare(order())


def test_a_restarted_node_forgets_and_takes_the_same_bytes(
    anvil_path: Path, signer: KeySigner
) -> None:
    with own_anvil(anvil_path) as node:
        node.fund(signer.address())
        evm = chain(node.url, signer)
        prepared = evm.prepare(order())
        evm.submit(prepared)
        assert evm.lookup(prepared).state is PENDING
    with pytest.raises(ChainFault) as caught:
        evm.lookup(prepared)
    assert reading(caught.value).remedy is Remedy.RESEND
    with own_anvil(anvil_path, port=node.port) as node:
        node.fund(signer.address())
        assert evm.lookup(prepared) == Lookup(UNKNOWN)
        assert land(evm, node, prepared).state is CONFIRMED


def test_a_restarted_node_that_kept_its_chain_knows_it(
    anvil_path: Path, signer: KeySigner, tmp_path: Path
) -> None:
    kept = ("--state", str(tmp_path / "state.json"))
    with own_anvil(anvil_path, *kept) as node:
        node.fund(signer.address())
        evm = chain(node.url, signer)
        prepared = evm.prepare(order())
        before = land(evm, node, prepared)
    with own_anvil(anvil_path, *kept, port=node.port):
        assert evm.lookup(prepared) == before
        assert before.state is CONFIRMED


def test_a_reorganization_takes_it_back(anvil: Anvil, evm: EvmChain) -> None:
    prepared = evm.prepare(order())
    before = land(evm, anvil, prepared)
    anvil.ask("anvil_reorg", 1, [])
    assert evm.lookup(prepared) == Lookup(UNKNOWN)
    after = land(evm, anvil, prepared)
    assert (before.state, after.state) == (CONFIRMED, CONFIRMED)
    assert after.asset_identifier == before.asset_identifier
    assert after.block_id != before.block_id


def test_a_reorganization_puts_it_into_another_block(anvil: Anvil, evm: EvmChain) -> None:
    anvil.mine(2)
    prepared = evm.prepare(order())
    before = land(evm, anvil, prepared)
    anvil.ask("anvil_reorg", 2, [["0x" + prepared.signed.hex(), 0]])
    after = evm.lookup(prepared)
    assert (before.round, after.round) == (67, 66)
    assert after.block_id != before.block_id
    assert after.state is CONFIRMED
