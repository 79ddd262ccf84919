"""An attestation that is about to expire is told of 30, 7 and 1 days ahead, once each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Issuer, User
from attestations.models import Attestation, AttestationReminder
from attestations.reminders import attestations_remind_expiring
from attestations.services import attestation_fail, attestation_revoke, attestation_verify
from attestations.tasks import remind_of_expiring_attestations
from tests import factories
from tests.attestations.bodies import attest
from tests.factories import VOI, event_bodies, wallet

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
EXPIRING = "attestations.attestation.expiring"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def days() -> list[int]:
    return [event["details"]["daysAhead"] for event in event_bodies(EXPIRING)]


@pytest.mark.django_db
class TestReminders:
    def test_each_day_is_told_of_once_and_at_its_very_moment(self, clock: Any, owner: User) -> None:
        expiry = START + 90 * DAY
        attest(owner, expires_at=expiry)
        told = []
        for ahead in (30, 7, 1):
            clock.move_to(expiry - ahead * DAY - TICK)
            assert remind_of_expiring_attestations() == 0
            clock.move_to(expiry - ahead * DAY)
            assert remind_of_expiring_attestations() == 1
            assert remind_of_expiring_attestations() == 0
            told.append(ahead)
            assert days() == told
        clock.move_to(expiry - TICK)
        assert remind_of_expiring_attestations() == 0

    def test_the_event_says_what_expires_and_when(
        self, clock: Any, owner: User, officer: User, issuer: Issuer
    ) -> None:
        factories.TokenFactory.create(asset_id=8, network=VOI, issuer=issuer)
        row = attest(
            owner,
            asset_id=8,
            attestation_type="KYC",
            notes="Jane Roe",
            expires_at=START + 30 * DAY,
        )
        attestation_verify(actor=officer, attestation_id=row.pk)
        attestations_remind_expiring()
        (event,) = event_bodies(EXPIRING)
        assert (event["referenceType"], event["referenceId"]) == ("attestation", str(row.pk))
        assert (event["assetId"], event["network"]) == ("8", VOI)
        assert (event["issuerId"], event["actor"]) == (str(issuer.pk), "system")
        assert event["affectedAddress"] == row.wallet_address
        assert event["details"] == {
            "subjectType": "Wallet",
            "attestationType": "KYC",
            "daysAhead": 30,
            "expiresAt": "2026-03-31T12:00:00Z",
        }
        assert "Jane" not in str(event)

    @pytest.mark.parametrize(
        ("ahead", "told"), [(30, [30]), (29, [30]), (7.5, [30]), (7, [7]), (2, [7]), (0.5, [1])]
    )
    def test_a_worker_that_slept_sends_the_nearest_alone(
        self, clock: Any, owner: User, ahead: float, told: list[int]
    ) -> None:
        attest(owner, expires_at=START + 90 * DAY)
        clock.move_to(START + (90 - ahead) * DAY)
        assert remind_of_expiring_attestations() == 1
        assert days() == told

    @pytest.mark.parametrize("late", [timedelta(0), DAY])
    def test_what_has_expired_is_not_about_to(
        self, clock: Any, owner: User, late: timedelta
    ) -> None:
        attest(owner, expires_at=START + 90 * DAY)
        clock.move_to(START + 90 * DAY + late)
        assert remind_of_expiring_attestations() == 0

    @pytest.mark.parametrize(
        ("lifetime", "told"), [(30, [30, 7, 1]), (29, [7, 1]), (5, [1]), (0.5, [])]
    )
    def test_a_day_before_the_attestation_itself_does_not_count(
        self, clock: Any, owner: User, lifetime: float, told: list[int]
    ) -> None:
        attest(owner, expires_at=START + lifetime * DAY)
        while datetime.now(UTC) < START + lifetime * DAY:
            remind_of_expiring_attestations()
            clock.shift(DAY / 2)
        assert days() == told

    def test_only_what_stands_is_told_of(self, clock: Any, owner: User, officer: User) -> None:
        expiry = START + 60 * DAY
        rows = [attest(owner, wallet_address=wallet(n), expires_at=expiry) for n in range(3)]
        attest(owner, wallet_address=wallet(9))  # never expires
        attestation_fail(actor=officer, attestation_id=rows[0].pk, reason="forged")
        attestation_revoke(actor=officer, attestation_id=rows[1].pk, reason="left")
        clock.move_to(expiry - 30 * DAY)
        remind_of_expiring_attestations()
        told = [event["referenceId"] for event in event_bodies(EXPIRING)]
        assert told == [str(rows[2].pk)]
        attestation_verify(actor=officer, attestation_id=rows[2].pk)
        attestation_revoke(actor=officer, attestation_id=rows[2].pk, reason="left")
        clock.move_to(expiry - 7 * DAY)
        assert remind_of_expiring_attestations() == 0

    def test_many_are_told_of_in_batches_of_constant_cost(
        self, clock: Any, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(7):
            attest(owner, wallet_address=wallet(number), expires_at=START + 30 * DAY)
        costs = []
        for limit, done in ((1, 1), (4, 4)):
            with CaptureQueriesContext(connection) as queries:
                assert attestations_remind_expiring(limit=limit) == done
            costs.append(len(queries))
        assert costs[0] == costs[1]
        monkeypatch.setattr("attestations.tasks._BATCH", 1)
        assert remind_of_expiring_attestations() == 2
        assert len(days()) == 7

    def test_it_is_scheduled(self) -> None:
        (entry,) = [
            one
            for one in settings.CELERY_BEAT_SCHEDULE.values()
            if one["task"] == remind_of_expiring_attestations.name
        ]
        assert entry["schedule"] <= 3600

    def test_the_database_refuses_a_second_one_and_every_change(
        self, clock: Any, owner: User
    ) -> None:
        row = attest(owner, expires_at=START + 30 * DAY)
        attestations_remind_expiring()
        mark = AttestationReminder.objects.get()
        for change in (
            lambda: AttestationReminder.objects.create(attestation=row, days_ahead=30),
            lambda: AttestationReminder.objects.update(days_ahead=7),
            mark.delete,
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        assert AttestationReminder.objects.get().days_ahead == 30


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_tell_of_each_once() -> None:
    owner = factories.UserFactory.create()
    later = datetime.now(UTC) + timedelta(days=60)
    rows = [attest(owner, wallet_address=wallet(number), expires_at=later) for number in range(40)]
    start = Barrier(6)
    counts: list[int] = []

    def work() -> None:
        try:
            start.wait()
            counts.append(sum(attestations_remind_expiring(limit=7) for _ in range(12)))
        finally:
            connection.close()

    with time_machine.travel(later - 30 * DAY, tick=True):
        workers = [Thread(target=work) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        remind_of_expiring_attestations()
    assert len(counts) == 6  # none failed
    told = [event["referenceId"] for event in event_bodies(EXPIRING)]
    assert sorted(told) == sorted(str(row.pk) for row in rows)
    assert AttestationReminder.objects.count() == Attestation.objects.count() == 40
