"""The world of the contract, for tests that walk everything."""

from tests.contract.conftest import _world_of_the_module, world

__all__ = ["_world_of_the_module", "world"]
