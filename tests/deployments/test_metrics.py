"""The figures equal a naive recomputation on random data, in a constant number of queries."""

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from deployments.choices import Origin
from deployments.metrics import Period, deployment_metrics
from deployments.models import Deployment, DeploymentTransition
from deployments.state_machine import targets
from deployments.vocabulary import ErrorCategory, Status
from tests.factories import TokenFactory, client_for

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=30))
NETWORKS = ("base-sepolia", "testnet-v1.0")
STANDARDS = ("ASA_FT", "ERC20_Mintable")


def walk(chance: random.Random) -> list[tuple[Status, int, str | None]]:
    """Return a random history: statuses, milliseconds from the one before, error categories."""
    history: list[tuple[Status, int, str | None]] = [(Status.QUEUED, 0, None)]
    for _ in range(chance.randint(0, 9)):
        after = targets(history[-1][0])
        if not after:
            break
        status = chance.choice(after)
        error = str(chance.choice(list(ErrorCategory))) if status == Status.FAILED else None
        history.append((status, chance.randint(1, 90_000), error))
    return history


def record(chance: random.Random, created: datetime, history: Any) -> Deployment:
    status = history[-1][0]
    duration = timedelta(milliseconds=sum(ms for _, ms, _ in history))
    completed = status == Status.COMPLETED
    deployment = Deployment.objects.create(
        network=chance.choice(NETWORKS),
        standard=chance.choice(STANDARDS),
        status=str(status),
        origin=Origin.PIPELINE,
        created_at=created,
        updated_at=created + duration,
        token=TokenFactory.create() if completed else None,
        transaction_id="TX" if completed else None,
        confirmed_round=1 if completed else None,
        completed_at=created + duration if completed else None,
    )
    at, before = created, None
    for one, ms, error in history:
        at += timedelta(milliseconds=ms)
        DeploymentTransition.objects.create(
            deployment=deployment,
            from_status=before,
            to_status=str(one),
            occurred_at=at,
            actor="system",
            reason_code="X",
            duration_ms=ms if before else None,
            error={"category": error} if error else None,
        )
        before = str(one)
    return deployment


def naive(kept: list[tuple[Deployment, Any]]) -> dict[str, Any]:
    statuses = Counter(deployment.status for deployment, _ in kept)
    total = len(kept)
    durations = sorted(
        sum(ms for _, ms, _ in history)
        for deployment, history in kept
        if deployment.status == Status.COMPLETED
    )
    steps: dict[str, list[int]] = {}
    for deployment, history in kept:
        if deployment.status == Status.COMPLETED:
            for (before, _, _), (after, ms, _) in pairwise(history):
                steps.setdefault(f"{before}->{after}", []).append(ms)
    first_errors = [next((error for _, _, error in history if error), None) for _, history in kept]
    count = len(durations)
    middle = (durations[(count - 1) // 2] + durations[count // 2]) // 2 if count else 0
    return {
        "totalDeployments": total,
        "successfulDeployments": statuses["Completed"],
        "failedDeployments": statuses["Failed"],
        "cancelledDeployments": statuses["Cancelled"],
        "pendingDeployments": total
        - sum(statuses[name] for name in ("Completed", "Failed", "Cancelled")),
        "successRate": pytest.approx(statuses["Completed"] / total * 100 if total else 0),
        "failureRate": pytest.approx(statuses["Failed"] / total * 100 if total else 0),
        "averageDurationMs": sum(durations) // count if count else 0,
        "medianDurationMs": middle,
        "p95DurationMs": durations[math.ceil(0.95 * count) - 1] if count else 0,
        "fastestDurationMs": min(durations, default=0),
        "slowestDurationMs": max(durations, default=0),
        "failuresByCategory": dict(Counter(error for error in first_errors if error)),
        "deploymentsByNetwork": dict(Counter(one.network for one, _ in kept)),
        "deploymentsByTokenType": dict(Counter(one.standard for one, _ in kept)),
        "averageDurationByTransition": {
            name: sum(values) // len(values) for name, values in steps.items()
        },
        "retriedDeployments": sum(
            any(before == "Failed" and after == "Queued" for before, after in pairwise(states))
            for states in ([str(status) for status, _, _ in history] for _, history in kept)
        ),
    }


@pytest.mark.parametrize("seed", range(8))
def test_the_figures_are_those_of_a_naive_recomputation(seed: int) -> None:
    chance = random.Random(seed)
    kept = []
    for _ in range(chance.choice((0, 1, 2, 25))):
        history = walk(chance)
        inside = chance.random() < 0.8
        created = START + timedelta(days=chance.randint(0, 29) if inside else 45)
        deployment = record(chance, created, history)
        if inside:
            kept.append((deployment, history))
    found = deployment_metrics(Deployment.objects.all(), PERIOD)
    expected = naive(kept)
    assert {name: found[name] for name in expected} == expected


def test_the_number_of_queries_does_not_grow() -> None:
    chance = random.Random(99)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            deployment_metrics(Deployment.objects.all(), PERIOD)
        return len(queries)

    way = [Status.SUBMITTED, Status.PENDING, Status.CONFIRMED, Status.COMPLETED]
    history = [(Status.QUEUED, 0, None), *((status, 5, None) for status in way)]
    record(chance, START, history)
    few = count()
    for _ in range(20):
        record(chance, START, history)
    assert count() == few == 8


def test_the_period_is_the_last_day_where_none_is_given(owner: User) -> None:
    body = client_for(owner).get("/api/v1/token/deployments/metrics").json()["metrics"]
    start = datetime.fromisoformat(body["periodStart"])
    end = datetime.fromisoformat(body["periodEnd"])
    assert end - start == timedelta(hours=24)
    assert end <= timezone.now()


@pytest.mark.parametrize("query", ["fromDate=x", "fromDate=2026-02-01&toDate=2026-01-01", "a=b"])
def test_a_wrong_period_is_a_400(owner: User, query: str) -> None:
    assert client_for(owner).get(f"/api/v1/token/deployments/metrics?{query}").status_code == 400


def test_figures_are_of_what_the_caller_sees(owner: User, outsider: User, officer: User) -> None:
    record(random.Random(1), timezone.now(), [(Status.QUEUED, 0, None)])
    Deployment.objects.update(issuer=next(iter(owner.issuer_ids)))
    counts = [
        client_for(user)
        .get("/api/v1/token/deployments/metrics")
        .json()["metrics"]["totalDeployments"]
        for user in (owner, outsider, officer)
    ]
    assert counts == [1, 0, 1]
