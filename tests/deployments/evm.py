"""What the tests of EVM networks share: signers, orders, and chains before a node."""

import hashlib
from dataclasses import replace
from typing import Any

from eth_account import Account

from accounts.networks import Network, known_network
from deployments.chains.evm import EvmChain, sign
from deployments.chains.port import ChainFault, Lookup, Order, Prepared
from deployments.failures import Reading, read_fault
from deployments.standards import read_parameters
from deployments.vocabulary import Standard
from tests.services.anvil import Anvil

NETWORK = "base-sepolia"
RECEIVER = "0x52908400098527886E0F7030069857D2E4169EE7"
FIXED = Standard.ERC20_PREMINTED
MINTABLE = Standard.ERC20_MINTABLE
GIVEN: dict[Standard, dict[str, Any]] = {
    FIXED: {
        "name": "Rheinhafen Anleihe 2031 Größe",
        "symbol": "RHA",
        "initialSupply": "1000.5",
        "initialSupplyReceiver": RECEIVER,
    },
    MINTABLE: {
        "name": "Hafen",
        "symbol": "HFN",
        "decimals": 6,
        "initialSupply": 1_000,
        "cap": "5000.000001",
        "initialSupplyReceiver": RECEIVER,
    },
}


class KeySigner:
    """Signs with a key made from a name."""

    def __init__(self, name: str) -> None:
        self._key = hashlib.sha256(f"assayer-tests-{name}".encode()).digest()

    def address(self) -> str:
        return str(Account.from_key(self._key).address)

    def private_key(self) -> bytes:
        return self._key


def network(name: str = NETWORK, **changes: Any) -> Network:
    found = known_network(name)
    assert found is not None
    return replace(found, **changes)


def order(standard: Standard = FIXED, **changes: Any) -> Order:
    """Return an order as the pipeline gives it: with parameters that were read."""
    given = {**GIVEN[standard], **changes}
    return Order(NETWORK, standard, read_parameters(standard, NETWORK, given), bytes(32))


def chain(url: str, signer: KeySigner, **options: Any) -> EvmChain:
    changes = options.pop("changes", {})
    return EvmChain(network(**changes), signer, rpc_url=url, **options)


def signed(signer: KeySigner, nonce: int, **fields: Any) -> Prepared:
    """Return a transaction of the account that is not the adapter's own: by default a transfer."""
    defaults = {
        "type": 2,
        "chainId": 84532,
        "nonce": nonce,
        "gas": 21_000,
        "value": 0,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
    }
    if "data" not in fields:
        defaults["to"] = RECEIVER
    raw, transaction_id = sign(signer, {**defaults, **fields})
    return Prepared(transaction_id, raw, signer.address(), nonce=nonce)


def land(evm: EvmChain, node: Anvil, prepared: Prepared) -> Lookup:
    """Send it, let the node make a block, and return what the adapter says of it."""
    evm.submit(prepared)
    node.mine()
    return evm.lookup(prepared)


def reading(fault: ChainFault) -> Reading:
    """Return what the pipeline makes of a fault."""
    return read_fault(fault, "evm")
