"""Webhook subscriptions by API: their own, secrets shown once, what cannot be is refused."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import Issuer, User
from audit.principal import SYSTEM
from audit.services import record_event
from audit.webhooks.models import MAX_SUBSCRIPTIONS, WebhookDelivery, WebhookSubscription
from audit.webhooks.secrets import secret_open
from audit.webhooks.services import subscription_create
from tests.audit.receiving import Receiver, deliver, receiving, subscribed
from tests.factories import client_for, event_bodies

BASE = "/api/v1/webhooks"
GOOD: dict[str, Any] = {"url": "https://hooks.invalid/x", "eventTypes": ["compliance.*"]}


def post(user: User, path: str, body: Any = None) -> Any:
    return client_for(user).post(f"{BASE}/{path}", body or {}, format="json")


def made(user: User, **more: Any) -> dict[str, Any]:
    response = post(user, "subscriptions", {**GOOD, **more})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.django_db
class TestSubscriptions:
    def test_the_secret_is_shown_once(self, owner: User, officer: User) -> None:
        answer = made(owner, assetIdFilter=7, networkFilter=" VoiMain-v1.0 ", description="ours")
        secret = answer["signingSecret"]
        assert secret.startswith("whsec_")
        subscription = answer["subscription"]
        assert subscription["createdBy"] == owner.label
        assert (subscription["assetIdFilter"], subscription["networkFilter"]) == (7, "voimain-v1.0")
        assert subscription["isActive"] is True
        path = f"{BASE}/subscriptions/{subscription['id']}"
        client = client_for(owner)
        answers = [
            client.get(path),
            client.get(f"{BASE}/subscriptions"),
            client.patch(path, {"description": "theirs"}, format="json"),
            client.put(path, GOOD, format="json"),
            client_for(officer).get(path),
            client_for(officer).get(f"{BASE}/subscriptions"),
            client.delete(path),
        ]
        for one in answers:
            assert one.status_code == 200
            assert "whsec_" not in one.content.decode()
            assert "secret" not in one.json()
        assert secret not in json.dumps(event_bodies())

    def test_the_location_of_a_new_one_answers(self, owner: User) -> None:
        response = post(owner, "subscriptions", GOOD)
        assert client_for(owner).get(response["Location"]).json() == {
            "success": True,
            "subscription": response.json()["subscription"],
        }

    def test_events_say_what_happened_and_not_where(self, owner: User) -> None:
        pk = made(owner, url="https://hooks.invalid/token-in-path")["subscription"]["id"]
        client = client_for(owner)
        path = f"{BASE}/subscriptions/{pk}"
        client.patch(path, {"url": "https://hooks.invalid/other-token"}, format="json")
        client.patch(path, {"url": "https://hooks.invalid/other-token"}, format="json")
        post(owner, f"subscriptions/{pk}/rotate-secret")
        client.patch(path, {"isActive": False}, format="json")
        post(owner, f"subscriptions/{pk}/enable", {"skipMissed": True})
        client.delete(path)
        bodies = [body for body in event_bodies() if body["name"].startswith("audit.webhook.")]
        assert [(body["name"].rpartition(".")[2], body["referenceId"]) for body in bodies] == [
            (what, pk)
            for what in ("created", "updated", "rotated", "disabled", "enabled", "deleted")
        ]
        assert bodies[1]["details"]["fields"] == ["url"]
        assert bodies[3]["details"]["reason"] == "Owner"
        assert "hooks.invalid" not in json.dumps(bodies)

    def test_a_put_replaces_all_and_a_patch_what_is_given(self, owner: User) -> None:
        pk = made(owner, assetIdFilter=7, networkFilter="voimain", description="ours")[
            "subscription"
        ]["id"]
        path, client = f"{BASE}/subscriptions/{pk}", client_for(owner)
        changed = client.patch(path, {"eventTypes": ["*"]}, format="json").json()["subscription"]
        assert (changed["eventTypes"], changed["assetIdFilter"]) == (["*"], 7)
        replaced = client.put(path, GOOD, format="json").json()["subscription"]
        assert replaced["eventTypes"] == ["compliance.*"]
        assert replaced["assetIdFilter"] is replaced["networkFilter"] is None
        assert replaced["description"] == ""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("eventTypes", []),
            ("eventTypes", ["nonsense"]),
            ("eventTypes", ["nonsense.*"]),
            ("eventTypes", ["compliance*"]),
            ("eventTypes", ["**"]),
            ("eventTypes", [""]),
            ("eventTypes", ["*"] * 51),
            ("url", "http://example.com/"),
            ("url", "https://127.0.0.1/"),
            ("url", "https://user:password@example.com/"),
            ("assetIdFilter", 0),
        ],
    )
    def test_what_cannot_be_is_refused_and_changes_nothing(
        self, owner: User, field: str, value: Any
    ) -> None:
        pk = made(owner)["subscription"]["id"]
        before = WebhookSubscription.objects.values().get()
        path = f"{BASE}/subscriptions/{pk}"
        responses = [
            post(owner, "subscriptions", {**GOOD, field: value}),
            client_for(owner).put(path, {**GOOD, field: value}, format="json"),
            client_for(owner).patch(path, {field: value}, format="json"),
        ]
        for response in responses:
            assert response.status_code == 400
            assert {name.partition(".")[0] for name in response.json()["details"]} == {field}
        assert WebhookSubscription.objects.values().get() == before

    def test_nobody_has_more_than_twenty(self, owner: User, outsider: User) -> None:
        for _ in range(MAX_SUBSCRIPTIONS):
            last = made(owner)["subscription"]["id"]
        response = post(owner, "subscriptions", GOOD)
        assert response.status_code == 422
        assert WebhookSubscription.objects.count() == MAX_SUBSCRIPTIONS
        made(outsider)
        client_for(owner).delete(f"{BASE}/subscriptions/{last}")
        made(owner)
        assert WebhookSubscription.objects.count() == MAX_SUBSCRIPTIONS + 1

    def test_an_active_one_is_not_enabled_and_a_disabled_one_sends_nothing(
        self, owner: User
    ) -> None:
        pk = made(owner)["subscription"]["id"]
        assert post(owner, f"subscriptions/{pk}/enable").status_code == 409
        client_for(owner).patch(f"{BASE}/subscriptions/{pk}", {"isActive": False}, format="json")
        event_id = uuid4()
        delivery = WebhookDelivery.objects.create(
            subscription_id=pk, event_id=event_id, event_type="x", event_seq=1
        )
        assert post(owner, f"subscriptions/{pk}/test").status_code == 409
        assert post(owner, f"deliveries/{delivery.pk}/redeliver").status_code == 409
        delivery.refresh_from_db()
        assert delivery.redelivery_at is None

    def test_a_rotated_secret_replaces_the_older_one(self, owner: User) -> None:
        answer = made(owner)
        pk = answer["subscription"]["id"]
        rotated = post(owner, f"subscriptions/{pk}/rotate-secret").json()
        row = WebhookSubscription.objects.get()
        assert row.previous_secret is not None
        assert secret_open(row.secret) == rotated["signingSecret"]
        assert secret_open(row.previous_secret) == answer["signingSecret"]
        assert rotated["subscription"]["previousSecretExpiresAt"] is not None


@pytest.mark.django_db
class TestDeliveries:
    def test_the_counts_are_of_the_whole_filter(self, owner: User, outsider: User) -> None:
        mine = WebhookSubscription.objects.get(pk=made(owner)["subscription"]["id"])
        theirs = WebhookSubscription.objects.get(pk=made(outsider)["subscription"]["id"])
        now = timezone.now()

        def delivery(subscription: WebhookSubscription, **more: Any) -> None:
            WebhookDelivery.objects.create(
                subscription=subscription,
                event_id=uuid4(),
                event_type="x",
                event_seq=1,
                attempt_count=1,
                **more,
            )

        for _ in range(5):
            delivery(mine, delivered_at=now)
        delivery(mine)
        for _ in range(2):
            delivery(mine, next_attempt_at=now + timedelta(minutes=5))
        delivery(theirs)

        def listed(user: User, **query: Any) -> dict[str, Any]:
            body: dict[str, Any] = client_for(user).get(f"{BASE}/deliveries", query).json()
            return body

        body = listed(owner, pageSize=2)
        counts = ("totalCount", "successCount", "failedCount", "pendingRetries")
        assert len(body["deliveries"]) == 2
        assert [body[name] for name in counts] == [8, 5, 3, 2]
        assert [listed(owner, success="false")[name] for name in counts] == [3, 0, 3, 2]
        assert listed(owner, subscriptionId=str(theirs.pk))["totalCount"] == 0
        assert listed(outsider)["totalCount"] == 1
        one = body["deliveries"][0]
        assert listed(owner, eventId=one["eventId"])["totalCount"] == 1
        tomorrow = (now + timedelta(days=1)).date().isoformat()
        assert listed(owner, fromDate=tomorrow)["totalCount"] == 0
        assert listed(owner, toDate=tomorrow)["totalCount"] == 8


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.mark.django_db(transaction=True)
class TestSending:
    def test_a_test_arrives_at_once_and_once(self, receiver: Receiver, owner: User) -> None:
        row, secret = subscribed(owner, receiver.url, "audit.webhook.tested")
        delivery = post(owner, f"subscriptions/{row.pk}/test").json()["delivery"]
        (received,) = receiver.received  # sent after the commit, in this process
        body = Webhook(secret).verify(received.body, received.headers)
        assert (body["type"], body["data"]["id"]) == ("audit.webhook.tested", delivery["eventId"])
        deliver(row)
        assert len(receiver.received) == 1
        listed = client_for(owner).get(f"{BASE}/deliveries").json()["deliveries"]
        assert [one["success"] for one in listed] == [True]
        assert listed[0]["attempts"][0]["statusCode"] == 204

    def test_what_arrived_is_sent_again_under_the_same_id(
        self, receiver: Receiver, owner: User, issuer: Issuer
    ) -> None:
        row, _ = subscribed(owner, receiver.url, "compliance.*")
        with transaction.atomic():
            record_event("compliance.metadata.read", actor=SYSTEM, issuer_id=issuer.pk)
        deliver(row)
        delivery = WebhookDelivery.objects.get()
        assert post(owner, f"deliveries/{delivery.pk}/redeliver").status_code == 200
        first, second = receiver.received
        assert (first.event_id, first.body) == (second.event_id, second.body)
        delivery.refresh_from_db()
        assert (delivery.attempt_count, delivery.redelivery_at) == (2, None)
        assert len(event_bodies("audit.webhook.redelivered")) == 1

    def test_an_officer_disables_in_the_admin_and_an_auditor_does_not(
        self, owner: User, officer: User, auditor: User
    ) -> None:
        row = subscription_create(actor=owner, url=GOOD["url"], event_types=["*"]).subscription
        page = reverse("admin:audit_webhooksubscription_changelist")
        form = {"action": "disable_selected", "_selected_action": [str(row.pk)]}
        for user, active in ((auditor, True), (officer, False)):
            client = Client()
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            client.post(page, form)
            row.refresh_from_db()
            assert row.is_active is active
        assert row.disabled_reason == "Officer"
        shown = client.get(reverse("admin:audit_webhooksubscription_change", args=[row.pk]))
        assert shown.status_code == 200
        assert "whsec_" not in shown.text
