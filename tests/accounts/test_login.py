"""Log-in by e-mail address and password, and its lock-out."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.models import User
from accounts.services import user_create, user_update
from audit.models import AuditEvent
from tests.factories import wallet

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login"
PROFILE = "/api/v1/auth/profile"
EMAIL, PASSWORD = "ines@issuer.example", "a long enough secret"
WRONG = "not the secret at all"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def user(db):
    return user_create(
        email=EMAIL, address=wallet(77), password=PASSWORD, full_name="Ines Suer", roles=["Auditor"]
    )


def log_in(client, email=EMAIL, password=PASSWORD, **more):
    return client.post(LOGIN, {"email": email, "password": password, **more}, format="json")


def fail(client, times, email=EMAIL):
    return [log_in(client, email, WRONG).status_code for _ in range(times)]


def everything_recorded():
    return "\n".join(AuditEvent.objects.values_list("body", flat=True))


def test_login_answers_tokens_that_work(user, anonymous, client_for, events):
    with time_machine.travel(NOON, tick=False):
        response = log_in(anonymous)
        body = response.json()
        assert response.status_code == 200
        profile = client_for(None, HTTP_AUTHORIZATION=f"Bearer {body['accessToken']}").get(PROFILE)
        assert profile.status_code == 200
        assert profile.json()["userId"] == str(user.pk)
    access, refresh = body.pop("accessToken"), body.pop("refreshToken")
    assert access != refresh
    assert body.pop("correlationId") == response["X-Correlation-ID"]
    assert body == {
        "success": True,
        "userId": str(user.pk),
        "email": EMAIL,
        "fullName": "Ines Suer",
        "algorandAddress": wallet(77),
        "expiresAt": "2026-03-02T12:15:00Z",
        "refreshExpiresAt": "2026-03-09T12:00:00Z",
        "timestamp": "2026-03-02T12:00:00Z",
    }
    [event] = events("accounts.user.logged_in")
    assert (event["actorId"], event["referenceId"]) == (str(user.pk), str(user.pk))
    user.refresh_from_db()
    assert user.last_login == NOON


def test_neither_tokens_nor_passwords_are_kept(user, anonymous, caplog):
    body = log_in(anonymous).json()
    fail(anonymous, 1)
    [row] = OutstandingToken.objects.all()
    assert (row.user, row.token) == (user, "")
    for secret in (body["accessToken"], body["refreshToken"], PASSWORD, WRONG):
        assert secret not in everything_recorded()
        assert secret not in caplog.text


def test_the_address_counts_in_any_case(user, anonymous):
    assert log_in(anonymous, "  INES@Issuer.Example ").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, PASSWORD + " "), (EMAIL, PASSWORD.upper()), ("nobody@issuer.example", PASSWORD)],
)
def test_unknown_and_wrong_are_answered_alike(user, anonymous, events, email, password):
    response = log_in(anonymous, email, password)
    assert response.status_code == 401
    body = response.json()
    assert (body["errorCode"], body["errorMessage"], body["details"]) == (
        "INVALID_CREDENTIALS",
        "The e-mail address or the password is wrong.",
        {},
    )
    assert response["WWW-Authenticate"] == 'SigTx realm="BiatecTokens#ARC14", Bearer'
    assert OutstandingToken.objects.count() == 0
    assert events("accounts.user.logged_in") == []
    [event] = events("accounts.user.login_failed")
    assert event["success"] is False
    assert event["actor"] == "anonymous"
    assert event["details"] == {"reason": "INVALID_CREDENTIALS"}
    assert event.get("referenceId") == (str(user.pk) if email == EMAIL else None)
    [denied] = events("security.access.denied")
    assert denied["details"]["reason"] == "INVALID_CREDENTIALS"
    assert email not in everything_recorded()


def test_both_refusals_cost_one_hash(user, anonymous, monkeypatch):
    # The time of an answer must not say whether the address is known.
    hashed = []
    original = User.set_password
    check = User.check_password
    monkeypatch.setattr(User, "set_password", lambda *a: hashed.append("set") or original(*a))
    monkeypatch.setattr(User, "check_password", lambda *a: hashed.append("check") or check(*a))
    log_in(anonymous, "nobody@issuer.example")
    log_in(anonymous, EMAIL, WRONG)
    assert hashed == ["set", "check"]


def test_an_inactive_user_is_refused_like_a_wrong_password(user, administrator, anonymous, events):
    user_update(actor=administrator, user=user, is_active=False)
    response = log_in(anonymous)
    assert (response.status_code, response.json()["errorCode"]) == (401, "INVALID_CREDENTIALS")
    assert events("accounts.user.logged_in") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": "x"}, "email"),
        ({"email": EMAIL}, "password"),
        ({"email": "no address", "password": "x"}, "email"),
        ({"email": 7, "password": "x"}, "email"),
        ({"email": f"{'a' * 250}@b.example", "password": "x"}, "email"),
        ({"email": EMAIL, "password": 12345}, "password"),
        ({"email": EMAIL, "password": ""}, "password"),
        ({"email": EMAIL, "password": "x" * 1001}, "password"),
        ({"email": EMAIL, "password": "a\x00b"}, "password"),
        ({"email": EMAIL, "password": "x", "remember": True}, "remember"),
    ],
)
def test_a_malformed_body_is_no_attempt(user, anonymous, events, body, field):
    response = anonymous.post(LOGIN, body, format="json")
    assert response.status_code == 400
    assert list(response.json()["details"]) == [field]
    assert events("accounts.user.login_failed") == []


def test_an_unknown_parameter_is_refused(user, anonymous):
    response = anonymous.post(f"{LOGIN}?password=x", {}, format="json")
    assert response.status_code == 400
    assert "password" in response.json()["details"]


def test_a_bad_header_does_not_keep_anybody_from_logging_in(user, client_for):
    assert log_in(client_for(None, HTTP_AUTHORIZATION="Bearer expired")).status_code == 200


def test_five_failures_lock_the_account_for_thirty_minutes(user, anonymous, events):
    with time_machine.travel(NOON, tick=False) as clock:
        assert fail(anonymous, 5) == [401] * 5
        clock.shift(timedelta(minutes=1, milliseconds=-500))
        response = log_in(anonymous)
        assert response.status_code == 423
        assert response["Retry-After"] == "1741"  # 1740.5 s: never a second too early
        body = response.json()
        assert (body["errorCode"], body["retryable"]) == ("ACCOUNT_LOCKED", True)
        assert body["path"] == LOGIN
        clock.shift(timedelta(minutes=28, seconds=59))
        # Attempts during the lock, right or wrong, do not prolong it.
        assert fail(anonymous, 1) == [423]
        assert log_in(anonymous).status_code == 423
        assert OutstandingToken.objects.count() == 0
        clock.shift(timedelta(seconds=2))
        assert log_in(anonymous).status_code == 200
    [locked] = events("accounts.user.locked")
    assert (locked["referenceId"], locked["details"]) == (str(user.pk), {"seconds": 1800})
    reasons = [event["details"]["reason"] for event in events("accounts.user.login_failed")]
    assert reasons == ["INVALID_CREDENTIALS"] * 5 + ["ACCOUNT_LOCKED"] * 3
    denied = [event["details"]["reason"] for event in events("security.access.denied")]
    assert denied == reasons


def test_the_count_begins_anew_after_a_lock_and_after_a_success(user, anonymous):
    with time_machine.travel(NOON, tick=False) as clock:
        fail(anonymous, 5)
        clock.shift(timedelta(minutes=31))
        assert fail(anonymous, 4) == [401] * 4
        assert log_in(anonymous).status_code == 200
        assert fail(anonymous, 5) == [401] * 5
        assert fail(anonymous, 1) == [423]


def test_failures_count_for_the_account_whatever_its_spelling_and_origin(user, anonymous):
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(5):
            clock.shift(timedelta(minutes=5))
            anonymous.credentials(
                REMOTE_ADDR=f"192.0.2.{number}", HTTP_USER_AGENT=f"browser {number}"
            )
            spelling = EMAIL.upper() if number % 2 else EMAIL
            assert log_in(anonymous, spelling, WRONG).status_code == 401
        anonymous.credentials(REMOTE_ADDR="198.51.100.1")
        assert log_in(anonymous)["Retry-After"] == "1800"
        # Thirty minutes from the fifth failure, not from the first that is forgotten.
        clock.shift(timedelta(minutes=29))
        assert log_in(anonymous).status_code == 423
        clock.shift(timedelta(minutes=2))
        assert log_in(anonymous).status_code == 200


def test_an_unknown_account_locks_like_a_known_one(user, anonymous, events):
    assert fail(anonymous, 6, "nobody@issuer.example") == [401] * 5 + [423]
    assert "referenceId" not in events("accounts.user.locked")[0]
    assert log_in(anonymous).status_code == 200


@pytest.mark.parametrize("password", ["", "!", "None"])
def test_a_user_without_a_password_cannot_log_in(anonymous, password):
    user_create(email="wallet@issuer.example", address=wallet(78))
    response = log_in(anonymous, "wallet@issuer.example", password)
    assert response.status_code == (401 if password else 400)
    assert OutstandingToken.objects.count() == 0


def test_log_in_and_refresh_are_limited_by_address(user, anonymous, settings):
    settings.RATE_LIMIT_LOGIN = "3/m"
    assert log_in(anonymous).status_code == 200
    refresh = {"refreshToken": "nonsense"}
    assert anonymous.post("/api/v1/auth/refresh", refresh, format="json").status_code == 401
    assert fail(anonymous, 1) == [401]
    response = log_in(anonymous)
    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    anonymous.credentials(REMOTE_ADDR="198.51.100.9")
    assert log_in(anonymous).status_code == 200


def test_while_the_cache_is_broken_nobody_logs_in(user, anonymous, settings, monkeypatch, events):
    settings.RATE_LIMIT_LOGIN = "10/m"

    def broken(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("config.api.throttling.get_usage", broken)
    assert log_in(anonymous).status_code == 429
    assert events("accounts.user.logged_in") == []


def test_the_answer_is_json_also_for_a_locked_xhr(user, anonymous):
    fail(anonymous, 5)
    anonymous.credentials(HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    response = log_in(anonymous)
    assert response.status_code == 423
    assert json.loads(response.content)["errorCode"] == "ACCOUNT_LOCKED"
    assert "cooloff_time" not in response.content.decode()
