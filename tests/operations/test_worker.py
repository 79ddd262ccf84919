"""A real worker and a real server: statuses follow changes, also while broker or cache are down."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from celery import Celery
from django.conf import settings
from django.db.models import F
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from accounts.services import user_create
from audit.principal import SYSTEM
from compliance.models import ComplianceMetadata, TokenStatus
from jurisdictions.loading import rules_load
from tests.factories import IssuerFactory, event_bodies, member_of
from tests.operations.processes import Running, database_url, web, worker
from tests.services.processes import free_port

pytestmark = [
    pytest.mark.worker,
    pytest.mark.postgres,  # a database that two processes share
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
ASSET, NETWORK = 70007, "mainnet-v1.0"
SECONDS = 30


def closed() -> str:
    """Return the URL of a Redis that nobody serves."""
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def given() -> Iterator[dict[str, str]]:
    """The environment of a server and its worker, both on the Redis of the tests."""
    name = f"test-{uuid.uuid4().hex}"
    yield {
        "DJANGO_SETTINGS_MODULE": "tests.operations.running_settings",
        "DATABASE_URL": database_url(),
        "CELERY_BROKER_URL": settings.TEST_REDIS_URL,
        "REDIS_URL": settings.TEST_REDIS_URL,
        "TEST_NAME": name,
    }
    with redis.from_url(settings.TEST_REDIS_URL) as server:
        for key in server.scan_iter(f"{name}*"):
            server.delete(key)


@pytest.fixture
def writer() -> User:
    return member_of(IssuerFactory.create(), "Owner")


def call(
    server: Running, method: str, path: str, user: User | None, body: Any = None, **headers: str
) -> requests.Response:
    if user is not None:
        headers["Authorization"] = f"Bearer {AccessToken.for_user(user)}"
    return requests.request(
        method, f"{server.url}/api/v1/{path}", json=body, headers=headers, timeout=20
    )


def write(server: Running, user: User, **change: Any) -> requests.Response:
    correlation = change.pop("correlation", "write")
    body = {"assetId": ASSET, "network": NETWORK, **change}
    answer = call(server, "POST", "compliance", user, body, **{"X-Correlation-ID": correlation})
    assert answer.status_code == 200, answer.text
    return answer


def eventually(condition: Callable[[], bool]) -> float:
    """Wait until `condition` holds and return the seconds that it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < SECONDS, "it never came true"
        time.sleep(0.05)
    return time.monotonic() - started


def is_fresh() -> bool:
    """Return whether the stored status is that of the last change; reads without computing."""
    return TokenStatus.objects.filter(revision=F("evaluated_revision")).exists()


def send_sweep(given: dict[str, str]) -> None:
    """Queue the periodic sweep, as the beat does every minute."""
    app = Celery(broker=given["CELERY_BROKER_URL"])
    app.conf.broker_transport_options = {"global_keyprefix": f"{given['TEST_NAME']}:"}
    try:
        app.send_task("compliance.tasks.recalculate_due_statuses")
    finally:
        app.close()


