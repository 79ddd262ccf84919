"""Refresh with rotation, reuse of a used token, and log-out."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import signatures
from accounts.models import RevokedCredential, User
from accounts.services import user_create, user_update
from audit.models import AuditEvent
from tests.accounts.arc14_headers import (
    ADDRESS,
    PUBLIC,
    ROUND,
    Chain,
    header,
    msig_of,
    payment,
    signature,
)
from tests.accounts.test_login import EMAIL, LOGIN, PASSWORD, PROFILE

pytestmark = pytest.mark.django_db

REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def user(db):
    return user_create(email=EMAIL, password=PASSWORD)


@pytest.fixture
def session(user, anonymous):
    return open_session(anonymous)


@pytest.fixture
def chain(monkeypatch):
    fixed = Chain()
    monkeypatch.setattr(signatures, "chain", lambda: fixed)
    return fixed


def open_session(client, email=EMAIL):
    answer = client.post(LOGIN, {"email": email, "password": PASSWORD}, format="json")
    assert answer.status_code == 200
    return answer.json()


def refresh(client, token):
    return client.post(REFRESH, {"refreshToken": token}, format="json")


def with_header(client_for, value):
    return client_for(None, HTTP_AUTHORIZATION=value)


def test_refresh_answers_fresh_tokens_that_work(user, anonymous, client_for, events):
    with time_machine.travel(NOON, tick=False) as clock:
        old = open_session(anonymous)
        clock.shift(timedelta(minutes=20))
        expired = with_header(client_for, f"Bearer {old['accessToken']}").get(PROFILE)
        assert expired.status_code == 401
        response = refresh(anonymous, old["refreshToken"])
        assert response.status_code == 200
        body = response.json()
        fresh = with_header(client_for, f"Bearer {body['accessToken']}").get(PROFILE)
        assert fresh.json()["userId"] == str(user.pk)
    assert body["refreshToken"] != old["refreshToken"]
    assert body.keys() == {
        "success",
        "accessToken",
        "refreshToken",
        "expiresAt",
        "refreshExpiresAt",
        "correlationId",
        "timestamp",
    }
    assert body["expiresAt"] == "2026-03-02T12:35:00Z"
    assert body["refreshExpiresAt"] == "2026-03-09T12:20:00Z"
    [event] = events("accounts.session.refreshed")
    assert (event["actorId"], event["success"]) == (str(user.pk), True)
    assert events("security.access.denied")[0]["details"]["reason"] == "EXPIRED_TOKEN"


def test_a_used_token_ends_every_session_of_its_user(user, session, anonymous, events):
    other = user_create(email="other@issuer.example", password=PASSWORD)
    others = open_session(anonymous, other.email)
    second = open_session(anonymous)
    fresh = refresh(anonymous, session["refreshToken"]).json()
    response = refresh(anonymous, session["refreshToken"])
    assert response.status_code == 401
    assert response.json()["errorCode"] == "INVALID_REFRESH_TOKEN"
    assert response["WWW-Authenticate"] == 'SigTx realm="BiatecTokens#ARC14", Bearer'
    for token in (fresh["refreshToken"], second["refreshToken"]):
        assert refresh(anonymous, token).status_code == 401
    assert refresh(anonymous, others["refreshToken"]).status_code == 200
    own = [e for e in events("accounts.session.refreshed") if e["referenceId"] == str(user.pk)]
    assert [event["success"] for event in own] == [True, False]
    assert own[1]["details"] == {"reason": "REFRESH_TOKEN_REUSED", "sessions": 2}
    reasons = [event["details"]["reason"] for event in events("security.access.denied")]
    assert reasons == ["REFRESH_TOKEN_REUSED"] * 3
    recorded = "".join(AuditEvent.objects.values_list("body", flat=True))
    assert session["refreshToken"] not in recorded
    assert fresh["refreshToken"] not in recorded


def tampered(token):
    head, payload, mark = token.split(".")
    return f"{head}.{payload}.{('A' if mark[0] != 'A' else 'B') + mark[1:]}"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda session: session["accessToken"], "INVALID_TOKEN"),
        (lambda session: tampered(session["refreshToken"]), "INVALID_TOKEN"),
        (lambda session: "nonsense", "INVALID_TOKEN"),
        (lambda session: "ü" * 10, "INVALID_TOKEN"),
    ],
    ids=["access token", "tampered", "nonsense", "not ASCII"],
)
def test_what_is_no_refresh_token_of_ours_is_refused(session, anonymous, events, make, reason):
    response = refresh(anonymous, make(session))
    assert (response.status_code, response.json()["errorCode"]) == (401, "INVALID_REFRESH_TOKEN")
    assert events("security.access.denied")[0]["details"]["reason"] == reason
    assert events("accounts.session.refreshed") == []
    assert BlacklistedToken.objects.count() == 0
    assert refresh(anonymous, session["refreshToken"]).status_code == 200


def test_a_refresh_token_expires_after_seven_days(user, anonymous, events):
    with time_machine.travel(NOON, tick=False) as clock:
        token = open_session(anonymous)["refreshToken"]
        clock.shift(timedelta(days=7, seconds=1))
        assert refresh(anonymous, token).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "EXPIRED_TOKEN"


def test_a_token_that_was_never_handed_out_is_refused(session, anonymous, events):
    OutstandingToken.objects.all().delete()
    assert refresh(anonymous, session["refreshToken"]).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "UNKNOWN_TOKEN"


def test_deactivation_and_a_new_password_end_sessions(user, administrator, anonymous):
    first = open_session(anonymous)
    user_update(actor=administrator, user=user, password="another long secret")
    assert refresh(anonymous, first["refreshToken"]).status_code == 401
    user.refresh_from_db()
    user.set_password(PASSWORD)
    user.save()
    second = open_session(anonymous)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert refresh(anonymous, second["refreshToken"]).status_code == 401


def test_logout_ends_all_sessions_and_the_access_token(user, anonymous, client_for, events):
    first, second = open_session(anonymous), open_session(anonymous)
    client = with_header(client_for, f"Bearer {first['accessToken']}")
    response = client.post(LOGOUT)
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"success", "message", "correlationId", "timestamp"}
    assert body["message"] == "Logged out; sessions ended: 2."
    [event] = events("accounts.user.logged_out")
    assert event["actorId"] == str(user.pk)
    assert event["details"] == {"sessions": 2, "all": True}
    # However the access token is spelled.
    for spelling in ("Bearer {}", "bearer {}", "Bearer   {}"):
        value = spelling.format(first["accessToken"])
        assert with_header(client_for, value).get(PROFILE).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "REVOKED"
    for token in (first["refreshToken"], second["refreshToken"]):
        assert refresh(anonymous, token).status_code == 401
    # A further log-in is not affected.
    again = open_session(anonymous)["accessToken"]
    assert with_header(client_for, f"Bearer {again}").get(PROFILE).status_code == 200


def test_logout_of_one_session_leaves_the_others(user, anonymous, client_for, events):
    first, second = open_session(anonymous), open_session(anonymous)
    client = with_header(client_for, f"Bearer {first['accessToken']}")
    body = {"refreshToken": first["refreshToken"]}
    assert client.post(LOGOUT, body, format="json").status_code == 200
    assert events("accounts.user.logged_out")[0]["details"] == {"sessions": 1, "all": False}
    assert refresh(anonymous, second["refreshToken"]).status_code == 200
    assert refresh(anonymous, first["refreshToken"]).status_code == 401


def test_nobody_logs_out_the_session_of_another(session, outsider, client_for, anonymous, events):
    body = {"refreshToken": session["refreshToken"]}
    client = client_for(outsider)
    response = client.post(LOGOUT, body, format="json")
    assert (response.status_code, response.json()["errorCode"]) == (401, "INVALID_REFRESH_TOKEN")
    assert events("accounts.user.logged_out") == []
    assert RevokedCredential.objects.count() == 0
    assert client.get(PROFILE).status_code == 200
    assert refresh(anonymous, session["refreshToken"]).status_code == 200


def test_logout_needs_a_caller_and_a_clean_body(outsider, anonymous, client_for):
    assert anonymous.post(LOGOUT).status_code == 401
    client = client_for(outsider)
    assert client.post(LOGOUT, {"everything": True}, format="json").status_code == 400
    assert client.post(LOGOUT, {"refreshToken": 7}, format="json").status_code == 400
    assert RevokedCredential.objects.count() == 0


def test_a_signed_header_is_refused_after_logout_in_every_spelling(chain, client_for, events):
    signed = header(payment())
    assert "+" in signed
    assert with_header(client_for, signed).post(LOGOUT).status_code == 200
    spellings = (
        signed,
        f"Bearer {signed}",
        f"bearer {signed}",
        "SigTx " + signed[6:].replace("+", " "),
    )
    for spelling in spellings:
        signatures.memory.forget_all()
        assert with_header(client_for, spelling).get(PROFILE).status_code == 401
    assert [e["details"]["reason"] for e in events("security.access.denied")] == ["REVOKED"] * 4
    [event] = events("accounts.user.logged_out")
    assert event["actor"] == ADDRESS[1]
    # A header that is signed anew is not affected.
    later = header(payment(lv=ROUND + 989))
    assert with_header(client_for, later).get(PROFILE).status_code == 200


def test_a_revoked_multisig_stays_revoked_with_other_signatures(chain, client_for):
    account = msig_of([PUBLIC[n] for n in (1, 2, 3)], 2)
    txn = payment(snd=account, rcv=account)

    def signed_by(*signers):
        subsig = [
            {"pk": PUBLIC[n], "s": signature(txn, n)} if n in signers else {"pk": PUBLIC[n]}
            for n in (1, 2, 3)
        ]
        return header(txn, msig={"subsig": subsig, "thr": 2, "v": 1})

    assert with_header(client_for, signed_by(1, 2)).post(LOGOUT).status_code == 200
    for signers in ((2, 3), (1, 3), (1, 2, 3)):
        assert with_header(client_for, signed_by(*signers)).get(PROFILE).status_code == 401


def test_a_revoked_header_stays_revoked_when_its_user_lost_the_address(chain, client_for, events):
    signed = header(payment())
    with_header(client_for, signed).post(LOGOUT)
    User.objects.filter(address=ADDRESS[1]).update(address=None, email="kept@issuer.example")
    assert with_header(client_for, signed).get(PROFILE).status_code == 401
    assert not User.objects.filter(address=ADDRESS[1]).exists()


@pytest.mark.parametrize("kind", ["Bearer", "SigTx"])
def test_authentication_costs_one_query(kind, chain, outsider, client_for):
    if kind == "SigTx":
        client = with_header(client_for, header(payment()))
        client.get(PROFILE)  # verified once, and its user made
    else:
        client = client_for(outsider)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(PROFILE).status_code == 200
    statements = [query["sql"] for query in queries]
    assert len(statements) == 3  # the user, the roles, the memberships
    assert "accounts_revokedcredential" in statements[0]
    assert "auth_group" in statements[1]
    assert "accounts_issuermember" in statements[2]
