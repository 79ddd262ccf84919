"""Access tokens: what is no valid token of an active user is a 401 that says nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import User
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"
CHALLENGE = 'SigTx realm="BiatecTokens#ARC14", Bearer'


def claims(user, **changes):
    now = int(timezone.now().timestamp())
    content = {
        "token_type": "access",
        "exp": now + 600,
        "iat": now,
        "jti": uuid4().hex,
        "user_id": str(user.pk),
        "iss": "assayer",
    } | changes
    return {key: value for key, value in content.items() if value is not None}


def encode(content, key=None, algorithm="HS256"):
    return jwt.encode(content, key or settings.SIMPLE_JWT["SIGNING_KEY"], algorithm=algorithm)


def unsigned(content):
    parts = ({"alg": "none", "typ": "JWT"}, content)
    return (
        ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
        + "."
    )


def elevated(user, other):
    """A token of `user` whose payload was changed to name `other`."""
    head, payload, mark = encode(claims(user)).split(".")
    content = json.loads(urlsafe_b64decode(payload + "=="))
    content["user_id"] = str(other.pk)
    changed = urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    return f"{head}.{changed}.{mark}"


BAD = {
    "foreign key": lambda u, o: encode(claims(u), key="x" * 64),
    "alg none": lambda u, o: unsigned(claims(u)),
    "another algorithm": lambda u, o: encode(claims(u), algorithm="HS512"),
    "tampered": elevated,
    "refresh token": lambda u, o: str(RefreshToken.for_user(u)),
    "no type": lambda u, o: encode(claims(u, token_type=None)),
    "no id": lambda u, o: encode(claims(u, jti=None)),
    "no user": lambda u, o: encode(claims(u, user_id=None)),
    "no end": lambda u, o: encode(claims(u, exp=None)),
    "another issuer": lambda u, o: encode(claims(u, iss="elsewhere")),
    "no issuer": lambda u, o: encode(claims(u, iss=None)),
    "nonsense": lambda u, o: "nonsense",
    "not ASCII": lambda u, o: "ü.ü.ü",
    "two words": lambda u, o: f"{encode(claims(u))} {encode(claims(u))}",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(name, owner, officer, client_for, events):
    token = BAD[name](owner, officer)
    response = client_for(None, HTTP_AUTHORIZATION=f"Bearer {token}").get(PROFILE)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == CHALLENGE
    body = response.json()
    assert body["errorCode"] == "AUTHENTICATION_REQUIRED"
    assert body["details"] == {}
    [event] = events("security.access.denied")
    assert event["details"]["reason"] == "INVALID_TOKEN"
    assert event["actor"] == "anonymous"


def test_the_good_token_beside_them_works(owner, client_for):
    answer = client_for(None, HTTP_AUTHORIZATION=f"Bearer {encode(claims(owner))}").get(PROFILE)
    assert answer.json()["userId"] == str(owner.pk)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"is_active": False}, "ACCOUNT_INACTIVE"), (None, "UNKNOWN_USER")],
)
def test_a_user_who_left_is_refused(owner, client_for, events, change, reason):
    client = client_for(owner)
    rows = User.objects.filter(pk=owner.pk)
    rows.update(**change) if change else rows.delete()
    response = client.get(PROFILE)
    assert response.status_code == 401
    assert reason not in response.content.decode()
    assert events("security.access.denied")[0]["details"]["reason"] == reason


def test_an_access_token_ends_after_fifteen_minutes(owner, client_for, events):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = client_for(None, HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(owner)}")
        clock.shift(timedelta(minutes=14, seconds=59))
        assert client.get(PROFILE).status_code == 200
        clock.shift(timedelta(seconds=2))
        assert client.get(PROFILE).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "EXPIRED_TOKEN"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "AUTHENTICATION_REQUIRED"),
        ("", "NO_HEADER"),
        ("  ", "NO_HEADER"),
        ("Basic dXNlcjpwYXNz", "BAD_SCHEME"),
        ("Token abc", "BAD_SCHEME"),
        ("sigtx abc", "BAD_SCHEME"),
        ("Bearer", "INVALID_TOKEN"),
        ("Bearer Bearer SigTx x", "INVALID_TOKEN"),
    ],
)
def test_another_scheme_and_none_at_all_are_refused(client_for, events, value, reason, db):
    headers = {} if value is None else {"HTTP_AUTHORIZATION": value}
    response = client_for(None, **headers).get(PROFILE)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == CHALLENGE
    assert response.json()["errorCode"] == "AUTHENTICATION_REQUIRED"
    [event] = events("security.access.denied")
    assert event["details"]["reason"] == reason
    assert event["details"]["route"] == "api/v1/auth/profile"
    assert User.objects.count() == 0
    assert AuditEvent.objects.count() == 1


def test_the_scheme_word_counts_in_any_case(owner, client_for):
    token = AccessToken.for_user(owner)
    assert client_for(None, HTTP_AUTHORIZATION=f"bearer {token}").get(PROFILE).status_code == 200
