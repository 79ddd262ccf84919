"""A waiver that its time ends is recorded once; what is read of it goes by the clock alone."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Issuer, Token, User
from audit.body import EventDraft
from audit.signals import event_recorded
from jurisdictions.models import Waiver
from jurisdictions.services.waivers import (
    waiver_approve,
    waiver_request,
    waiver_revoke,
    waivers_record_expired,
)
from jurisdictions.tasks import record_expired_waivers
from tests import factories
from tests.factories import VOI, client_for, event_bodies
from tests.jurisdictions import rules

ASSET = 50001
EXPIRED = "jurisdictions.waiver.expired"
DAY = timedelta(days=1)


@pytest.fixture
def token(issuer: Issuer) -> Token:
    rules.baseline()
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


def request(officer: User, days: int = 10) -> Waiver:
    return waiver_request(
        actor=officer,
        asset_id=ASSET,
        network=VOI,
        requirement_key="base.whitelist_enforced",
        reason="Jane Roe's opinion of May",
        expires_at=timezone.now() + days * DAY,
    )


def approved(officer: User, days: int = 10) -> Waiver:
    second = factories.user_with_role("ComplianceOfficer")
    return waiver_approve(actor=second, waiver_id=request(officer, days).pk)


def on(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


@pytest.mark.django_db
class TestRecording:
    def test_the_end_of_an_approved_waiver_is_an_event(self, token: Token, officer: User) -> None:
        waiver = approved(officer)
        with on(waiver.expires_at + DAY):
            assert record_expired_waivers() == 1
        (event,) = event_bodies(EXPIRED)
        assert (event["referenceType"], event["referenceId"]) == ("waiver", str(waiver.pk))
        assert (event["assetId"], event["network"]) == (str(ASSET), VOI)
        assert event["issuerId"] == str(token.issuer_id)
        assert (event["oldStatus"], event["newStatus"]) == ("Approved", "Expired")
        assert (event["actor"], event["category"]) == ("system", "Compliance")
        assert event["details"]["requirementKey"] == "base.whitelist_enforced"
        assert datetime.fromisoformat(event["details"]["expiresAt"]) == waiver.expires_at
        assert "Jane" not in str(event)

    def test_it_is_due_at_the_very_moment_and_not_before(self, token: Token, officer: User) -> None:
        waiver = approved(officer)
        with on(waiver.expires_at - timedelta(microseconds=1)):
            assert record_expired_waivers() == 0
        assert event_bodies(EXPIRED) == []
        with on(waiver.expires_at):
            assert record_expired_waivers() == 1

    def test_once_for_each(self, token: Token, officer: User) -> None:
        first, second = approved(officer, 10), approved(officer, 20)
        with on(first.expires_at):
            assert [record_expired_waivers() for _ in range(3)] == [1, 0, 0]
        with on(second.expires_at):
            assert [record_expired_waivers() for _ in range(3)] == [1, 0, 0]
        ids = [event["referenceId"] for event in event_bodies(EXPIRED)]
        assert ids == [str(first.pk), str(second.pk)]

    def test_a_request_that_nobody_approved_expires_too(self, token: Token, officer: User) -> None:
        waiver = request(officer)
        with on(waiver.expires_at):
            assert record_expired_waivers() == 1
        assert event_bodies(EXPIRED)[0]["oldStatus"] == "Requested"

    def test_a_revoked_one_ended_before(self, token: Token, officer: User) -> None:
        waiver = approved(officer)
        waiver_revoke(actor=officer, waiver_id=waiver.pk, reason="over")
        with on(waiver.expires_at + DAY):
            assert record_expired_waivers() == 0
        assert event_bodies(EXPIRED) == []

    def test_a_batch_at_a_time_and_all_in_the_end(
        self, token: Token, officer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [approved(officer, days) for days in (3, 1, 5, 2, 4)]
        monkeypatch.setattr("jurisdictions.tasks._BATCH", 2)
        with on(timezone.now() + 30 * DAY):
            assert waivers_record_expired(limit=2) == 2
            ids = [event["referenceId"] for event in event_bodies(EXPIRED)]
            assert ids == [str(made[1].pk), str(made[3].pk)]
            assert record_expired_waivers() == 3
        assert len(event_bodies(EXPIRED)) == 5

    def test_what_cannot_be_recorded_is_left_for_the_next_run(
        self, token: Token, officer: User
    ) -> None:
        waiver = approved(officer)

        def refuse(events: tuple[EventDraft, ...], **kwargs: Any) -> None:
            raise RuntimeError("the log is full")

        with on(waiver.expires_at):
            event_recorded.connect(refuse)
            try:
                with pytest.raises(RuntimeError):
                    record_expired_waivers()
            finally:
                event_recorded.disconnect(refuse)
            assert event_bodies(EXPIRED) == []
            assert record_expired_waivers() == 1

    def test_nothing_that_is_read_changes(self, token: Token, officer: User) -> None:
        waiver = approved(officer)
        client = client_for(officer)
        path = f"/api/v1/compliance/waivers/{waiver.pk}"
        with on(waiver.expires_at):
            client = client_for(officer)
            before = client.get(path)
            status = client.get(f"/api/v1/compliance/{ASSET}/status")
            assert before.json()["waiver"]["status"] == "Expired"
            record_expired_waivers()
            after = client.get(path)
            assert (after.json(), after["ETag"]) == (before.json(), before["ETag"])
            again = client.get(f"/api/v1/compliance/{ASSET}/status")
            assert again.content == status.content
            assert client.get(path, HTTP_IF_NONE_MATCH=before["ETag"]).status_code == 304

    def test_a_worker_is_told_to_look_every_minute(self) -> None:
        (entry,) = [
            entry
            for entry in settings.CELERY_BEAT_SCHEDULE.values()
            if entry["task"] == record_expired_waivers.name
        ]
        assert entry["schedule"] <= 60


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_record_each_expiry_once(token: Token, officer: User) -> None:
    made = {str(approved(officer).pk) for _ in range(20)}
    barrier, counts = Barrier(2), []
    later = timezone.now() + 30 * DAY

    def slowly(events: tuple[EventDraft, ...], **kwargs: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05)")

    def work() -> None:
        try:
            barrier.wait(10)
            counts.append(sum(waivers_record_expired(limit=3) for _ in range(20)))
        finally:
            connection.close()

    event_recorded.connect(slowly)
    try:
        with time_machine.travel(later):
            threads = [Thread(target=work) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
    finally:
        event_recorded.disconnect(slowly)
    assert sum(counts) == 20
    assert min(counts) > 0  # neither waited for the other to be done with all
    ids = [event["referenceId"] for event in event_bodies(EXPIRED)]
    assert len(ids) == 20
    assert set(ids) == made
