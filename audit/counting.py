"""Exact counts of the log that stay cheap: rows never change, so a count up to a position is final.

A count is kept with the position up to which it holds; a later one adds what came after it.
"""

import contextlib
import hashlib
import logging
from typing import Any

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection
from redis.exceptions import RedisError

from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.seal import transaction_horizon

logger = logging.getLogger("assayer.audit")

_REFRESH_AFTER = 2_000
_KEEP_SECONDS = 24 * 3600


def exact_count(events: AuditEventQuerySet) -> int:
    """Return how many rows `events` has, reading only those after the kept position."""
    try:
        key = _key(events)
    except EmptyResultSet:  # the caller sees nothing at all, which has no statement
        return 0
    kept = _kept(key)
    position, base = kept or (0, 0)
    if kept is not None:
        tail = _after(events, position).count()
        if tail <= _REFRESH_AFTER:
            return base + tail
    horizon = transaction_horizon()
    base += _between(events, position, horizon).count()
    _keep(key, (horizon, base))
    return base + _after(events, horizon).count()


def _kept(key: str) -> tuple[int, int] | None:
    try:
        kept: tuple[int, int] | None = cache.get(key)
    except (RedisError, OSError):
        logger.warning("the cache is down: the log is counted from its beginning")
        return None
    return kept


def _keep(key: str, count: tuple[int, int]) -> None:
    # A failure was logged when the count was asked for.
    with contextlib.suppress(RedisError, OSError):
        cache.set(key, count, _KEEP_SECONDS)


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
