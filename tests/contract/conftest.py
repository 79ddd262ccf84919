"""The world that the contract is tested on."""

import pytest

from tests.contract.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()
