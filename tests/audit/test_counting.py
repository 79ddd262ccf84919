"""Exact counts: a kept count plus what came after it equals a count of everything."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import counting
from audit.body import EventDraft
from audit.counting import exact_count
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.services import record_event, record_events
from tests.factories import wait_for_horizon


def _record(count: int, name: str = "compliance.metadata.listed") -> None:
    record_events([EventDraft(name, item_count=number) for number in range(count)], actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
class TestExactCount:
    def test_it_follows_every_event(self) -> None:
        events = AuditEvent.objects.all()
        for total in range(5):
            assert exact_count(events) == total
            record_event("compliance.metadata.listed", actor=SYSTEM)

    def test_filters_do_not_share_a_count(self) -> None:
        _record(3)
        _record(2, "compliance.metadata.read")
        reads = AuditEvent.objects.filter(name="compliance.metadata.read")
        assert exact_count(AuditEvent.objects.all()) == 5
        assert exact_count(reads) == 2
        _record(1, "compliance.metadata.read")
        assert exact_count(AuditEvent.objects.all()) == 6
        assert exact_count(reads) == 3

    def test_a_second_count_reads_only_the_tail(self) -> None:
        _record(4)
        exact_count(AuditEvent.objects.all())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert exact_count(AuditEvent.objects.all()) == 4
        assert len(queries) == 1
        column = "xid" if connection.vendor == "postgresql" else "seq"
        assert f'"{column}" >= ' in queries[0]["sql"]

    def test_a_long_tail_moves_the_position(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(counting, "_REFRESH_AFTER", 2)
        exact_count(AuditEvent.objects.all())
        _record(5)
        wait_for_horizon()
        assert exact_count(AuditEvent.objects.all()) == 5
        with CaptureQueriesContext(connection) as queries:
            assert exact_count(AuditEvent.objects.all()) == 5
        assert len(queries) == 1


@pytest.mark.django_db
def test_events_of_an_open_transaction_are_counted_by_itself() -> None:
    _record(2)
    assert exact_count(AuditEvent.objects.all()) == 2
    _record(2)
    assert exact_count(AuditEvent.objects.all()) == 4
