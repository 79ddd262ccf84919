"""Who issues on Algorand in tests, and orders for it."""

import hashlib
from typing import Any

from nacl.signing import SigningKey

from accounts.arc14.chain import AlgodNode
from accounts.networks import Network, known_network
from deployments.chains.algorand import AlgorandChain
from deployments.chains.port import ChainFault, Lookup, Order, Prepared
from deployments.failures import read_fault
from deployments.standards import read_parameters
from deployments.vocabulary import ErrorCategory, Remedy, Standard
from tests.deployments.algorand_ledger import address
from tests.deployments.fake_algorand import TOKEN, FakeAlgorand

KEY = hashlib.sha256(b"biatec-arc14-test-key-1").digest()
STRANGER = hashlib.sha256(b"biatec-arc14-test-key-2").digest()
NETWORK = "testnet-v1.0"
RICH = 10_000_000


def known(name: str) -> Network:
    network = known_network(name)
    assert network is not None
    return network


class KeySigner:
    """A `Signer` with its key in memory."""

    def __init__(self, key: bytes, claimed: str = "") -> None:
        self.key = key
        self.claimed = claimed or address(bytes(SigningKey(key).verify_key))

    def address(self) -> str:
        return self.claimed

    def private_key(self) -> bytes:
        return self.key


SENDER = KeySigner(KEY).address()


def chain_of(fake: FakeAlgorand, **changes: Any) -> AlgorandChain:
    settings = {
        "algod": AlgodNode(fake.algod.url, TOKEN),
        "indexer": AlgodNode(fake.indexer.url + "/", TOKEN),
        "signer": KeySigner(KEY),
        "timeout_seconds": 10.0,
        **changes,
    }
    network, signer = settings.pop("network", known(NETWORK)), settings.pop("signer")
    return AlgorandChain(network, signer, **settings)


def order_of(
    standard: Standard = Standard.ASA_FT, *, key: bytes = bytes([7]) * 32, **given: Any
) -> Order:
    values = {"name": "Biatec Test", "unitName": "BTT", **given}
    if standard is Standard.ASA_FT:
        values = {"totalSupply": "1000000000000", **values}
    return Order(NETWORK, standard, read_parameters(standard, NETWORK, values), key)


def fault_of(category: ErrorCategory, remedy: Remedy, rule: str, fault: ChainFault) -> None:
    reading = read_fault(fault, "avm")
    assert (reading.rule, reading.remedy) == (rule, remedy)
    assert reading.failure is not None
    assert reading.failure.category is category


def landed(chain: AlgorandChain, order: Order) -> tuple[Prepared, Lookup]:
    prepared = chain.prepare(order)
    chain.submit(prepared)
    return prepared, chain.lookup(prepared)
