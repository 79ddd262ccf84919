"""Webhooks arrive signed, in the order of the log, at least once, whoever is killed meanwhile."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Issuer, IssuerMember, User
from audit.principal import SYSTEM
from audit.services import record_event
from audit.tasks import deliver_due_webhooks
from audit.webhooks.delivery import BACKOFF, subscriptions_due
from audit.webhooks.models import WebhookDelivery, WebhookSubscription
from audit.webhooks.services import secret_rotate, subscription_enable, subscription_update
from tests.audit.receiving import Received, Receiver, deliver, receiving, subscribed
from tests.factories import ARAMID, VOI, event_bodies, member_of, wait_for_horizon

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def happen(issuer: Issuer, number: int = 1, name: str = "compliance.metadata.read", **more: Any):
    """Record that many events of the issuer's; return their ids in the order of the log."""
    found = [
        record_event(name, actor=SYSTEM, issuer_id=issuer.pk, item_count=count, **more)
        for count in range(number)
    ]
    wait_for_horizon()
    return [str(one) for one in found]


def fresh(row: WebhookSubscription) -> WebhookSubscription:
    return WebhookSubscription.objects.get(pk=row.pk)


class TestArrival:
    def test_what_arrives_is_signed_and_says_the_event(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, secret = subscribed(owner, receiver.url, "compliance.status.changed")
        (event_id,) = happen(
            issuer,
            name="compliance.status.changed",
            network=VOI,
            asset_id=50001,
            old_status="Unknown",
            new_status="Compliant",
        )
        assert deliver(row) == 1
        (received,) = receiver.received
        body = Webhook(secret).verify(received.body, received.headers)
        (event,) = event_bodies("compliance.status.changed")
        assert body["type"] == "compliance.status.changed"
        assert body["timestamp"] == event["occurredAt"]
        assert body["data"]["id"] == received.event_id == event_id
        assert (body["data"]["oldStatus"], body["data"]["newStatus"]) == ("Unknown", "Compliant")
        assert (body["data"]["assetId"], body["data"]["network"]) == (50001, VOI)
        assert body["data"]["issuerId"] == str(issuer.pk)
        assert received.path == "/hooks?of=us"
        assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert received.headers["content-type"] == "application/json"
        delivery = WebhookDelivery.objects.get()
        assert (delivery.success, delivery.status_code, delivery.attempt_count) == (True, 204, 1)
        assert delivery.attempts[0]["status_code"] == 204

    def test_everything_arrives_in_the_order_of_the_log(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url)
        expected = happen(issuer, 30)
        assert deliver(row) >= 30
        got = [one for one in receiver.event_ids if one in expected]
        assert got == expected
        assert deliver(row) == 0
        assert subscriptions_due() == []

    def test_only_what_was_asked_for_arrives(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(
            owner,
            receiver.url,
            "compliance.metadata.*",
            "compliance.report.read",
            asset_id=7,
            network="voimain",
        )
        wanted = happen(issuer, 2, network=VOI, asset_id=7)
        happen(issuer, name="compliance.status.changed", network=VOI, asset_id=7)
        happen(issuer, network=VOI, asset_id=8)
        happen(issuer, network=ARAMID, asset_id=7)
        happen(issuer)
        deliver(row)
        assert receiver.event_ids == wanted

    def test_nothing_from_before_the_subscription_arrives(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        happen(issuer, 3)
        row, _ = subscribed(owner, receiver.url)
        deliver(row)
        types = [json.loads(one.body)["type"] for one in receiver.received]
        assert types == ["audit.webhook.created"]  # it is about the subscription itself

    def test_deliveries_record_no_events(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url)
        happen(issuer, 2)
        before = len(event_bodies())
        assert deliver(row) == 3
        assert len(event_bodies()) == before

    def test_the_sweep_delivers(self, receiver: Receiver, owner: User, issuer: Issuer) -> None:
        subscribed(owner, receiver.url, "compliance.*")
        expected = happen(issuer, 2)
        assert deliver_due_webhooks() == 1
        assert receiver.event_ids == expected
        assert deliver_due_webhooks() == 0


class TestVisibility:
    def test_a_foreign_subscriber_gets_nothing(
        self, receiver: Receiver, outsider: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(outsider, receiver.url)
        happen(issuer, 3)
        deliver(row)
        types = [json.loads(one.body)["type"] for one in receiver.received]
        assert types == ["audit.webhook.created"]

    def test_who_lost_the_issuer_midway_gets_nothing_more(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        first, *_ = happen(issuer, 3)

        def lose(received: Received) -> tuple[int, dict[str, str]]:
            IssuerMember.objects.filter(user=owner).delete()
            connection.close()
            return 200, {}

        receiver.answer = lose
        assert deliver(row) == 1
        assert receiver.event_ids == [first]

    def test_a_retry_of_what_is_not_visible_any_more_is_given_up(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        happen(issuer, 1)
        receiver.answer = lambda _: (500, {})
        deliver(row)
        IssuerMember.objects.filter(user=owner).delete()
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            assert deliver(row) == 0
        assert len(receiver.received) == 1
        delivery = WebhookDelivery.objects.get()
        assert (delivery.next_attempt_at, delivery.error_code) == (None, "NoLongerVisible")
        assert fresh(row).is_active

    def test_a_deactivated_owner_gets_nothing_and_the_subscription_says_so(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url)
        User.objects.filter(pk=owner.pk).update(is_active=False)
        happen(issuer, 2)
        assert deliver(row) == 0
        assert receiver.received == []
        assert (fresh(row).is_active, fresh(row).disabled_reason) == (False, "OwnerInactive")
        (event,) = event_bodies("audit.webhook.disabled")
        assert event["details"]["reason"] == "OwnerInactive"


class TestFailures:
    def test_a_receiver_killed_and_started_again_loses_nothing(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        expected = happen(issuer, 10)

        def die_at_the_fifth(received: Received) -> tuple[int, dict[str, str]]:
            if len(receiver.received) == 5:
                receiver.answer = lambda _: (204, {})
                threading.Thread(target=receiver.kill).start()
                raise ConnectionError  # got it, and never answered
            return 204, {}

        receiver.answer = die_at_the_fifth
        assert deliver(row) == 4
        assert fresh(row).retry_at is not None
        assert deliver(row) == 0  # not before its time
        receiver.kill()
        receiver.start()
        with time_machine.travel(timezone.now() + timedelta(seconds=6)):
            assert deliver(row) == 6
        assert receiver.event_ids == [*expected[:5], *expected[4:]]
        assert WebhookDelivery.objects.filter(delivered_at=None).count() == 0

    def test_the_schedule_ends_after_a_day_with_a_notice(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        first, second = happen(issuer, 2)
        receiver.answer = lambda _: (503, {})
        begun = now = timezone.now()
        for number, wait in enumerate(BACKOFF, start=1):
            with time_machine.travel(now, tick=False):
                assert deliver(row) == 0
                assert len(receiver.received) == number
                assert fresh(row).retry_at == now + wait
            with time_machine.travel(now + wait - timedelta(seconds=1), tick=False):
                deliver(row)
                assert len(receiver.received) == number
            now += wait
        assert fresh(row).is_active
        assert timedelta(hours=24) <= now - begun <= timedelta(hours=25)
        with time_machine.travel(now, tick=False):
            deliver(row)
        assert receiver.event_ids == [first] * (len(BACKOFF) + 1)
        assert (fresh(row).is_active, fresh(row).disabled_reason) == (False, "DeliveryFailed")
        (event,) = event_bodies("audit.webhook.disabled")
        assert event["details"] == {
            "ownerId": str(owner.pk),
            "reason": "DeliveryFailed",
            "eventId": first,
        }
        assert event["referenceId"] == str(row.pk)
        assert subscriptions_due() == []
        # Enabled again, it goes on where it stopped.
        receiver.answer = lambda _: (200, {})
        subscription_enable(actor=owner, subscription_id=row.pk)
        assert deliver(row) == 2
        assert receiver.event_ids[-2:] == [first, second]

    def test_enabled_with_what_was_missed_left_out(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        subscription_update(actor=owner, subscription_id=row.pk, changes={}, is_active=False)
        happen(issuer, 2)
        assert deliver(row) == 0
        subscription_enable(actor=owner, subscription_id=row.pk, skip_missed=True)
        wanted = happen(issuer, 1)
        assert deliver(row) == 1
        assert receiver.event_ids == wanted

    def test_gone_disables_at_once(self, receiver: Receiver, owner: User, issuer: Issuer) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        happen(issuer, 2)
        receiver.answer = lambda _: (410, {})
        deliver(row)
        assert len(receiver.received) == 1
        assert fresh(row).disabled_reason == "Gone"
        assert WebhookDelivery.objects.get().next_attempt_at is None

    @pytest.mark.parametrize(
        ("retry_after", "seconds"),
        [("120", 120), ("1", 5), ("999999999", 36_000), ("soon", 5), ("-1", 5), ("٣", 5)],
    )
    def test_retry_after_is_respected(
        self, receiver: Receiver, owner: User, issuer: Issuer, retry_after: str, seconds: int
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        happen(issuer, 1)
        receiver.answer = lambda _: (429, {"Retry-After": retry_after.encode().decode("latin-1")})
        now = timezone.now()
        with time_machine.travel(now, tick=False):
            deliver(row)
        assert fresh(row).retry_at == now + timedelta(seconds=seconds)

    def test_another_url_is_tried_at_once(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, "http://127.0.0.1:9/", "compliance.*")
        expected = happen(issuer, 1)
        deliver(row)
        assert WebhookDelivery.objects.get().error_code == "Connection"
        subscription_update(actor=owner, subscription_id=row.pk, changes={"url": receiver.url})
        assert deliver(row) == 1
        assert receiver.event_ids == expected


class TestSecrets:
    def test_for_a_day_after_a_rotation_both_secrets_sign(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, first = subscribed(owner, receiver.url, "compliance.*")
        second = secret_rotate(actor=owner, subscription_id=row.pk).secret
        third = secret_rotate(actor=owner, subscription_id=row.pk).secret
        happen(issuer, 1)
        deliver(row)
        (received,) = receiver.received
        for secret in (second, third):
            assert Webhook(secret).verify(received.body, received.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(first).verify(received.body, received.headers)
        with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
            happen(issuer, 1)
            deliver(row)
            late = receiver.received[-1]
            assert Webhook(third).verify(late.body, late.headers)
            with pytest.raises(WebhookVerificationError):
                Webhook(second).verify(late.body, late.headers)

    def test_no_secret_is_kept_as_it_is(self, receiver: Receiver, owner: User) -> None:
        row, secret = subscribed(owner, receiver.url)
        kept = fresh(row)
        assert secret.encode() not in bytes(kept.secret)
        assert len(bytes(kept.secret)) > len(secret)

    def test_a_secret_of_another_key_is_a_fault_that_a_rotation_mends(
        self, receiver: Receiver, owner: User, issuer: Issuer, settings: Any
    ) -> None:
        row, secret = subscribed(owner, receiver.url, "compliance.*")
        happen(issuer, 1)
        old, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5
        deliver(row)
        assert receiver.received == []
        assert WebhookDelivery.objects.get().error_code == "SecretUnreadable"
        settings.SECRET_KEY_FALLBACKS = [old]
        with time_machine.travel(timezone.now() + timedelta(seconds=6)):
            assert deliver(row) == 1
            (received,) = receiver.received
            assert Webhook(secret).verify(received.body, received.headers)


class TestConcurrency:
    def test_two_workers_send_nothing_twice(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        expected = happen(issuer, 20)
        counts: list[int] = []

        def work() -> None:
            try:
                counts.append(deliver(row))
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        while sum(counts) < 20:
            counts.append(deliver(row))
        assert receiver.event_ids == expected

    def test_a_worker_that_is_gone_is_replaced_when_its_lease_ends(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        expected = happen(issuer, 1)
        WebhookSubscription.objects.update(
            lease=row.pk, lease_until=timezone.now() + timedelta(seconds=100)
        )
        assert deliver(row) == 0
        assert subscriptions_due() == []
        with time_machine.travel(timezone.now() + timedelta(seconds=101)):
            assert subscriptions_due() == [row.pk]
            assert deliver(row) == 1
        assert receiver.event_ids == expected

    @pytest.mark.postgres
    def test_an_event_that_commits_late_is_not_skipped(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        inserted, release = threading.Event(), threading.Event()
        late: list[str] = []

        def slow_writer() -> None:
            try:
                with transaction.atomic():
                    event = record_event(
                        "compliance.metadata.read", actor=SYSTEM, issuer_id=issuer.pk
                    )
                    late.append(str(event))
                    inserted.set()
                    release.wait(20)
            finally:
                connection.close()

        thread = threading.Thread(target=slow_writer)
        thread.start()
        assert inserted.wait(10)
        early = record_event("compliance.metadata.read", actor=SYSTEM, issuer_id=issuer.pk)
        from audit.webhooks.delivery import subscription_deliver

        assert subscription_deliver(subscription_id=row.pk) == 0
        release.set()
        thread.join()
        assert deliver(row) == 2
        assert receiver.event_ids == [*late, str(early)]

    def test_a_deleted_membership_is_not_remembered(
        self, receiver: Receiver, issuer: Issuer
    ) -> None:
        viewer = member_of(issuer, "Viewer")
        row, _ = subscribed(viewer, receiver.url, "compliance.*")
        happen(issuer, 1)
        assert deliver(row) == 1
        IssuerMember.objects.filter(user=viewer).delete()
        happen(issuer, 1)
        assert deliver(row) == 0
        assert len(receiver.received) == 1
