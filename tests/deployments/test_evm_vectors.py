"""The bytes that are signed, against committed ones, and against a second implementation."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from deployments.chains.contracts import FIXED, MINTABLE, artefact_path
from deployments.chains.port import Order
from deployments.vocabulary import Standard
from tests.deployments.evm import NETWORK, KeySigner, chain, order
from tests.services.anvil import Reply, proxy_of

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "evm_creations.json").read_text(encoding="utf-8")
)
CONTRACTS = {Standard.ERC20_PREMINTED: FIXED, Standard.ERC20_MINTABLE: MINTABLE}
# Builds the creation from the artefact and the plain arguments, and signs it with ethers.
ETHERS = """
const { ethers } = require("ethers");
const input = JSON.parse(require("fs").readFileSync(0));
(async () => {
  const wallet = new ethers.Wallet(input.key);
  const factory = new ethers.ContractFactory(input.abi, input.bytecode);
  const { data } = await factory.getDeployTransaction(...input.arguments);
  const signed = await wallet.signTransaction({ ...input.fields, data });
  const from = ethers.getCreateAddress({ from: wallet.address, nonce: input.fields.nonce });
  console.log(JSON.stringify({ signed, hash: ethers.keccak256(signed), sender: wallet.address,
    contract: from }));
})();
"""


def answers(vector: dict[str, Any]) -> dict[str, Reply]:
    """Return what a node says of that moment."""
    return {method: Reply.result(value) for method, value in vector["node"].items()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_bytes_are_the_committed_ones(vector: dict[str, Any]) -> None:
    standard = Standard(vector["standard"])
    wanted = Order(NETWORK, standard, vector["parameters"], bytes(32))
    with proxy_of(9) as node:
        node.faults.update(answers(vector))
        prepared = chain(node.url, KeySigner("vectors")).prepare(wanted)
    assert "0x" + prepared.signed.hex() == vector["signed"]
    assert prepared.transaction_id == vector["transactionId"]
    assert prepared.sender == vector["sender"]
    assert Account.recover_transaction(prepared.signed) == vector["sender"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_ethers_makes_the_same_bytes(vector: dict[str, Any], node_modules: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    parameters = vector["parameters"]
    arguments = [parameters["name"], parameters["symbol"], parameters["decimals"]]
    arguments += [parameters["initialSupply"]]
    receiver = parameters["initialSupplyReceiver"] or vector["sender"]
    if "cap" in parameters:
        arguments += [parameters["cap"], receiver, receiver]
    else:
        arguments += [receiver]
    contract = json.loads(artefact_path(CONTRACTS[Standard(vector["standard"])]).read_text())
    given = {
        "key": "0x" + KeySigner("vectors").private_key().hex(),
        "abi": contract["abi"],
        "bytecode": contract["bytecode"],
        "arguments": arguments,
        "fields": vector["fields"],
    }
    done = subprocess.run(
        [node, "-e", ETHERS],
        cwd=node_modules,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "signed": vector["signed"],
        "hash": vector["transactionId"],
        "sender": vector["sender"],
        "contract": vector["contract"],
    }


def test_the_same_moment_makes_the_same_bytes_and_another_nonce_others() -> None:
    vector = VECTORS[0]
    with proxy_of(9) as node:
        node.faults.update(answers(vector))
        evm = chain(node.url, KeySigner("vectors"))
        wanted = replace(order(), parameters=vector["parameters"])
        first, second = evm.prepare(wanted), evm.prepare(wanted)
        third = evm.prepare(wanted, used_nonces=frozenset({int(vector["fields"]["nonce"])}))
    assert first == second
    assert third.transaction_id != first.transaction_id
