"""The admin's log-in: the same lock-out and the same events as the API's."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.services import user_create
from audit.models import AuditEvent
from tests.accounts.test_login import LOGIN

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD, WRONG = "olga@assayer.example", "a long enough secret", "not the secret at all"
PAGE, INDEX = reverse("admin:login"), reverse("admin:index")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def user(db):
    return user_create(email=EMAIL, password=PASSWORD, roles=["ComplianceOfficer"])


def log_in(client, email=EMAIL, password=PASSWORD):
    return client.post(f"{PAGE}?next={INDEX}", {"username": email, "password": password})


def test_staff_log_in_and_out_and_both_are_recorded(user, client, events):
    response = log_in(client, "OLGA@assayer.example")
    assert (response.status_code, response.url) == (302, INDEX)
    assert client.get(INDEX).status_code == 200
    [event] = events("accounts.user.logged_in")
    assert (event["actorId"], event["source"]) == (str(user.pk), "Admin")
    client.post(reverse("admin:logout"))
    assert client.get(INDEX).status_code == 302
    [event] = events("accounts.user.logged_out")
    assert event["referenceId"] == str(user.pk)


def test_five_failures_lock_both_doors(user, client, anonymous, events):
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(5):
            response = log_in(client, EMAIL.upper() if number % 2 else EMAIL, WRONG)
            assert response.status_code == 200
            assert "Please enter the correct" in response.content.decode()
        assert log_in(client).status_code == 423
        by_api = anonymous.post(LOGIN, {"email": EMAIL, "password": PASSWORD}, format="json")
        assert by_api.status_code == 423
        assert client.get(INDEX).status_code == 302
        clock.shift(timedelta(minutes=30, seconds=1))
        assert log_in(client).status_code == 302
    assert len(events("accounts.user.locked")) == 1
    reasons = [event["details"]["reason"] for event in events("accounts.user.login_failed")]
    assert reasons == ["INVALID_CREDENTIALS"] * 5 + ["ACCOUNT_LOCKED"] * 2
    assert {e["referenceId"] for e in events("accounts.user.login_failed")} == {str(user.pk)}


def test_failures_by_the_api_count_here_too(user, client, anonymous):
    for _ in range(5):
        anonymous.post(LOGIN, {"email": EMAIL, "password": WRONG}, format="json")
    assert log_in(client).status_code == 423


def test_somebody_without_a_role_stays_outside_and_that_is_recorded(client, events):
    user = user_create(email="issuer@assayer.example", password=PASSWORD)
    response = log_in(client, "issuer@assayer.example")
    assert response.status_code == 200
    assert client.get(INDEX).status_code == 302
    [denied] = events("security.access.denied")
    assert denied["actorId"] == str(user.pk)
    assert denied["details"]["reason"] == "NO_ROLE"
    assert events("accounts.user.logged_in") == []


@pytest.mark.parametrize(
    "name", ["nobody", "", "x" * 300 + "@b.example", "a\x00@b.example", "' OR 1=1 --"]
)
def test_what_is_no_address_is_no_attempt(user, client, name):
    response = log_in(client, name, WRONG)
    assert response.status_code == 200
    assert AuditEvent.objects.exclude(name="accounts.user.registered").count() == 0


def test_a_password_is_in_no_event(user, client, caplog):
    log_in(client, EMAIL, WRONG)
    log_in(client)
    recorded = "".join(AuditEvent.objects.values_list("body", flat=True))
    for secret in (PASSWORD, WRONG):
        assert secret not in recorded
        assert secret not in caplog.text


def test_csrf_is_required(user):
    assert log_in(Client(enforce_csrf_checks=True)).status_code == 403


def test_a_changed_password_is_recorded_and_ends_sessions(user, client, anonymous, events):
    credentials = {"email": EMAIL, "password": PASSWORD}
    session = anonymous.post(LOGIN, credentials, format="json").json()
    log_in(client)
    page, new = reverse("admin:password_change"), "another long enough secret"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    weak = {**form, "new_password1": "short", "new_password2": "short"}
    for wrong in ({**form, "old_password": WRONG}, weak, {**form, "new_password2": WRONG}):
        assert client.post(page, wrong).status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert events("accounts.user.updated") == []

    assert client.post(page, form).status_code == 302
    assert client.get(INDEX).status_code == 200  # this session goes on
    user.refresh_from_db()
    assert user.check_password(new)
    [event] = events("accounts.user.updated")
    assert (event["actorId"], event["referenceId"]) == (str(user.pk), str(user.pk))
    assert event["details"] == {"fields": ["password"]}
    assert new not in json.dumps(event)
    again = {"refreshToken": session["refreshToken"]}
    assert anonymous.post(f"{LOGIN[:-5]}refresh", again, format="json").status_code == 401
