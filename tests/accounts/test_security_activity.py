"""Security activity: one's own, or everybody's for compliance staff; and who was refused."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.api.security import SecurityEventSerializer
from accounts.models import User
from accounts.security import KEY_USES, REFUSALS, SECURITY_NAMES
from accounts.services import user_create, user_update
from audit.body import EventDraft
from audit.choices import ActionType, Category
from audit.events import EVENT_TYPES
from audit.services import record_event, record_events
from tests.accounts.test_login import LOGIN
from tests.factories import client_for, event_bodies

pytestmark = pytest.mark.django_db
ACTIVITY = "/api/v1/security/activity"
REFUSED = "/api/v1/security/refusals"
EMAIL, PASSWORD = "olga@assayer.example", "a long enough secret"


def get(user: User, path: str = ACTIVITY, **query: Any) -> dict[str, Any]:
    response = client_for(user).get(path, query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["eventType"] for event in answer["events"]]


def test_which_events_are_about_security() -> None:
    chosen = {EVENT_TYPES[name] for name in SECURITY_NAMES}
    assert {kind for kind in EVENT_TYPES.values() if kind.category == Category.ACCOUNT} <= chosen
    assert {
        kind for kind in EVENT_TYPES.values() if kind.action_type == ActionType.EXPORT
    } <= chosen
    assert EVENT_TYPES.keys() >= KEY_USES
    assert "compliance.metadata.updated" not in SECURITY_NAMES
    assert "attestations.attestation.failed" not in REFUSALS  # a decision, no refusal


def test_what_an_account_did_and_what_was_done_about_it(
    anonymous: APIClient, officer: User
) -> None:
    user = user_create(email=EMAIL, password=PASSWORD)
    for password in ("wrong", PASSWORD):
        anonymous.post(LOGIN, {"email": EMAIL, "password": password}, format="json")
    list(client_for(user).get("/api/v1/compliance/audit-log/export/csv"))
    answer = get(user)
    assert kinds(answer) == [
        "audit.log.exported",
        "accounts.user.logged_in",
        "accounts.user.login_failed",
        "accounts.user.registered",
    ]
    exported, _, failed, _ = answer["events"]
    assert set(exported) == set(SecurityEventSerializer().fields)
    assert (exported["accountId"], exported["severity"]) == (str(user.pk), "Notice")
    assert exported["summary"] == "Audit log exported"
    assert exported["metadata"]["format"] == "csv"
    assert (failed["accountId"], failed["actor"], failed["success"]) == (None, "anonymous", False)
    assert failed["metadata"] == {"reason": "INVALID_CREDENTIALS"}
    assert failed["severity"] == "Warning"
    assert kinds(get(officer, accountId=str(user.pk))) == kinds(answer)
    assert kinds(get(user, success="false")) == ["accounts.user.login_failed"]
    assert kinds(get(user, severity="warning")) == ["accounts.user.login_failed"]
    assert kinds(get(user, eventType="accounts.user.logged_in")) == ["accounts.user.logged_in"]
    assert kinds(get(user, toDate="2020-01-01")) == []


def test_another_account_is_for_those_who_read_everything(
    owner: User, member: User, officer: User, auditor: User, administrator: User
) -> None:
    record_event("accounts.user.logged_in", actor=member)
    for account in (str(member.pk), str(uuid4())):
        before = len(event_bodies("security.access.denied"))
        refused = client_for(owner).get(ACTIVITY, {"accountId": account})
        assert (refused.status_code, refused.json()["errorCode"]) == (403, "FORBIDDEN")
        assert len(event_bodies("security.access.denied")) == before + 1
    assert str(member.pk) not in client_for(owner).get(ACTIVITY).content.decode()
    for reader in (officer, auditor, administrator):
        assert kinds(get(reader, accountId=str(member.pk))) == ["accounts.user.logged_in"]
        assert get(reader, accountId=str(uuid4()))["totalCount"] == 0
    assert "accounts.user.logged_in" in kinds(get(officer))
    assert kinds(get(member, accountId=str(member.pk))) == ["accounts.user.logged_in"]
    bad = client_for(owner).get(ACTIVITY, {"accountId": "me"})
    assert (bad.status_code, list(bad.json()["details"])) == (400, ["accountId"])


def test_a_name_that_was_another_accounts_shows_nothing_of_it(administrator: User) -> None:
    first = user_create(email=EMAIL, password=PASSWORD)
    record_event("accounts.session.refreshed", actor=first)
    user_update(actor=administrator, user=first, email="moved@assayer.example")
    second = user_create(email=EMAIL, password=PASSWORD)
    assert kinds(get(second)) == ["accounts.user.registered"]


def test_who_was_refused_how_often(
    owner: User,
    officer: User,
    anonymous: APIClient,
    client_for: Callable[..., APIClient],
) -> None:
    for _ in range(2):
        client_for(owner).get(ACTIVITY, {"accountId": str(officer.pk)})
    client_for(owner).get("/api/v1/compliance/reports/" + str(uuid4()))  # missing is no refusal
    anonymous.get(ACTIVITY)
    failed = EventDraft(
        "compliance.metadata.create_failed", success=False, details={"code": "VALIDATION_ERROR"}
    )
    record_events([failed, failed], actor=owner)
    record_events([EventDraft("accounts.user.login_failed", success=False)], actor=owner)
    for _ in range(2):  # once counted, once from what was kept
        answer = get(officer, REFUSED)
        by_name = {row["principal"]: row for row in answer["refusals"]}
        assert answer["totalCount"] == len(answer["refusals"])
        counted = by_name[owner.label]
        codes = counted["byErrorCode"]
        assert (codes["FORBIDDEN"], codes["VALIDATION_ERROR"], codes["UNKNOWN"]) == (2, 2, 1)
        assert counted["count"] == sum(codes.values())
        assert by_name["anonymous"]["byErrorCode"] == {"AUTHENTICATION_REQUIRED": 1}
        assert answer["refusals"][0] == counted  # most first
    assert get(officer, REFUSED, toDate="2020-01-01")["refusals"] == []
    assert len(get(officer, REFUSED, pageSize=1)["refusals"]) == 1
    assert client_for(owner).get(REFUSED).status_code == 403
