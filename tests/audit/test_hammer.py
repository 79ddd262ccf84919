"""The sealer under writers that commit late, roll back and go back to savepoints.

Beside it run the cursors that look right and are not (reference/audit.md, B.2), on the same events:
were the test unable to tell them from the sealer, it would prove nothing.
"""

import random
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent, AuditSeal
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_event
from audit.tiles import sealed_places
from audit.verification import verify_trail
from tests.factories import wait_for_horizon

WRITERS, SECONDS = 8, 6

Row = tuple[int, int]


def rows(statement: str, *values: object) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(int(xid), seq) for xid, seq in cursor.fetchall()]


class Cursor:
    """One way to read what is new; `seen` is what it ever read."""

    def __init__(self, read: Callable[[Row], list[Row]]) -> None:
        self.read, self.at, self.seen = read, (0, 0), set[int]()

    def advance(self) -> None:
        found = self.read(self.at)
        if found:
            self.seen |= {seq for _, seq in found}
            self.at = found[-1]


def by_number(at: Row) -> list[Row]:
    """Everything behind the last number."""
    return rows("SELECT xid::text, seq FROM audit_auditevent WHERE seq > %s ORDER BY seq", at[1])


def by_number_below_the_horizon(at: Row) -> list[Row]:
    """Only what is finished, but still behind the last number."""
    return rows(
        "SELECT xid::text, seq FROM audit_auditevent WHERE seq > %s "
        "AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY seq",
        at[1],
    )


def by_two_statements(at: Row) -> list[Row]:
    """The right order, with a horizon that is read after the rows."""
    found = rows(
        "SELECT e.xid::text AS xid_text, e.seq FROM audit_auditevent e "
        "WHERE (e.xid, e.seq) > (%s::text::xid8, %s) ORDER BY e.xid, e.seq",
        str(at[0]),
        at[1],
    )
    time.sleep(0.01)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        horizon = int(cursor.fetchone()[0])
    return [row for row in found if row[0] < horizon]


def write(stop: threading.Event, seed: int) -> None:
    chance = random.Random(seed)
    while not stop.is_set():
        try:
            with transaction.atomic():
                record_event("compliance.metadata.listed", actor=SYSTEM, item_count=seed)
                time.sleep(chance.choice((0, 0, 0.002, 0.01, 0.05)))
                if chance.random() < 0.2:
                    try:
                        with transaction.atomic():
                            record_event("compliance.metadata.listed", actor=SYSTEM)
                            raise KeyError
                    except KeyError:
                        pass
                record_event("compliance.metadata.listed", actor=SYSTEM, item_count=-seed)
                if chance.random() < 0.1:
                    raise ValueError
        except ValueError:
            pass
    connection.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_nothing_is_skipped_and_every_wrong_cursor_skips() -> None:
    stop = threading.Event()
    wrong = [Cursor(one) for one in (by_number, by_number_below_the_horizon, by_two_statements)]

    def until_stopped(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()
            time.sleep(0.005)
        connection.close()

    threads = [threading.Thread(target=write, args=(stop, seed)) for seed in range(1, WRITERS + 1)]
    sealers = [threading.Thread(target=until_stopped, args=(seal_events,)) for _ in range(2)]
    readers = [threading.Thread(target=until_stopped, args=(one.advance,)) for one in wrong]
    for thread in (*threads, *sealers, *readers):
        thread.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in (*threads, *sealers, *readers):
        thread.join()
    wait_for_horizon()
    seal_events()
    for one in wrong:
        one.advance()
    committed = set(AuditEvent.objects.values_list("seq", flat=True))
    size = AuditSeal.objects.order_by("-size")[0].size
    places = sealed_places(0, size)
    assert (len(places), set(places)) == (size, committed)
    assert verify_trail().intact
    skipped = {one.read.__name__: len(committed - one.seen) for one in wrong}
    assert all(skipped.values()), skipped


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_transaction_ids_are_numbers_and_not_texts() -> None:
    """A cursor that orders by the text of the ids skips where they gain a digit."""
    for _ in range(12):
        record_event("compliance.metadata.listed", actor=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
        cursor.execute(
            "UPDATE audit_auditevent e SET xid = (94 + t.n)::text::xid8 FROM (SELECT seq, "
            "row_number() OVER (ORDER BY seq) AS n FROM audit_auditevent) t WHERE t.seq = e.seq"
        )
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER ALL")
    seen: set[int] = set()
    at = (0, 0)
    while found := rows(
        "SELECT xid::text AS xid, seq FROM audit_auditevent e "
        "WHERE (e.xid, e.seq) > (%s::text::xid8, %s) ORDER BY xid, seq LIMIT 3",
        str(at[0]),
        at[1],
    ):
        seen |= {seq for _, seq in found}
        at = found[-1]
    assert len(seen) < 12
    assert seal_events() == 12
    assert verify_trail().intact
