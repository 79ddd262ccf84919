"""A real worker that is killed in the middle of a long report, and one that goes on with it."""

import os
import signal
from pathlib import Path

import pytest
from celery import Celery
from django.utils import timezone

from accounts.models import Token, User
from audit.principal import SYSTEM
from compliance.models import ComplianceReport, ReportJob
from jurisdictions.loading import rules_load
from tests.factories import event_bodies
from tests.operations.processes import web, worker
from tests.operations.test_worker import call, closed, eventually, given, writer  # noqa: F401

pytestmark = [
    pytest.mark.worker,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
TOKENS = 400


@pytest.fixture
def issuer_id(writer: User) -> str:  # noqa: F811 - a fixture
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    (issuer,) = writer.issuer_ids
    Token.objects.bulk_create(
        Token(network="mainnet-v1.0", asset_id=80_000 + number, issuer_id=issuer)
        for number in range(TOKENS)
    )
    return str(issuer)


def job() -> ReportJob:
    return ReportJob.objects.get()


def send_sweep(given: dict[str, str]) -> None:  # noqa: F811 - a fixture
    """Queue the periodic sweep of reports, as the beat does."""
    app = Celery(broker=given["CELERY_BROKER_URL"])
    app.conf.broker_transport_options = {"global_keyprefix": f"{given['TEST_NAME']}:"}
    try:
        app.send_task("compliance.tasks.continue_report_jobs")
    finally:
        app.close()


def test_a_killed_worker_loses_nothing(
    given: dict[str, str],  # noqa: F811 - fixtures
    writer: User,  # noqa: F811
    issuer_id: str,
    tmp_path: Path,
) -> None:
    with web(tmp_path, **given) as server:
        with worker(tmp_path, **given) as first:
            asked = call(server, "POST", "compliance/reports", writer, {"issuerId": issuer_id})
            assert asked.status_code == 202, asked.text
            eventually(lambda: job().tokens_done > 0)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        stopped = job()
        assert stopped.status == "Running"
        assert 0 < stopped.tokens_done < TOKENS
        assert stopped.parts.count() == stopped.tokens_done
        path = asked.headers["Location"].removeprefix("/api/v1/")
        seen = call(server, "GET", path, writer).json()["job"]
        assert 0 < seen["progressPercent"] < 100
        ReportJob.objects.update(lease_until=timezone.now())
        with worker(tmp_path, **given):
            send_sweep(given)
            eventually(lambda: job().status == "Finished")
    assert job().as_of == stopped.as_of
    assert ComplianceReport.objects.count() == 1
    assert len(event_bodies("compliance.report_job.finished")) == 1


def test_without_a_broker_the_sweep_makes_the_report(
    given: dict[str, str],  # noqa: F811
    writer: User,  # noqa: F811
    issuer_id: str,
    tmp_path: Path,
) -> None:
    with web(tmp_path, **{**given, "CELERY_BROKER_URL": closed()}) as server:
        asked = call(server, "POST", "compliance/reports", writer, {"issuerId": issuer_id})
        assert (asked.status_code, asked.json()["job"]["status"]) == (202, "Queued")
    ReportJob.objects.update(created_at=timezone.now().replace(year=2020))
    with worker(tmp_path, **given):
        send_sweep(given)
        eventually(lambda: job().status == "Finished")
    assert ComplianceReport.objects.get().issuer_id is not None
