"""Exact counts of the log that stay cheap: rows never change, so a count up to a position is final.

A count is kept with the position up to which it holds; a later one adds what came after it.
"""

import hashlib
from typing import Any

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection

from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.seal import transaction_horizon

_REFRESH_AFTER = 2_000
_KEEP_SECONDS = 24 * 3600


def exact_count(events: AuditEventQuerySet) -> int:
    """Return how many rows `events` has, reading only those after the kept position."""
    try:
        key = _key(events)
    except EmptyResultSet:  # the caller sees nothing at all, which has no statement
        return 0
    kept = cache.get(key)
    position, base = kept or (0, 0)
    if kept is not None:
        tail = _after(events, position).count()
        if tail <= _REFRESH_AFTER:
            return base + tail
    horizon = transaction_horizon()
    base += _between(events, position, horizon).count()
    cache.set(key, (horizon, base), _KEEP_SECONDS)
    return base + _after(events, horizon).count()


# A position is a transaction id on PostgreSQL, where everything below the horizon is committed
# or gone (sequence numbers commit out of order), and a sequence number on SQLite.
_COLUMN = {"postgresql": "xid"}


def _after(events: AuditEventQuerySet, position: int) -> AuditEventQuerySet:
    return events.filter(**{f"{_COLUMN.get(connection.vendor, 'seq')}__gte": position})


def _between(events: AuditEventQuerySet, low: int, high: int) -> AuditEventQuerySet:
    column = _COLUMN.get(connection.vendor, "seq")
    return events.filter(**{f"{column}__gte": low, f"{column}__lt": high})


def _key(events: AuditEventQuerySet) -> str:
    statement: tuple[str, tuple[Any, ...]] = events.order_by().query.sql_with_params()
    text = f"{connection.settings_dict['NAME']}|{AuditEvent._meta.db_table}|{statement!r}"
    return f"audit:count:{hashlib.sha256(text.encode()).hexdigest()}"
