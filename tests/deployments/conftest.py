"""What the tests of more than one file of deployments start from."""

from collections.abc import Iterator

import pytest

from deployments.chains.algorand import AlgorandChain
from tests.deployments.algorand_orders import NETWORK, RICH, SENDER, chain_of, known
from tests.deployments.fake_algorand import FakeAlgorand


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
