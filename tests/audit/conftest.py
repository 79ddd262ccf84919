"""The world of the contract, for tests that walk everything; and the fixtures of exports."""

import pytest
from django.db import connection

from audit.exports import work
from audit.exports.bounds import Bounds
from tests.contract.conftest import _world_of_the_module, world

__all__ = ["_world_of_the_module", "world"]


@pytest.fixture
def as_if_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what the test's own transaction wrote for committed, which it never is."""
    if connection.vendor == "postgresql":
        monkeypatch.setattr(Bounds, "now", classmethod(lambda cls: cls(below=2**62)))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PART_ROWS", 4)
