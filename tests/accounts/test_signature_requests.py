"""`SigTx` through a real request: every vector, the first signature, expiry, and what is told."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import signatures
from accounts.arc14.signer import sign_arc14
from accounts.models import RoundAnchor, User
from accounts.services import users
from audit.models import AuditEvent
from tests.accounts.arc14_headers import (
    ADDRESS,
    KEYS,
    REALM,
    ROUND,
    VECTORS,
    Chain,
    header,
    payment,
)

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"
CHALLENGE = 'SigTx realm="BiatecTokens#ARC14", Bearer'
VOI = "voimain-v1.0"
GOOD = [row for row in VECTORS if row["expect"]["ok"]]
BAD = [row for row in VECTORS if not row["expect"]["ok"]]


@pytest.fixture
def around(monkeypatch, settings):
    """Put the world of a vector around the API: its round, its rekeyed accounts, its realms."""

    def build(row):
        now = row.get("current_round")
        low, high = row.get("round_bounds") or (now, now)
        chain = Chain(bounds=(low, high), rekeyed=row["auth_addr"])
        monkeypatch.setattr(signatures, "chain", lambda: chain)
        settings.ARC14_REALMS = row["realms"]

    return build


def send(client_for, value):
    return client_for(None, **({} if value is None else {"HTTP_AUTHORIZATION": value})).get(PROFILE)


def mark(row):
    return row["id"]


def test_there_are_vectors_of_both_kinds():
    assert len(GOOD) >= 10
    assert len(BAD) >= 40


@pytest.mark.parametrize("row", GOOD, ids=mark)
def test_a_good_vector_signs_in_and_makes_its_user_once(row, around, client_for, events):
    around(row)
    address = row["expect"]["address"]
    first = send(client_for, row["header"])
    assert first.status_code == 200
    assert first.json()["algorandAddress"] == address
    user = User.objects.get()
    assert (user.address, user.email, user.is_active) == (address, None, True)
    assert user.roles == frozenset()
    assert not user.has_usable_password()
    second = send(client_for, row["header"])
    assert second.json()["userId"] == first.json()["userId"] == str(user.pk)
    [registered] = events("accounts.user.registered")
    assert registered["actor"] == address
    assert registered["actorId"] == registered["referenceId"] == str(user.pk)
    assert events("security.access.denied") == []


@pytest.mark.parametrize("row", BAD, ids=mark)
def test_a_bad_vector_is_refused_and_its_code_is_told_to_the_log_alone(
    row, around, client_for, events
):
    around(row)
    code = row["expect"]["error"]
    response = send(client_for, row["header"])
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == f'SigTx realm="{row["realms"][0]}", Bearer'
    body = response.json()
    assert body["success"] is False
    assert body["errorCode"] == "AUTHENTICATION_REQUIRED"
    assert body["details"] == {}
    assert code not in response.content.decode()
    assert code not in str(response.headers)
    [event] = events("security.access.denied")
    assert event["details"] == {
        "method": "GET",
        "route": "api/v1/auth/profile",
        "code": "AUTHENTICATION_REQUIRED",
        "reason": code,
    }
    assert (event["actor"], event["success"]) == ("anonymous", False)
    assert User.objects.count() == 0
    assert AuditEvent.objects.count() == 1


def test_a_signature_is_in_neither_the_log_nor_the_events(around, client_for, caplog):
    around(GOOD[0])
    send(client_for, GOOD[0]["header"])
    send(client_for, GOOD[0]["header"] + "A")
    token = GOOD[0]["header"].removeprefix("SigTx ")
    recorded = "".join(AuditEvent.objects.values_list("body", flat=True))
    for piece in (token, token[40:80]):
        assert piece not in recorded
        assert piece not in caplog.text


@pytest.fixture
def anchored(db):
    """An anchor of today; the estimate begins at ROUND and the next round may have begun."""
    RoundAnchor.objects.create(network=VOI, round=ROUND, observed_at=timezone.now())


def signed(key=1, network=VOI, current=ROUND, valid=1000):
    return sign_arc14(bytes(KEYS[key]), REALM, network, current, valid)


def test_the_recorded_anchor_says_the_round(client_for, events):
    with time_machine.travel(timezone.now(), tick=False):
        RoundAnchor.objects.create(network=VOI, round=ROUND, observed_at=timezone.now())
        assert send(client_for, signed(valid=1)).status_code == 200  # until round ROUND + 1
        assert send(client_for, signed(2, current=ROUND - 1, valid=1)).status_code == 401
        assert send(client_for, signed(2, current=ROUND + 10)).status_code == 200
        assert send(client_for, signed(3, current=ROUND + 11)).status_code == 401
    reasons = [event["details"]["reason"] for event in events("security.access.denied")]
    assert reasons == ["EXPIRED", "NOT_YET_VALID"]


def test_a_remembered_header_expires_all_the_same(client_for, events):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        RoundAnchor.objects.create(network=VOI, round=ROUND, observed_at=timezone.now())
        token = signed(valid=11)  # ten rounds more than the estimate: at least 26 seconds
        assert send(client_for, token).status_code == 200
        clock.shift(timedelta(seconds=25))
        assert send(client_for, token).status_code == 200
        clock.shift(timedelta(seconds=5))
        assert send(client_for, token).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "EXPIRED"


def test_a_rekeyed_account_is_found_out_within_a_minute(monkeypatch, client_for, events):
    chain = Chain()
    monkeypatch.setattr(signatures, "chain", lambda: chain)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token = header(payment())
        assert send(client_for, token).status_code == 200
        chain.rekeyed[ADDRESS[1]] = ADDRESS[2]
        clock.shift(timedelta(seconds=59))
        assert send(client_for, token).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert send(client_for, token).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "WRONG_SIGNER"


@pytest.mark.parametrize(
    ("anchor_age", "assumed"),
    [(None, True), (timedelta(hours=6, seconds=1), True), (timedelta(0), False)],
    ids=["no anchor", "old anchor", "nobody knows of rekeying"],
)
def test_what_the_chain_does_not_say_is_refused(client_for, events, settings, anchor_age, assumed):
    settings.ARC14_ASSUME_NOT_REKEYED = assumed
    if anchor_age is not None:
        RoundAnchor.objects.create(
            network=VOI, round=ROUND, observed_at=timezone.now() - anchor_age
        )
    # A round that the old anchor too would allow.
    response = send(client_for, signed(current=ROUND + 7000 if anchor_age else ROUND))
    assert response.status_code == 401
    assert "Retry-After" not in response
    assert events("security.access.denied")[0]["details"]["reason"] == "CHAIN_UNAVAILABLE"
    assert User.objects.count() == 0


def test_a_header_of_another_realm_or_network_of_anchors_is_refused(anchored, client_for, events):
    other_realm = sign_arc14(bytes(KEYS[1]), "Other#ARC14", VOI, ROUND)
    assert send(client_for, other_realm).status_code == 401
    assert send(client_for, signed(network="aramidmain-v1.0")).status_code == 401
    reasons = [event["details"]["reason"] for event in events("security.access.denied")]
    assert reasons == ["WRONG_REALM", "CHAIN_UNAVAILABLE"]


def test_an_inactive_wallet_is_refused(anchored, client_for, events):
    token = signed()
    send(client_for, token)
    User.objects.update(is_active=False)
    assert send(client_for, token).status_code == 401
    assert events("security.access.denied")[0]["details"]["reason"] == "ACCOUNT_INACTIVE"


def test_two_first_signatures_make_one_user(anchored, client_for, monkeypatch):
    real = users.User.objects.filter
    User.objects.create(address=ADDRESS[1])
    # As if the other request's user was committed between look-up and INSERT.
    monkeypatch.setattr(type(users.User.objects), "filter", lambda self, **kw: real(**kw).none())
    assert users.user_by_address(address=ADDRESS[1]).address == ADDRESS[1]
    monkeypatch.undo()
    assert User.objects.count() == 1
    assert AuditEvent.objects.count() == 0