def evaluations(folder: Path) -> float:
    """Return how many statuses the processes that share this metrics folder have computed."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return sum(
        sample.value
        for family in registry.collect()
        if family.name == "assayer_status_evaluations"
        for sample in family.samples
    )


def test_a_committed_change_is_recalculated_under_its_correlation_id(
    given: dict[str, str], writer: User, tmp_path: Path
) -> None:
    with web(tmp_path, **given) as server, worker(tmp_path, **given) as background:
        write(server, writer, notes="first", correlation="from-the-request")
        assert eventually(is_fresh) < 10
        (changed,) = event_bodies("compliance.status.changed")
        assert changed["correlationId"] == "from-the-request"
        assert (changed["actor"], changed["source"]) == ("system", "Task")
        assert changed["details"]["to"] == TokenStatus.objects.get().status == "NonCompliant"
        received = [
            line for line in background.lines() if "recalculate_token_status" in str(line["event"])
        ]
        assert received
        status = call(server, "GET", f"compliance/{ASSET}/status", writer).json()["status"]
        assert status["status"] == "NonCompliant"


def test_a_hundred_changes_give_few_evaluations(
    given: dict[str, str], writer: User, tmp_path: Path
) -> None:
    counted = tmp_path / "metrics"
    counted.mkdir()
    given["PROMETHEUS_MULTIPROC_DIR"] = str(counted)
    with web(tmp_path, **given) as server, worker(tmp_path, **given):
        started = time.monotonic()
        for number in range(100):
            write(server, writer, notes=f"change {number}")
        seconds = time.monotonic() - started
        eventually(is_fresh)
        row, metadata = TokenStatus.objects.get(), ComplianceMetadata.objects.get()
    assert metadata.version == 100
    assert row.revision >= 100
    # One for each second that the changes took, and the last one.
    assert 1 <= evaluations(counted) <= seconds + 3


def test_without_a_broker_writes_succeed_and_the_sweep_catches_up(
    given: dict[str, str], writer: User, tmp_path: Path
) -> None:
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    without = {**given, "CELERY_BROKER_URL": closed()}
    with web(tmp_path, **without) as server:
        for change in ({"notes": "one"}, {"jurisdiction": "GLOBAL"}):
            started = time.monotonic()
            write(server, writer, **change)
            assert time.monotonic() - started < 3
            assert not is_fresh()
            status = call(server, "GET", f"compliance/{ASSET}/status", writer).json()["status"]
            untagged = "engine.jurisdiction_tagged" in [line["key"] for line in status["rationale"]]
            assert untagged is ("notes" in change)
            assert is_fresh()
        write(server, writer, jurisdiction=None)
        assert requests.get(f"{server.url}/health/ready", timeout=10).json()["checks"] == {
            "database": "ok",
            "migrations": "ok",
            "cache": "ok",
            "broker": "failed",
        }
        warned = [line for line in server.lines() if "broker is down" in str(line["event"])]
        assert {line["correlation_id"] for line in warned} == {"write"}
    assert not is_fresh()
    with worker(tmp_path, **given):
        send_sweep(given)
        assert eventually(is_fresh) < 10
    assert event_bodies("compliance.status.changed")


def test_without_a_cache_reads_go_on_and_log_in_and_exports_are_refused(
    given: dict[str, str], writer: User, tmp_path: Path
) -> None:
    user_create(email="login@example.com", password="correct horse battery staple")
    without = {
        **given,
        "REDIS_URL": closed(),
        "RATE_LIMIT_ORDINARY": "600/min",
        "RATE_LIMIT_EXPORT": "30/m",
        "RATE_LIMIT_LOGIN": "10/m",
    }
    with web(tmp_path, **without) as server, worker(tmp_path, **without):
        started = time.monotonic()
        write(server, writer, jurisdiction="GLOBAL")
        assert time.monotonic() - started < 3
        assert eventually(is_fresh) < 10
        for path in (
            "auth/profile",
            "compliance",
            f"compliance/{ASSET}",
            f"compliance/{ASSET}/status",
            "compliance/reports",
            "compliance/attestations",
            "compliance/audit-log",
            "compliance/audit-log/retention-policy",
        ):
            assert call(server, "GET", path, writer).status_code == 200, path
        refused = [
            call(
                server,
                "POST",
                "auth/login",
                None,
                {"email": "login@example.com", "password": "correct horse battery staple"},
            ),
            call(server, "GET", "compliance/audit-log/export/csv", writer),
            call(server, "GET", "compliance/audit-log/export/json", writer),
            call(server, "POST", "compliance/reports", writer, {"assetId": ASSET}),
        ]
        for answer in refused:
            assert answer.status_code in (429, 503), answer.text
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.json()["errorCode"] in ("RATE_LIMITED", "SERVICE_UNAVAILABLE")
        assert event_bodies("accounts.user.logged_in") == []
        assert event_bodies("audit.log.exported") == []
        assert event_bodies("compliance.report.generated") == []
        ready = requests.get(f"{server.url}/health/ready", timeout=10)
        assert (ready.status_code, ready.json()["checks"]["cache"]) == (503, "failed")
