"""Sealing and verification: nothing is skipped, and a changed event is found."""

import threading

import pytest
from django.db import connection, transaction

from audit.merkle import Tree
from audit.models import AuditEvent, AuditSeal
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_event
from audit.verification import trail_verdict, verify_trail
from tests.audit.logs import recorded, triggers_off
from tests.factories import event_bodies, wait_for_horizon


@pytest.mark.django_db(transaction=True)
class TestSealing:
    def test_the_sealed_root_is_the_tree_of_the_bodies(self) -> None:
        recorded(5)
        assert seal_events() == 5
        recorded(3)
        assert seal_events() == 3
        assert seal_events() == 0
        tree = Tree()
        order = ("xid", "seq") if connection.vendor == "postgresql" else ("seq",)
        bodies = AuditEvent.objects.order_by(*order).values_list("body", flat=True)
        tree.extend(body.encode() for body in bodies)
        newest = AuditSeal.objects.order_by("-size").first()
        assert newest is not None
        assert (newest.size, newest.root) == (8, tree.root().hex())

    def test_verification_of_an_untouched_log_is_intact_and_recorded(self) -> None:
        assert trail_verdict().intact is None
        recorded(4)
        seal_events()
        verification = verify_trail()
        assert (verification.intact, verification.size, verification.finding) == (True, 4, "")
        assert trail_verdict().intact is True
        assert [body["itemCount"] for body in event_bodies("audit.trail.verified")] == [4]
        assert len(event_bodies("audit.trail.verdict_changed")) == 1

    def test_an_unchanged_verdict_is_not_reported_as_changed(self) -> None:
        recorded(1)
        seal_events()
        verify_trail()
        verify_trail()
        assert len(event_bodies("audit.trail.verified")) == 2
        assert len(event_bodies("audit.trail.verdict_changed")) == 1

    @pytest.mark.parametrize(
        ("statement", "finding"),
        [
            (
                "UPDATE audit_auditevent SET body = replace(body, '\"itemCount\":2', "
                "'\"itemCount\":7')",
                "is not what was sealed",
            ),
            (
                "UPDATE audit_auditevent SET actor = 'x' WHERE seq = {second}",
                "differs from the body",
            ),
            ("UPDATE audit_auditevent SET success = NOT success WHERE seq = {second}", "success"),
            ("UPDATE audit_auditevent SET asset_id = 5 WHERE seq = {second}", "asset_id differs"),
            *(
                (f"UPDATE audit_auditevent SET {column} = {value} WHERE seq = {{second}}", finding)
                for column, value, finding in (
                    ("affected_address", "'x'", "differs from the body"),
                    ("to_address", "'x'", "differs from the body"),
                    ("transfer_allowed", "true", "differs from the body"),
                    ("reference_type", "'x'", "differs from the body"),
                    ("reference_id", "'x'", "differs from the body"),
                    ("issuer_id", "id", "issuer_id differs"),
                    ("occurred_at", "'2026-01-01T00:00:00Z'", "occurred_at differs"),
                )
            ),
            (
                "DELETE FROM audit_auditevent WHERE seq = {second}",
                "is missing",
            ),
        ],
    )
    def test_a_changed_log_is_found(self, statement: str, finding: str) -> None:
        recorded(4)
        seal_events()
        assert verify_trail().intact
        second = AuditEvent.objects.order_by("seq")[1].seq
        with triggers_off(), connection.cursor() as cursor:
            cursor.execute(statement.format(second=second))
        verification = verify_trail()
        assert verification.intact is False
        assert finding in verification.finding
        assert trail_verdict().intact is False
        broken = event_bodies("audit.trail.broken")
        assert [body["success"] for body in broken] == [False]
        assert len(event_bodies("audit.trail.verdict_changed")) == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_is_not_skipped() -> None:
    """A low sequence number whose transaction commits after a higher one was already there."""
    inserted, release = threading.Event(), threading.Event()

    def slow_writer() -> None:
        try:
            with transaction.atomic():
                record_event("compliance.metadata.listed", actor=SYSTEM, item_count=1)
                inserted.set()
                release.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=slow_writer)
    thread.start()
    assert inserted.wait(10)
    record_event("compliance.metadata.listed", actor=SYSTEM, item_count=2)
    assert seal_events() == 0  # the horizon holds both back
    release.set()
    thread.join()
    wait_for_horizon()
    assert seal_events() == 2
    assert verify_trail().intact
