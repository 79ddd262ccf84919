"""The log refuses every change, on whichever database the suite runs."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditVerification
from audit.principal import SYSTEM
from audit.services import record_event

pytestmark = pytest.mark.django_db


def _snapshot() -> list[tuple[int, str]]:
    return list(AuditEvent.objects.order_by("seq").values_list("seq", "body"))


@pytest.fixture
def event() -> AuditEvent:
    record_event("compliance.metadata.listed", actor=SYSTEM, item_count=1)
    return AuditEvent.objects.get()


@pytest.mark.parametrize(
    "attempt",
    [
        lambda event: AuditEvent.objects.update(actor="somebody else"),
        lambda event: AuditEvent.objects.all().delete(),
        lambda event: AuditEvent(
            seq=event.seq, body="{}", name="x", occurred_at=event.occurred_at, success=True
        ).save(),
        lambda event: event.delete(),
    ],
)
def test_the_orm_cannot_change_it(
    event: AuditEvent, attempt: Callable[[AuditEvent], object]
) -> None:
    before = _snapshot()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        attempt(event)
    assert _snapshot() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET success = NOT success",
        "DELETE FROM audit_auditevent",
        "UPDATE audit_auditevent SET seq = seq + 100",
    ],
)
def test_sql_cannot_change_it(event: AuditEvent, statement: str) -> None:
    before = _snapshot()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert _snapshot() == before


def test_truncate_and_replace_are_refused(event: AuditEvent) -> None:
    before = _snapshot()
    columns = [field.column for field in AuditEvent._meta.concrete_fields]
    listed = ", ".join(columns)
    if connection.vendor == "postgresql":
        statements = [
            "TRUNCATE audit_auditevent",
            f"INSERT INTO audit_auditevent ({listed}) SELECT {listed} FROM audit_auditevent "
            "ON CONFLICT (seq, occurred_at) DO UPDATE SET actor = 'somebody else'",
        ]
    else:
        statements = [
            f"INSERT OR REPLACE INTO audit_auditevent ({listed}) SELECT {listed} "
            "FROM audit_auditevent",
            f"REPLACE INTO audit_auditevent ({listed}) SELECT {listed} FROM audit_auditevent",
        ]
    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert _snapshot() == before


def test_the_seal_cannot_change_either(event: AuditEvent) -> None:
    now = event.occurred_at
    AuditSeal.objects.create(
        size=1, root="00", frontier=["00"], last_xid=1, last_seq=1, sealed_at=now
    )
    AuditVerification.objects.create(size=1, root="00", intact=True, verified_at=now)
    AuditCheckpoint.objects.create(size=1, root="00", note="x", key="x", signed_at=now)
    for manager in (AuditSeal.objects, AuditVerification.objects, AuditCheckpoint.objects):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            manager.all().delete()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            manager.update(root="11")
        assert list(manager.values_list("root", flat=True)) == ["00"]
