"""The token is read back from the chain: what differs is named, and what is gone is proven else."""

from dataclasses import replace

import pytest

from deployments.chains.evm import EvmChain
from deployments.chains.port import ChainFault, Lookup, Order
from deployments.vocabulary import Remedy
from tests.deployments.evm import FIXED, MINTABLE, RECEIVER, KeySigner, chain, land, order, reading
from tests.services.anvil import Anvil, Proxy, Question, Reply

GONE = Reply.error(-32000, "missing trie node 5a1c (path ) state 0x5a1c is not available")
MINT, TRANSFER = "0x40c10f19", "0xa9059cbb"
SOMEBODY_FIVE = "00" * 12 + "12" * 20 + "00" * 31 + "05"


@pytest.fixture
def evm(proxy: Proxy, signer: KeySigner) -> EvmChain:
    return chain(proxy.url, signer)


@pytest.fixture
def made(anvil: Anvil, evm: EvmChain) -> tuple[Order, Lookup]:
    """A mintable token on the chain."""
    wanted = order(MINTABLE)
    return wanted, land(evm, anvil, evm.prepare(wanted))


def gone_in(block: int) -> dict[str, object]:
    """Answer as a node that no longer has the state of that block."""

    def answer(asked: Question) -> Reply | None:
        return GONE if asked.params[-1] == hex(block) else None

    return dict.fromkeys(("eth_call", "eth_getCode"), answer)


def send(anvil: Anvil, call: str, token: str | None) -> None:
    """Have the receiver call the token."""
    anvil.fund(RECEIVER)
    anvil.ask("anvil_impersonateAccount", RECEIVER)
    sent = anvil.ask("eth_sendTransaction", {"from": RECEIVER, "to": token, "data": call})
    anvil.mine()
    assert anvil.ask("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_every_difference_is_named(evm: EvmChain, made: tuple[Order, Lookup]) -> None:
    wanted, found = made
    other = {
        "name": "Hafen AG",
        "symbol": "HAG",
        "decimals": 7,
        "initialSupply": "999",
        "cap": "5000000002",
    }
    asked = replace(wanted, parameters={**wanted.parameters, **other})
    assert evm.confirm(asked, found).differences == {
        "name": ("Hafen AG", "Hafen"),
        "symbol": ("HAG", "HFN"),
        "decimals": (7, 6),
        "totalSupply": ("999", "1000000000"),
        "receiverBalance": ("999", "1000000000"),
        "cap": ("5000000002", "5000000001"),
    }


def test_another_receiver_has_nothing(evm: EvmChain, made: tuple[Order, Lookup]) -> None:
    wanted, found = made
    other = {**wanted.parameters, "initialSupplyReceiver": "0x" + "ab" * 20}
    confirmation = evm.confirm(replace(wanted, parameters=other), found)
    assert confirmation.differences == {"receiverBalance": ("1000000000", "0")}


def test_a_contract_that_is_none_of_ours(
    anvil: Anvil, evm: EvmChain, made: tuple[Order, Lookup]
) -> None:
    wanted, found = made
    assert found.asset_identifier is not None
    anvil.ask("anvil_setCode", found.asset_identifier, "0x60016000526001601ff3")  # one byte
    anvil.mine()
    confirmation = evm.confirm(wanted, replace(found, round=66))
    assert confirmation.facts["name"] is None
    assert set(confirmation.differences) == {
        "name",
        "symbol",
        "decimals",
        "totalSupply",
        "receiverBalance",
        "cap",
    }


@pytest.mark.parametrize("block", [64, 65])
def test_an_address_without_code_is_no_token(
    anvil: Anvil, evm: EvmChain, made: tuple[Order, Lookup], block: int
) -> None:
    wanted, found = made
    nowhere = replace(found, asset_identifier="0x" + "12" * 20, round=block)
    confirmation = evm.confirm(wanted, nowhere)
    assert confirmation.facts == {"address": "0x" + "12" * 20, "code": "absent"}
    assert confirmation.differences["code"] == ("present", "absent")


def test_what_happens_later_does_not_matter(
    anvil: Anvil, evm: EvmChain, made: tuple[Order, Lookup]
) -> None:
    wanted, found = made
    before = evm.confirm(wanted, found)
    send(anvil, MINT + SOMEBODY_FIVE, found.asset_identifier)
    assert evm.confirm(wanted, found) == before
    assert before.differences == {}


def test_a_node_that_forgot_the_block_is_asked_for_its_events(
    anvil: Anvil, proxy: Proxy, evm: EvmChain, made: tuple[Order, Lookup]
) -> None:
    wanted, found = made
    before = evm.confirm(wanted, found)
    send(anvil, TRANSFER + SOMEBODY_FIVE, found.asset_identifier)
    assert found.round is not None
    proxy.faults.update(gone_in(found.round))  # type: ignore[arg-type]
    assert evm.confirm(wanted, found) == before
    assert proxy.count("eth_getLogs") == 1
    more = replace(wanted, parameters={**wanted.parameters, "initialSupply": "1000000001"})
    assert evm.confirm(more, found).differences == {
        "totalSupply": ("1000000001", "1000000000"),
        "receiverBalance": ("1000000001", "1000000000"),
    }


def test_a_node_without_the_block_and_the_contract_says_nothing_of_it(
    proxy: Proxy, evm: EvmChain, made: tuple[Order, Lookup]
) -> None:
    wanted, found = made
    proxy.faults["eth_getCode"] = lambda asked: (
        Reply.result("0x") if asked.params[-1] == "latest" else GONE
    )
    with pytest.raises(ChainFault, match="missing trie node") as caught:
        evm.confirm(wanted, found)
    assert reading(caught.value).remedy is Remedy.RESEND


def test_another_fault_is_told(proxy: Proxy, evm: EvmChain, made: tuple[Order, Lookup]) -> None:
    wanted, found = made
    proxy.faults["eth_call"] = Reply.error(-32603, "internal error")
    with pytest.raises(ChainFault, match="internal error"):
        evm.confirm(wanted, found)


def test_a_fixed_token_has_no_cap(anvil: Anvil, evm: EvmChain) -> None:
    wanted = order(FIXED)
    found = land(evm, anvil, evm.prepare(wanted))
    assert "cap" not in evm.confirm(wanted, found).facts
