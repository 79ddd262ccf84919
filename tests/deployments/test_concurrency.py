"""Twenty workers on real connections: one deployment is one, and several share the work."""

import threading
from collections import Counter

import pytest
from django.db import connection

from audit.models import AuditEvent
from deployments.models import Deployment, DeploymentTransaction
from deployments.services.work import deployment_advance, deployments_due
from deployments.vocabulary import Status
from tests.deployments.ledger import Ledger
from tests.deployments.requests import ask, statuses, use_ledger
from tests.factories import IssuerFactory, member_of

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WORKERS = 20


def at_once(work: object) -> list[object]:
    """Let twenty threads begin `work` in the same moment; return what each returned."""
    barrier, found = threading.Barrier(WORKERS), list[object]()

    def run() -> None:
        barrier.wait()
        try:
            found.append(work())  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_twenty_workers_on_one_deployment_do_each_step_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = use_ledger(monkeypatch, Ledger())
    deployment = ask(member_of(IssuerFactory.create(), "Owner"))
    taken = at_once(lambda: deployment_advance(deployment_id=deployment.pk))
    assert Counter(taken)[True] >= 1
    deployment.refresh_from_db()
    assert deployment.status == Status.PENDING
    assert statuses(deployment) == ["Queued", "Submitted", "Pending"]
    assert ledger.submissions == 1
    assert DeploymentTransaction.objects.count() == 1
    names = AuditEvent.objects.filter(reference_id=str(deployment.pk)).values_list("name")
    assert max(Counter(names).values()) == 1


def test_twenty_workers_share_many_deployments(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = use_ledger(monkeypatch, Ledger())
    owner = member_of(IssuerFactory.create(), "Owner")
    wanted = [ask(owner).pk for _ in range(10)]

    def sweep() -> int:
        return sum(deployment_advance(deployment_id=one) for one in deployments_due())

    for _ in range(8):
        at_once(sweep)
        Deployment.objects.filter(next_step_at__isnull=False).update(
            next_step_at="2026-01-01T00:00:00Z"
        )
        ledger.mine()
        ledger.finalize()
        if not Deployment.objects.filter(next_step_at__isnull=False).exists():
            break
    for row in Deployment.objects.all():
        assert (row.pk in wanted, row.status) == (True, "Completed")
        assert statuses(row)[-1] == "Completed"
        assert len(statuses(row)) == 6
    assert len(ledger.landed) == 10
    assert len({row.nonce for row in DeploymentTransaction.objects.filter(dead_at=None)}) == 10
