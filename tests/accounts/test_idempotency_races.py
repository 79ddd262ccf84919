"""One key and many requests at the same moment, and a process that is killed with a key."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections

from accounts.models import IdempotencyRecord, User
from attestations import services
from attestations.models import Attestation
from deployments.models import Deployment
from tests.accounts.test_idempotency import DEPLOYMENT, DEPLOYMENTS, created, send
from tests.deployments.ledger import Ledger
from tests.deployments.requests import use_ledger
from tests.whitelist.test_import_races import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def _die(**wanted: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def one_of_sixteen(ask: Callable[[], Any], status: int) -> Any:
    """Send it sixteen times at once; return the one answer that all get who get any."""
    answers = together(*[ask] * 16)
    done = [one for one in answers if one.status_code == status]
    waiting = [one for one in answers if one.status_code != status]
    assert [one["X-Idempotency-Hit"] for one in done].count("false") == 1
    for one in waiting:
        assert (one.status_code, one["Retry-After"]) == (409, "1")
        assert one.json()["errorCode"] == "IDEMPOTENCY_KEY_IN_USE"
    last = ask()
    assert (last.status_code, last["X-Idempotency-Hit"]) == (status, "true")
    assert {one.content for one in done} == {last.content}
    return last


def test_sixteen_requests_with_one_key_make_one_deployment(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_ledger(monkeypatch, Ledger())
    last = one_of_sixteen(lambda: send(owner, "one key", DEPLOYMENT, DEPLOYMENTS), 202)
    deployment = Deployment.objects.get()
    assert last["Location"] == f"{DEPLOYMENTS}/{deployment.pk}"


def test_sixteen_requests_with_one_key_make_one_attestation(owner: User) -> None:
    last = one_of_sixteen(lambda: send(owner), 200)
    assert created() == 1
    assert last.json()["attestation"]["id"] == str(Attestation.objects.get().pk)


def test_sixteen_requests_with_a_key_each_are_all_done(owner: User) -> None:
    asks = [lambda key=str(number): send(owner, key) for number in range(16)]
    answers = together(*asks)
    assert [one.status_code for one in answers] == [200] * 16
    assert created() == 16


def test_of_sixteen_who_find_a_key_left_behind_one_takes_it(owner: User) -> None:
    send(owner)
    row = IdempotencyRecord.objects.get()
    IdempotencyRecord.objects.update(
        status_code=None, finished_at=None, lease_until=row.created_at - timedelta(seconds=1)
    )
    one_of_sixteen(lambda: send(owner), 200)
    assert created() == 2


def test_a_killed_process_leaves_a_key_that_is_free_after_its_lease(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.close_all()  # the child shall not share one
    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(services, "attestation_create", _die)
            send(owner)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    row = IdempotencyRecord.objects.get()
    refused = send(owner)
    assert refused.json()["errorCode"] == "IDEMPOTENCY_KEY_IN_USE"
    assert created() == 0
    with time_machine.travel(row.lease_until, tick=False):
        assert send(owner)["X-Idempotency-Hit"] == "false"
        assert send(owner)["X-Idempotency-Hit"] == "true"
    assert created() == 1
