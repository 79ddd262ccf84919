"""Every change of one byte of a value, and what reaches past the triggers to make it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def changes(value: Any) -> Iterator[Any]:
    """Yield the value with each of its bytes changed, one at a time.

    Text is UTF-8; a number and a moment have 8, a UUID 16, a truth 1.
    """
    if isinstance(value, str):
        yield from (raw.decode() for raw in changes(value.encode()))
    elif isinstance(value, (bytes, memoryview)):
        raw = bytes(value)
        for at, number in enumerate(raw):
            yield raw[:at] + bytes([number ^ 1]) + raw[at + 1 :]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value ^ (1 << shift) for shift in range(0, 64, 8))
    elif isinstance(value, UUID):
        yield from (UUID(int=value.int ^ (1 << shift)) for shift in range(0, 128, 8))
    elif isinstance(value, datetime):
        moment = (value - EPOCH) // timedelta(microseconds=1)
        yield from (EPOCH + timedelta(microseconds=other) for other in changes(moment))
    else:
        assert isinstance(value, list), value
        for number, one in enumerate(value):
            for other in changes(one):
                yield [*value[:number], other, *value[number + 1 :]]


@contextmanager
def undone() -> Iterator[None]:
    """Let the block change whatever it wants, as a superuser would, and undo it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")
            else:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name}")
        yield
        transaction.set_rollback(True)
