"""Our token contracts: the committed code is that of the sources, and does what it promises."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError
from web3.types import RPCEndpoint, TxReceipt

from deployments.chains.contracts import FIXED, FOLDER, MINTABLE, artefact, artefact_path
from deployments.chains.contracts.compile import CompilationFailed, compile_contract
from tests.services.anvil import Anvil

NAMES = (FIXED, MINTABLE)
ADMIN, HOLDER, STRANGER = (str(Account.from_key(bytes([n]) * 32).address) for n in (1, 2, 3))
NOBODY = "0x" + "00" * 20
CAP, SUPPLY = 1_000, 600


@pytest.mark.parametrize("name", NAMES)
def test_the_sources_compile_to_the_committed_bytes(name: str, node_modules: Path) -> None:
    text = compile_contract(name, node_modules)
    assert text == artefact_path(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_code_is_that_of_the_sources_beside_it(name: str) -> None:
    document = json.loads(artefact_path(name).read_text(encoding="utf-8"))
    source = FOLDER / f"{name}.sol"
    assert document["sourceSha256"][source.name] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert document["library"] == "@openzeppelin/contracts 5.7.0 (MIT)"
    assert document["settings"]["evmVersion"] == "paris"


def test_a_source_that_does_not_compile_is_refused(
    tmp_path: Path, node_modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Wrong.sol").write_text("pragma solidity ^0.8.24; contract Wrong { uint }")
    monkeypatch.setattr("deployments.chains.contracts.compile.FOLDER", tmp_path)
    with pytest.raises(CompilationFailed, match="Expected identifier"):
        compile_contract("Wrong", node_modules)


def test_the_packages_are_pinned_by_hash_and_name_no_place_to_load_from() -> None:
    text = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    entries = json.loads(text)["packages"]
    pinned = {path: entry for path, entry in entries.items() if path}
    assert len(pinned) > 10
    assert all(entry["integrity"].startswith("sha512-") for entry in pinned.values())
    assert not any("resolved" in entry for entry in pinned.values())
    wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    asked = {k: v for key, group in wanted.items() if key.endswith("ies") for k, v in group.items()}
    assert {name: pinned[f"node_modules/{name}"]["version"] for name in asked} == asked


@pytest.fixture
def web3(anvil: Anvil) -> Web3:
    for account in (ADMIN, HOLDER, STRANGER):
        anvil.fund(account)
        anvil.ask("anvil_impersonateAccount", account)
    return Web3(Web3.HTTPProvider(anvil.url))


def mined(web3: Web3, sent: HexBytes) -> TxReceipt:
    web3.provider.make_request(RPCEndpoint("anvil_mine"), ["0x1"])
    receipt = web3.eth.get_transaction_receipt(sent)
    assert receipt["status"] == 1
    return receipt


def create(web3: Web3, name: str, *arguments: Any) -> Contract:
    contract = artefact(name)
    factory = web3.eth.contract(abi=contract.abi, bytecode=contract.bytecode)
    sent = factory.constructor(*arguments).transact({"from": STRANGER})
    receipt = mined(web3, sent)
    return web3.eth.contract(address=receipt["contractAddress"], abi=contract.abi)


@pytest.fixture
def mintable(web3: Web3) -> Contract:
    return create(web3, MINTABLE, "Hafen", "HFN", 6, SUPPLY, CAP, HOLDER, ADMIN)


def act(contract: Contract, who: str, function: str, *arguments: Any) -> None:
    sent = contract.functions[function](*arguments).transact({"from": who})
    mined(contract.w3, sent)


def selector(error: ContractCustomError) -> str:
    """Return which error it is: the first four bytes of what the contract said."""
    return str(error.data)[:10]


def refused(contract: Contract, error: str, who: str, function: str, *arguments: Any) -> None:
    """Assert that the call reverts with the error of that signature, and changes nothing."""
    supply = contract.functions.totalSupply().call()
    with pytest.raises(ContractCustomError) as caught:
        contract.functions[function](*arguments).call({"from": who})
    assert selector(caught.value) == Web3.keccak(text=error)[:4].to_0x_hex()
    assert contract.functions.totalSupply().call() == supply


DENIED = "AccessControlUnauthorizedAccount(address,bytes32)"
OVER_CAP = "ERC20ExceededCap(uint256,uint256)"


def test_a_fixed_token_is_all_with_its_receiver_and_nobody_can_make_more(web3: Web3) -> None:
    token = create(web3, FIXED, "Rhein", "RHA", 2, SUPPLY, HOLDER)
    assert token.functions.balanceOf(HOLDER).call() == SUPPLY
    assert token.functions.decimals().call() == 2
    assert token.functions.balanceOf(STRANGER).call() == 0
    names = {one["name"] for one in artefact(FIXED).abi if one["type"] == "function"}
    assert names == {
        "allowance",
        "approve",
        "balanceOf",
        "decimals",
        "name",
        "symbol",
        "totalSupply",
        "transfer",
        "transferFrom",
    }
    act(token, HOLDER, "transfer", STRANGER, 5)
    assert token.functions.balanceOf(STRANGER).call() == 5


def test_the_admin_has_every_role_and_who_deployed_has_none(mintable: Contract) -> None:
    roles = [bytes(32), Web3.keccak(text="MINTER_ROLE"), Web3.keccak(text="PAUSER_ROLE")]
    for role in roles:
        assert mintable.functions.hasRole(role, ADMIN).call()
        assert not mintable.functions.hasRole(role, STRANGER).call()
        assert not mintable.functions.hasRole(role, HOLDER).call()


def test_minting_stops_at_the_cap(mintable: Contract) -> None:
    act(mintable, ADMIN, "mint", STRANGER, CAP - SUPPLY)
    assert mintable.functions.totalSupply().call() == CAP
    refused(mintable, OVER_CAP, ADMIN, "mint", STRANGER, 1)


def test_only_a_minter_mints_and_only_a_pauser_pauses(mintable: Contract) -> None:
    refused(mintable, DENIED, HOLDER, "mint", HOLDER, 1)
    refused(mintable, DENIED, HOLDER, "pause")
    refused(mintable, DENIED, HOLDER, "grantRole", Web3.keccak(text="MINTER_ROLE"), HOLDER)
    act(mintable, ADMIN, "grantRole", Web3.keccak(text="MINTER_ROLE"), HOLDER)
    act(mintable, HOLDER, "mint", HOLDER, 1)
    assert mintable.functions.balanceOf(HOLDER).call() == SUPPLY + 1


def test_nothing_moves_while_it_is_paused(mintable: Contract) -> None:
    act(mintable, ADMIN, "pause")
    for who, function, arguments in (
        (HOLDER, "transfer", (STRANGER, 1)),
        (HOLDER, "burn", (1,)),
        (ADMIN, "mint", (STRANGER, 1)),
    ):
        refused(mintable, "EnforcedPause()", who, function, *arguments)
    refused(mintable, DENIED, HOLDER, "unpause")
    act(mintable, ADMIN, "unpause")
    act(mintable, HOLDER, "transfer", STRANGER, 1)
    assert mintable.functions.balanceOf(STRANGER).call() == 1


def test_holders_burn_their_own_and_what_is_burnt_may_be_minted_again(mintable: Contract) -> None:
    act(mintable, HOLDER, "burn", 100)
    assert mintable.functions.totalSupply().call() == SUPPLY - 100
    refused(mintable, "ERC20InsufficientBalance(address,uint256,uint256)", STRANGER, "burn", 1)
    act(mintable, ADMIN, "mint", HOLDER, CAP - SUPPLY + 100)
    assert mintable.functions.totalSupply().call() == CAP


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        (FIXED, ("A", "A", 0, 1, NOBODY), "ERC20InvalidReceiver(address)"),
        (MINTABLE, ("A", "A", 0, 1, 1, NOBODY, ADMIN), "ERC20InvalidReceiver(address)"),
        (MINTABLE, ("A", "A", 0, 1, 1, HOLDER, NOBODY), "ZeroAdmin()"),
        (MINTABLE, ("A", "A", 0, 1, 0, HOLDER, ADMIN), "ERC20InvalidCap(uint256)"),
        (MINTABLE, ("A", "A", 0, 2, 1, HOLDER, ADMIN), OVER_CAP),
    ],
)
def test_what_makes_no_sense_is_not_created(
    web3: Web3, name: str, arguments: tuple[Any, ...], error: str
) -> None:
    contract = artefact(name)
    factory = web3.eth.contract(abi=contract.abi, bytecode=contract.bytecode)
    with pytest.raises(ContractCustomError) as caught:
        factory.constructor(*arguments).estimate_gas({"from": STRANGER})
    assert selector(caught.value) == Web3.keccak(text=error)[:4].to_0x_hex()
