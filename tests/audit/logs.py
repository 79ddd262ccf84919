"""A sealed log for tests, and what somebody with the owner's rights can do to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from audit.checkpoints import checkpoint_sign
from audit.models import AuditCheckpoint
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_event
from tests.factories import wait_for_horizon


def recorded(count: int) -> None:
    """Events that anybody may see who sees everything."""
    for number in range(count):
        record_event("compliance.metadata.listed", actor=SYSTEM, item_count=number)
    wait_for_horizon()


def signed(count: int) -> AuditCheckpoint:
    """A log of so many more events, sealed and signed."""
    recorded(count)
    seal_events()
    checkpoint = checkpoint_sign()
    assert checkpoint is not None
    return checkpoint


@contextmanager
def triggers_off(table: str = "audit_auditevent") -> Iterator[None]:
    """What an attacker with the owner's rights can do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            yield
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
            return
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table]
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            cursor.execute(sql)
