"""Imports that meet: workers at one import, imports of one token, a caller who cancels."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from accounts.models import Issuer, Token, User
from audit.models import AuditEvent
from tests.factories import IssuerFactory, TokenFactory, member_of, wallet
from tests.whitelist.imports import csv_of, rows_of
from whitelist import tasks
from whitelist.models import WhitelistEntry, WhitelistImport
from whitelist.services import import_work
from whitelist.services.import_work import IMPORT_WORK
from whitelist.services.imports import (
    whitelist_import_cancel,
    whitelist_import_confirm,
    whitelist_import_request,
)

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def issuer() -> Issuer:
    return IssuerFactory.create()


@pytest.fixture
def owner(issuer: Issuer) -> User:
    return member_of(issuer, "Owner")


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(issuer=issuer)


@pytest.fixture(autouse=True)
def _nobody_starts_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.import_rows, "delay", lambda *args: None)
    monkeypatch.setattr(import_work, "BATCH", 10)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make all the calls at once, each on a connection of its own; return what they gave."""
    barrier, results = Barrier(len(calls)), [None] * len(calls)

    def make(place: int) -> None:
        try:
            barrier.wait(10)
            results[place] = calls[place]()
        except Exception as problem:  # noqa: BLE001 - shown by the test
            results[place] = problem
        finally:
            connection.close()

    threads = [Thread(target=make, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


def requested(owner: User, token: Token, raw: bytes, **more: Any) -> WhitelistImport:
    return whitelist_import_request(actor=owner, token=token, raw=raw, **more)


def created() -> list[str | None]:
    rows = AuditEvent.objects.filter(name="whitelist.entry.created")
    return sorted(rows.values_list("affected_address", flat=True))


def test_many_workers_at_one_import_write_each_row_once(token: Token, owner: User) -> None:
    row = requested(owner, token, csv_of(*rows_of(60)))
    results = together(*[lambda: IMPORT_WORK.run(row.pk)] * 4)
    assert results == [True] * 4
    row.refresh_from_db()
    assert (row.status, row.created, row.attempts) == ("Finished", 60, 1)
    assert created() == sorted(wallet(number) for number in range(60))


def test_imports_of_one_token_that_overlap_neither_deadlock_nor_lose(
    token: Token, owner: User
) -> None:
    forth = requested(owner, token, csv_of(*rows_of(40, more=",Active,Forth")))
    back = requested(owner, token, csv_of(*reversed(rows_of(40, first=20, more=",Active,Back"))))
    results = together(
        lambda: IMPORT_WORK.run(forth.pk),
        lambda: IMPORT_WORK.run(back.pk),
    )
    assert results == [True, True]
    assert set(WhitelistImport.objects.values_list("status", flat=True)) == {"Finished"}
    assert WhitelistEntry.objects.count() == 60
    assert created() == sorted(wallet(number) for number in range(60))


def test_the_same_file_sent_at_the_same_moment_is_one_import(token: Token, owner: User) -> None:
    raw = csv_of(*rows_of(5))
    results = together(*[lambda: requested(owner, token, raw).pk] * 4)
    assert len(set(results)) == 1, results
    assert WhitelistImport.objects.count() == 1
    assert AuditEvent.objects.filter(name="whitelist.import.requested").count() == 1


def test_a_trial_confirmed_twice_at_once_is_one_import(token: Token, owner: User) -> None:
    trial = requested(owner, token, csv_of(*rows_of(5)), dry_run=True)
    IMPORT_WORK.run(trial.pk)
    together(*[lambda: whitelist_import_confirm(actor=owner, import_id=trial.pk)] * 3)
    assert WhitelistImport.objects.filter(dry_run=False).count() == 1


def test_cancelled_while_it_runs_it_stops_between_two_batches(token: Token, owner: User) -> None:
    row = requested(owner, token, csv_of(*rows_of(200)))
    together(
        lambda: IMPORT_WORK.run(row.pk),
        lambda: whitelist_import_cancel(actor=owner, import_id=row.pk),
    )
    row.refresh_from_db()
    assert row.status == "Cancelled" or row.rows_done == 200
    assert row.rows_done == row.created == WhitelistEntry.objects.count() == len(created())
    assert row.rows_done % 10 == 0
