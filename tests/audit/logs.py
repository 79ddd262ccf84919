"""A sealed log for tests, and what somebody with the owner's rights can do to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from audit.body import EventDraft
from audit.checkpoints import checkpoint_sign
from audit.models import AuditCheckpoint
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_event, record_events
from tests.factories import wait_for_horizon

SIZE, SEALS = 1_000, 10
_IN_A_TRANSACTION = 20


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


def thousand() -> None:
    """A log of `SIZE` events of several kinds, sealed and signed in `SEALS` parts."""
    for part in range(SEALS):
        numbers = range(part * SIZE // SEALS, (part + 1) * SIZE // SEALS)
        for at in range(0, len(numbers), _IN_A_TRANSACTION):
            record_events([_draft(one) for one in numbers[at:][:_IN_A_TRANSACTION]], actor=SYSTEM)
        wait_for_horizon()
        seal_events()
        assert checkpoint_sign() is not None


def _draft(number: int) -> EventDraft:
    address = chr(ord("A") + number % 26) * 58
    if number % 3 == 0:
        return EventDraft("compliance.metadata.listed", item_count=number)
    if number % 3 == 1:
        return EventDraft(
            "accounts.token.updated",
            network="voimain-v1.0",
            asset_id=number,
            issuer_id=UUID(int=number),
            reference_type="token",
            reference_id=str(number),
            details={"fields": ["name", "decimals"]},
        )
    return EventDraft(
        "whitelist.transfer.validated",
        success=number % 2 == 0,
        network="voimain-v1.0",
        asset_id=2**53 + number,
        affected_address=address,
        to_address=address[::-1],
        transfer_allowed=number % 2 == 0,
        amount="1000000",
        denial_reason=None if number % 2 == 0 else "Nicht gelistet: \u00e4\u00f6",
    )


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
