"""A real worker that is killed in the middle of a long export, and one that goes on with it."""

import gzip
import hashlib
import os
import signal
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from django.utils import timezone

from accounts.models import User
from audit.body import EventDraft
from audit.exports.models import ExportJob
from audit.models import AuditEvent
from audit.principal import NamedPrincipal
from audit.services import record_events
from tests.factories import event_bodies
from tests.operations.processes import web, worker
from tests.operations.test_worker import call, closed, eventually, given, writer  # noqa: F401

pytestmark = [
    pytest.mark.worker,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
ROWS = 150_000
ASK = {"view": "compliance-audit-log", "format": "ndjson", "gzip": True}


@pytest.fixture
def log(writer: User) -> None:  # noqa: F811 - a fixture
    """Events of the issuer, of which many share their moment."""
    (issuer,) = writer.issuer_ids
    now = timezone.now()
    drafts = [
        EventDraft("compliance.metadata.listed", issuer_id=issuer, notes=f"{number} {uuid4()}")
        for number in range(10_000)
    ]
    for number in range(ROWS // len(drafts)):
        moment = now - timedelta(minutes=number % 7)
        record_events(drafts, actor=NamedPrincipal("ALICE"), occurred_at=moment)


def send_sweep(given: dict[str, str]) -> None:  # noqa: F811 - a fixture
    """Queue the periodic sweep of exports, as the beat does."""
    app = Celery(broker=given["CELERY_BROKER_URL"])
    app.conf.broker_transport_options = {"global_keyprefix": f"{given['TEST_NAME']}:"}
    try:
        app.send_task("audit.tasks.continue_exports")
    finally:
        app.close()


def test_a_killed_worker_loses_nothing(
    given: dict[str, str],  # noqa: F811 - fixtures
    writer: User,  # noqa: F811
    log: None,
    tmp_path: Path,
) -> None:
    given = {**given, "EXPORT_DIR": str(tmp_path / "exports")}

    def job(location: str) -> ExportJob:
        return ExportJob.objects.get(pk=location.rpartition("/")[2])

    def ask() -> str:
        asked = call(server, "POST", "exports", writer, ASK)
        assert asked.status_code == 202, asked.text
        return asked.headers["Location"]

    with web(tmp_path, **given) as server:
        with worker(tmp_path, **given) as first:
            killed = ask()
            eventually(lambda: job(killed).rows_done > 0)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        stopped = job(killed)
        assert stopped.status == "Running"
        assert 0 < stopped.rows_done <= ROWS
        seen = call(server, "GET", killed.removeprefix("/api/v1/"), writer).json()["export"]
        assert (seen["rowsTotal"], 0 < seen["progressPercent"] < 100) == (ROWS, True)
        ExportJob.objects.update(lease_until=timezone.now())
        with worker(tmp_path, **given):
            send_sweep(given)
            eventually(lambda: job(killed).status == "Finished")
            whole = ask()
            eventually(lambda: job(whole).status == "Finished")
        resumed, uninterrupted = job(killed), job(whole)
        assert resumed.sha256 == uninterrupted.sha256
        path = killed.removeprefix("/api/v1/")
        raw = b"".join(
            call(server, "GET", f"{path}/download", writer, Range=wanted).content
            for wanted in ("bytes=0-999999", "bytes=1000000-")
        )
    assert hashlib.sha256(raw).hexdigest() == resumed.sha256
    *lines, _ = gzip.decompress(raw).decode().splitlines()
    bodies = AuditEvent.objects.filter(name="compliance.metadata.listed")
    assert lines == list(bodies.order_by("-occurred_at", "-seq").values_list("body", flat=True))
    assert (len(lines), len(set(lines))) == (ROWS, ROWS)
    assert resumed.attempts == 1
    assert len(event_bodies("audit.export.finished")) == 2


def test_without_a_broker_the_sweep_writes_the_export(
    given: dict[str, str],  # noqa: F811
    writer: User,  # noqa: F811
    tmp_path: Path,
) -> None:
    given = {**given, "EXPORT_DIR": str(tmp_path / "exports")}
    with web(tmp_path, **{**given, "CELERY_BROKER_URL": closed()}) as server:
        asked = call(server, "POST", "exports", writer, ASK)
        assert (asked.status_code, asked.json()["export"]["status"]) == (202, "Queued")
    ExportJob.objects.update(created_at=timezone.now().replace(year=2020))
    with worker(tmp_path, **given):
        send_sweep(given)
        eventually(lambda: ExportJob.objects.get().status == "Finished")
