"""How far the seal is behind, as monitoring and the readiness check see it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from audit import lag, tasks
from audit.models import AuditEvent, AuditSeal
from audit.seal import seal_events
from audit.verification import verify_trail
from config.observability import metrics
from tests.audit.logs import recorded, signed, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)


def gauge(name: str) -> float:
    lines = Client().get("/metrics").content.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_what_waits_to_be_sealed_is_measured() -> None:
    signed(3)
    assert gauge("assayer_audit_unsealed_events") == 0
    assert gauge("assayer_audit_seal_lag_seconds") == 0
    recorded(2)
    with time_machine.travel(timezone.now() + timedelta(seconds=90), tick=False):
        assert gauge("assayer_audit_unsealed_events") == 2
        assert 90 <= gauge("assayer_audit_seal_lag_seconds") < 100
        assert 90 <= gauge("assayer_audit_checkpoint_age_seconds") < 100
    seal_events()
    assert gauge("assayer_audit_unsealed_events") == 0


def test_what_no_checkpoint_has_is_measured() -> None:
    signed(2)
    assert gauge("assayer_audit_unsigned_events") == 0
    recorded(3)
    seal_events()
    assert gauge("assayer_audit_unsigned_events") == 3


def test_the_last_verification_is_measured() -> None:
    assert b"assayer_audit_intact" not in Client().get("/metrics").content
    signed(2)
    verify_trail()
    assert gauge("assayer_audit_intact") == 1
    with time_machine.travel(timezone.now() + timedelta(seconds=90), tick=False):
        assert 90 <= gauge("assayer_audit_verification_age_seconds") < 100
    with triggers_off():
        AuditEvent.objects.update(actor="somebody else")
    verify_trail()
    assert gauge("assayer_audit_intact") == 0


def test_readiness_watches_it_where_asked(settings: Any) -> None:
    recorded(1)
    with time_machine.travel(timezone.now() + timedelta(seconds=90), tick=False):
        assert "auditSeal" not in Client().get("/health/ready").json()["checks"]
        settings.AUDIT_SEAL_LAG_SECONDS = 120
        assert Client().get("/health/ready").json()["checks"]["auditSeal"] == "ok"
        settings.AUDIT_SEAL_LAG_SECONDS = 60
        refused = Client().get("/health/ready")
        assert (refused.status_code, refused.json()["checks"]["auditSeal"]) == (503, "failed")


def test_a_busy_log_is_sealed_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BUSY", 3)
    recorded(2)
    tasks.seal_busy_log()
    assert lag.seal_lag().events == 2
    recorded(1)
    tasks.seal_busy_log()
    assert lag.seal_lag().events == 0
    tasks.seal_busy_log()
    assert list(AuditSeal.objects.values_list("size", flat=True)) == [3]


def test_metrics_are_served_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> Any:
        raise OperationalError

    monkeypatch.setattr(lag, "seal_lag", down)
    answered = Client().get("/metrics")
    assert (answered.status_code, b"assayer_http_requests" in answered.content) == (200, True)
    assert b"assayer_audit_unsealed_events" not in answered.content
    assert metrics._GAUGES
