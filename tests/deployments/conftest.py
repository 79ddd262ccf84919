"""Nodes for the tests: Algorand's is our own; EVM's is anvil, skipped by name without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.chains.algorand import AlgorandChain
from deployments.chains.contracts.compile import PackagesMissing, packages
from tests.deployments.algorand_orders import NETWORK, RICH, SENDER, chain_of, known
from tests.deployments.evm import KeySigner
from tests.deployments.fake_algorand import FakeAlgorand
from tests.services.anvil import Anvil, Proxy, anvil_program, own_anvil, proxy_of


@pytest.fixture(scope="session")
def anvil_path() -> Path:
    """The program of the local node."""
    try:
        return anvil_program()
    except PackagesMissing as missing:
        pytest.skip(f"needs anvil: {missing}")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The packages that compile and check the contracts."""
    try:
        return packages()
    except PackagesMissing as missing:
        pytest.skip(f"needs the node packages: {missing}")


@pytest.fixture
def signer() -> KeySigner:
    return KeySigner("issuer")


@pytest.fixture(scope="session")
def node(anvil_path: Path) -> Iterator[Anvil]:
    with own_anvil(anvil_path) as running:
        yield running


@pytest.fixture
def anvil(node: Anvil, signer: KeySigner) -> Anvil:
    """A node with a chain of its own for the test: 64 blocks and a funded issuing account."""
    node.ask("anvil_reset")
    node.mine(64)
    node.fund(signer.address())
    return node


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A proxy before the node, which passes everything on until it has faults."""
    with proxy_of(anvil.port) as before:
        yield before


@pytest.fixture
def algorand() -> Iterator[FakeAlgorand]:
    """A network of one node and one indexer, on which `SENDER` has 10 Algo."""
    network = FakeAlgorand(known(NETWORK))
    network.ledger.account(SENDER).amount = RICH
    yield network
    network.close()


@pytest.fixture
def algorand_chain(algorand: FakeAlgorand) -> AlgorandChain:
    return chain_of(algorand)
