"""What an export is of: what was committed when it was asked for, whatever commits later."""

import threading

import pytest
from django.db import connection, transaction

from audit.exports.bounds import Bounds
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.services import record_event


def recorded(number: int) -> None:
    record_event("compliance.metadata.listed", actor=SYSTEM, item_count=number)


def inside(bounds: Bounds) -> set[int]:
    events = bounds.within(AuditEvent.objects.filter(name="compliance.metadata.listed"))
    return {event.seq for event in events}


@pytest.mark.django_db(transaction=True)
def test_a_later_commit_is_outside() -> None:
    recorded(1)
    before = {event.seq for event in AuditEvent.objects.all()}
    bounds = Bounds.now()
    recorded(2)
    assert inside(bounds) == before == inside(Bounds.of(bounds.document()))
    assert len(inside(Bounds.now())) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_transaction_that_was_running_is_outside_and_hides_nobody() -> None:
    is_open, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                recorded(1)
                is_open.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert is_open.wait(30)
    try:
        recorded(2)  # commits while the other, which began before it, is still running
        (quick,) = AuditEvent.objects.all()
        bounds = Bounds.now()
    finally:
        may_commit.set()
        thread.join()
    assert bounds.running != ()
    assert quick.xid is not None
    assert min(bounds.running) < quick.xid < bounds.below
    assert inside(bounds) == {quick.seq}
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_the_callers_own_transaction_is_outside() -> None:
    with transaction.atomic():
        recorded(1)
        assert inside(Bounds.now()) == set()
    assert len(inside(Bounds.now())) == 1
