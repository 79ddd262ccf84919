"""Reading the log onwards from a cursor: nothing that commits late is skipped.

Sequence numbers commit out of order. So on PostgreSQL the order is that of the seal, transaction
and then sequence number, and only what is below the transaction horizon is read; on SQLite, which
has one writer at a time, it is the sequence number alone.
"""

from django.db import connection
from django.db.models import Max, Q

from audit.counting import below
from audit.cursor import Cursor
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.seal import next_transaction, transaction_horizon


def log_end() -> Cursor:
    """Return the place of the last finished event; whatever is recorded later follows it."""
    row = _ordered(_finished(), descending=True).values_list("xid", "seq").first()
    return Cursor(row[0] or 0, row[1]) if row else Cursor()


def cursor_ahead(cursor: Cursor, size: int = 1_000) -> Cursor | None:
    """Return the cursor behind the next `size` events that follow, None where none does yet."""
    if cursor.restored is None and _began_anew(cursor):
        cursor = _restored(cursor)
    found = _finished() if cursor.restored is None else _of_before(cursor.restored)
    places = list(_ordered(_behind(found, cursor)).values_list("xid", "seq")[:size])
    if places:
        return cursor._replace(xid=places[-1][0] or 0, seq=places[-1][1])
    if cursor.restored is not None:
        return Cursor(floor=cursor.restored)
    return None


def events_between(cursor: Cursor, ahead: Cursor, events: AuditEventQuerySet) -> AuditEventQuerySet:
    """Return those of `events` that follow `cursor` and not `ahead`, in the order of the log."""
    if connection.vendor != "postgresql":
        return _ordered(_behind(events, cursor).filter(seq__lte=ahead.seq))
    if ahead.restored != cursor.restored:
        cursor = cursor._replace(restored=ahead.restored)
        if ahead.restored is None:  # everything of before was read
            return events.none()
    if ahead.restored is not None:
        events = events.filter(seq__lte=ahead.restored)
    upto = Q(xid__lt=ahead.xid) | Q(xid=ahead.xid, seq__lte=ahead.seq)
    return _ordered(_behind(events, cursor).filter(Q(xid__lte=ahead.xid) & upto))


def _behind(events: AuditEventQuerySet, cursor: Cursor) -> AuditEventQuerySet:
    if connection.vendor != "postgresql":
        return events.filter(seq__gt=cursor.seq)
    later = Q(xid__gt=cursor.xid) | Q(xid=cursor.xid, seq__gt=cursor.seq)
    # The first condition lets the index serve.
    return events.filter(Q(xid__gte=cursor.xid) & later, seq__gt=cursor.floor)


def _finished() -> AuditEventQuerySet:
    return below(AuditEvent.objects.all(), transaction_horizon())


def _of_before(restored: int) -> AuditEventQuerySet:
    return AuditEvent.objects.filter(seq__lte=restored)


def _began_anew(cursor: Cursor) -> bool:
    """Return whether a dump was restored: transaction ids began anew, below what was read."""
    return connection.vendor == "postgresql" and 0 < cursor.xid >= transaction_horizon()


def _restored(cursor: Cursor) -> Cursor:
    """Return the cursor with the last sequence number of before.

    What is restored keeps the transaction ids of its time, which this server has not reached.
    """
    rows = AuditEvent.objects.filter(xid__gte=next_transaction())
    last = rows.aggregate(last=Max("seq"))["last"] or 0
    return cursor._replace(restored=max(last, cursor.seq))


def _ordered(events: AuditEventQuerySet, *, descending: bool = False) -> AuditEventQuerySet:
    columns = ("xid", "seq") if connection.vendor == "postgresql" else ("seq",)
    return events.order_by(*(f"-{name}" if descending else name for name in columns))
