"""What recalculating statuses costs in queries: as many for a batch, whatever is in it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Token, User
from compliance import tasks
from compliance.models import TokenStatus
from compliance.services import recalculation
from compliance.services.metadata import metadata_upsert
from compliance.services.recalculation import BATCH, statuses_recalculate
from compliance.services.status import due_statuses
from tests.factories import VOI

pytestmark = pytest.mark.django_db

READS = 18
"""Revisions, tokens, ten tables of their record, the log's verification, five cache stamps."""
KEEPING = 2
"""The lock on the statuses, and one upsert of all of them."""
EVENTS = 1
"""All the changes of status are one insert."""


@pytest.fixture
def tokens(compliant_token: Token, owner: User) -> list[int]:
    """Eight tokens that were evaluated before; one of them has all the evidence there is."""
    for number in range(7):
        metadata_upsert(
            actor=owner, asset_id=7_000 + number, network=VOI, changes={"jurisdiction": "DE"}
        )
    ids = list(TokenStatus.objects.order_by("pk").values_list("pk", flat=True))
    assert statuses_recalculate(token_ids=ids) == 8
    return ids


def queries_of(token_ids: list[int]) -> list[str]:
    """The statements of a recalculation, but for those that begin and end its transactions."""
    with CaptureQueriesContext(connection) as queries:
        assert statuses_recalculate(token_ids=token_ids) == len(token_ids)
    statements = [query["sql"] for query in queries]
    return [one for one in statements if not one.startswith(("SAVEPOINT", "RELEASE"))]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_batch_takes_as_many_queries_as_one_token(tokens: list[int], count: int) -> None:
    statements = queries_of(tokens[:count])
    assert len(statements) == READS + KEEPING, "\n".join(statements)


def test_the_changes_of_a_batch_are_one_insert_more(tokens: list[int]) -> None:
    TokenStatus.objects.update(status="Unknown")
    statements = queries_of(tokens)
    assert len(statements) == READS + KEEPING + EVENTS, statements


def test_two_batches_take_twice_as_many(tokens: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalculation, "BATCH", 4)
    assert len(queries_of(tokens)) == 2 * (READS + KEEPING)


def test_a_token_of_a_full_batch_takes_less_than_three() -> None:
    assert READS + KEEPING + EVENTS < 3 * BATCH


def test_the_sweep_asks_once_what_is_due(tokens: list[int]) -> None:
    TokenStatus.objects.update(evaluated_revision=0)
    with CaptureQueriesContext(connection) as queries:
        assert tasks.recalculate_due_statuses() == 8
    statements = [one["sql"] for one in queries if not one["sql"].startswith(("SAVE", "RELEASE"))]
    assert len(statements) == 1 + READS + KEEPING, statements
    assert due_statuses(limit=10) == []
