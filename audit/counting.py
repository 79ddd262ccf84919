"""Exact figures of the log that stay cheap: rows never change, so one up to a position is final.

A figure is kept with the position up to which it holds; a later one adds what came after it.
"""

import contextlib
import hashlib
import logging
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection
from redis.exceptions import RedisError

from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.seal import transaction_horizon

logger = logging.getLogger("assayer.audit")

Figure = TypeVar("Figure")

_REFRESH_AFTER = 2_000
_KEEP_SECONDS = 24 * 3600


def exact_count(events: AuditEventQuerySet) -> int:
    """Return how many rows `events` has, reading only those after the kept position."""
    return exact_figure(
        events, name="count", measure=_count, add=operator.add, size=lambda count: count, nothing=0
    )


def _count(events: AuditEventQuerySet) -> int:
    return events.count()


def exact_figure(
    events: AuditEventQuerySet,
    *,
    name: str,
    measure: Callable[[AuditEventQuerySet], Figure],
    add: Callable[[Figure, Figure], Figure],
    size: Callable[[Figure], int],
    nothing: Figure,
) -> Figure:
    """Return what `measure` says of `events`, reading only those after the kept position.

    The figures of two parts of the log `add` up to that of both; `size` is how many events one is
    of. It is kept as it is, so it is made of plain values, and `name` tells it from others.
    """
    try:
        key = _key(events, name)
    except EmptyResultSet:  # the caller sees nothing at all, which has no statement
        return nothing
    kept: tuple[int, Figure] | None = _kept(key)
    position, base = kept or (0, nothing)
    if kept is not None:
        tail = measure(_after(events, position))
        if size(tail) <= _REFRESH_AFTER:
            return add(base, tail)
    horizon = transaction_horizon()
    base = add(base, measure(below(_after(events, position), horizon)))
    _keep(key, (horizon, base))
    return add(base, measure(_after(events, horizon)))


def _kept(key: str) -> Any:
    try:
        kept = cache.get(key)
    except (RedisError, OSError):
        logger.warning("the cache is down: the log is counted from its beginning")
        return None
    return kept


def _keep(key: str, figure: tuple[int, Any]) -> None:
    # A failure was logged when the count was asked for.
    with contextlib.suppress(RedisError, OSError):
        cache.set(key, figure, _KEEP_SECONDS)


# A position is a transaction id on PostgreSQL, where everything below the horizon is committed
# or gone (sequence numbers commit out of order), and a sequence number on SQLite.
_COLUMN = {"postgresql": "xid"}


def _after(events: AuditEventQuerySet, position: int) -> AuditEventQuerySet:
    return events.filter(**{f"{_COLUMN.get(connection.vendor, 'seq')}__gte": position})


def below(events: AuditEventQuerySet, horizon: int) -> AuditEventQuerySet:
    """Return those of `events` below the horizon, which are the same whenever they are read."""
    return events.filter(**{f"{_COLUMN.get(connection.vendor, 'seq')}__lt": horizon})


def _key(events: AuditEventQuerySet, name: str) -> str:
    statement: tuple[str, tuple[Any, ...]] = events.order_by().query.sql_with_params()
    text = f"{connection.settings_dict['NAME']}|{AuditEvent._meta.db_table}|{statement!r}"
    return f"audit:{name}:{hashlib.sha256(text.encode()).hexdigest()}"
