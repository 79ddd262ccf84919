"""Deciding about attestations: who may, from which status, and what is kept of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from attestations.models import Attestation, AttestationStatusChange
from attestations.services import (
    TransitionRefused,
    attestation_fail,
    attestation_revoke,
    attestation_verify,
)
from audit.models import AuditEvent
from config.api.errors import ValidationFailed
from config.api.formats import utc_text
from tests.attestations.bodies import URL, attest
from tests.factories import VOI, WALLET, TokenFactory, user_with_role

pytestmark = pytest.mark.django_db

VERBS = {"verify": "Verified", "fail": "Failed", "revoke": "Revoked"}
OWN = "Somebody else than its creator must decide about an attestation."


@pytest.fixture
def attestation(outsider: User) -> Attestation:
    return attest(outsider)


@pytest.fixture
def client(officer: User, client_for: Callable[..., APIClient]) -> APIClient:
    return client_for(officer)


def decide(client: APIClient, attestation: Attestation, verb: str, body: Any = None) -> Any:
    given = {"reason": "checked the register"} if body is None else body
    return client.post(f"{URL}/{attestation.pk}/{verb}", given, format="json")


def changes(attestation: Attestation) -> list[tuple[str, str]]:
    rows = AttestationStatusChange.objects.filter(attestation=attestation).order_by("pk")
    return list(rows.values_list("from_status", "status"))


@pytest.mark.parametrize(("verb", "status"), VERBS.items())
def test_an_officer_decides(
    client: APIClient, officer: User, attestation: Attestation, verb: str, status: str
) -> None:
    moment = timezone.now() + timedelta(minutes=1)
    with time_machine.travel(moment, tick=False):
        response = decide(client, attestation, verb)
    assert response.status_code == 200
    answered = response.json()["attestation"]
    verified = verb == "verify"
    assert answered["verificationStatus"] == status
    assert answered["verifiedAt"] == (utc_text(moment) if verified else None)
    assert answered["verifierAddress"] == (officer.address if verified else None)
    assert answered["updatedAt"] == utc_text(moment)
    assert answered["updatedBy"] == officer.address
    assert answered["statusReason"] == "checked the register"
    assert client.get(f"{URL}/{attestation.pk}").json()["attestation"] == answered
    change = AttestationStatusChange.objects.get()
    assert (change.changed_by, change.attestation_created_by) == (officer, attestation.created_by)
    assert changes(attestation) == [("Pending", status)]


@pytest.mark.parametrize(("verb", "status"), VERBS.items())
def test_a_decision_is_an_event_without_its_reason(
    client: APIClient,
    officer: User,
    attestation: Attestation,
    events: Callable[..., list[dict[str, Any]]],
    verb: str,
    status: str,
) -> None:
    decide(client, attestation, verb, {"reason": "SECRET reason"})
    (event,) = events(f"attestations.attestation.{status.lower()}")
    assert (event["actor"], event["actorId"]) == (officer.address, str(officer.pk))
    assert (event["oldStatus"], event["newStatus"]) == ("Pending", status)
    assert (event["network"], event["assetId"]) == (VOI, "12345")
    assert event["affectedAddress"] == WALLET
    assert (event["referenceType"], event["referenceId"]) == ("attestation", str(attestation.pk))
    assert not any("SECRET" in row.body for row in AuditEvent.objects.all())


def test_a_verified_one_can_be_revoked_and_keeps_its_verification(
    client: APIClient,
    officer: User,
    attestation: Attestation,
    events: Callable[..., list[dict[str, Any]]],
) -> None:
    verified = decide(client, attestation, "verify", {}).json()["attestation"]
    assert verified["statusReason"] is None
    other = user_with_role("Administrator")
    revoked = attestation_revoke(actor=other, attestation_id=attestation.pk, reason="stolen")
    assert revoked.verification_status == "Revoked"  # type: ignore[attr-defined]
    answered = client.get(f"{URL}/{attestation.pk}").json()["attestation"]
    assert answered["verifiedAt"] == verified["verifiedAt"]
    assert answered["verifierAddress"] == officer.address
    assert answered["updatedBy"] == other.address
    assert answered["updatedAt"] > verified["updatedAt"]
    assert answered["statusReason"] == "stolen"
    assert changes(attestation) == [("Pending", "Verified"), ("Verified", "Revoked")]
    (event,) = events("attestations.attestation.revoked")
    assert (event["oldStatus"], event["newStatus"]) == ("Verified", "Revoked")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("verify", "verify"),
        ("verify", "fail"),
        ("fail", "verify"),
        ("fail", "fail"),
        ("fail", "revoke"),
        ("revoke", "verify"),
        ("revoke", "fail"),
        ("revoke", "revoke"),
    ],
)
def test_no_other_transition_is_legal(
    client: APIClient, attestation: Attestation, first: str, then: str
) -> None:
    decide(client, attestation, first)
    before = client.get(f"{URL}/{attestation.pk}").json()["attestation"]
    response = decide(client, attestation, then)
    assert (response.status_code, response.json()["errorCode"]) == (409, "CONFLICT")
    assert response.json()["errorMessage"] == (
        f"An attestation that is {VERBS[first]} cannot become {VERBS[then]}."
    )
    assert client.get(f"{URL}/{attestation.pk}").json()["attestation"] == before
    assert changes(attestation) == [("Pending", VERBS[first])]


def test_an_illegal_transition_after_two_changes_is_refused(
    client: APIClient, attestation: Attestation
) -> None:
    decide(client, attestation, "verify")
    decide(client, attestation, "revoke")
    for verb in VERBS:
        assert decide(client, attestation, verb).status_code == 409
    assert len(changes(attestation)) == 2


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ["ComplianceOfficer", "Administrator"])
def test_nobody_decides_about_an_attestation_of_their_own(
    client_for: Callable[..., APIClient],
    events: Callable[..., list[dict[str, Any]]],
    verb: str,
    role: str,
) -> None:
    creator = user_with_role(role)
    attestation = attest(creator)
    response = decide(client_for(creator), attestation, verb)
    assert (response.status_code, response.json()["errorCode"]) == (422, "BUSINESS_RULE_VIOLATION")
    assert response.json()["errorMessage"] == OWN
    assert changes(attestation) == []
    (event,) = events("attestations.attestation.decision_failed")
    assert (event["actor"], event["success"]) == (creator.address, False)
    assert event["errorMessage"] == OWN
    assert events("security.access.denied") == []


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("persona", ["owner", "member", "outsider", "auditor"])
def test_only_officers_decide(
    request: pytest.FixtureRequest,
    client_for: Callable[..., APIClient],
    events: Callable[..., list[dict[str, Any]]],
    verb: str,
    persona: str,
) -> None:
    attestation = attest(user_with_role("ComplianceOfficer"))
    user = request.getfixturevalue(persona)
    response = decide(client_for(user), attestation, verb)
    assert (response.status_code, response.json()["errorCode"]) == (403, "FORBIDDEN")
    assert changes(attestation) == []
    (event,) = events("security.access.denied")
    assert (event["actor"], event["success"]) == (user.address, False)
    assert events("attestations.attestation.decision_failed") == []


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_decides_without_signing_in(
    anonymous: APIClient, attestation: Attestation, verb: str
) -> None:
    assert decide(anonymous, attestation, verb).status_code == 401
    assert changes(attestation) == []


@pytest.mark.parametrize("verb", VERBS)
def test_an_attestation_that_does_not_exist_is_not_found(client: APIClient, verb: str) -> None:
    response = client.post(f"{URL}/{uuid4()}/{verb}", {"reason": "x"}, format="json")
    assert (response.status_code, response.json()["errorMessage"]) == (
        404,
        "Attestation not found.",
    )


@pytest.mark.parametrize("verb", ["fail", "revoke"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "This field is required."),
        ({"reason": None}, "This field may not be null."),
        ({"reason": ""}, "This field may not be blank."),
        ({"reason": " \t"}, "This field may not be blank."),
        ({"reason": 5}, "Not a valid string."),
        ({"reason": "x" * 2001}, "Ensure this field has no more than 2000 characters."),
        ({"reason": "a\0"}, "Null characters are not allowed."),
    ],
)
def test_failing_and_revoking_need_a_reason(
    client: APIClient, attestation: Attestation, verb: str, body: Any, message: str
) -> None:
    response = decide(client, attestation, verb, body)
    assert (response.status_code, response.json()["details"]) == (400, {"reason": [message]})
    assert changes(attestation) == []


@pytest.mark.parametrize("service", [attestation_fail, attestation_revoke])
def test_the_service_needs_a_reason_too(
    officer: User, attestation: Attestation, service: Callable[..., Attestation]
) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        service(actor=officer, attestation_id=attestation.pk, reason=" ")
    assert refusal.value.details == {"reason": ["This field is required."]}
    assert changes(attestation) == []


@pytest.mark.parametrize("body", [{}, {"reason": None}, {"reason": ""}, {"reason": "x" * 2000}])
def test_verifying_takes_a_reason_or_none(
    client: APIClient, attestation: Attestation, body: Any
) -> None:
    response = decide(client, attestation, "verify", body)
    assert response.status_code == 200
    assert response.json()["attestation"]["statusReason"] == (body.get("reason") or None)


def test_verifying_needs_no_body(client: APIClient, attestation: Attestation) -> None:
    response = client.post(f"{URL}/{attestation.pk}/verify")
    assert response.status_code == 200


@pytest.mark.parametrize("verb", VERBS)
def test_unknown_fields_and_parameters_are_refused(
    client: APIClient, attestation: Attestation, verb: str
) -> None:
    response = decide(client, attestation, verb, {"reason": "x", "status": "Verified"})
    assert (response.status_code, response.json()["details"]) == (
        400,
        {"status": ["Unknown field."]},
    )
    address = f"{URL}/{attestation.pk}/{verb}?force=true"
    response = client.post(address, {"reason": "x"}, format="json")
    assert (response.status_code, response.json()["details"]) == (
        400,
        {"force": ["Unknown parameter."]},
    )
    assert changes(attestation) == []


def test_an_expired_one_is_not_verified_but_failed_or_revoked(
    officer: User, outsider: User
) -> None:
    soon = timezone.now() + timedelta(days=1)
    first, second = attest(outsider, expires_at=soon), attest(outsider, expires_at=soon)
    with time_machine.travel(soon - timedelta(microseconds=1), tick=False):
        verified = attest(outsider, expires_at=soon)
        attestation_verify(actor=officer, attestation_id=verified.pk)
    with time_machine.travel(soon, tick=False):
        with pytest.raises(TransitionRefused, match="has expired cannot be verified"):
            attestation_verify(actor=officer, attestation_id=first.pk)
        assert changes(first) == []
        attestation_fail(actor=officer, attestation_id=first.pk, reason="x")
        attestation_revoke(actor=officer, attestation_id=second.pk, reason="x")
        attestation_revoke(actor=officer, attestation_id=verified.pk, reason="x")
    assert changes(first) == [("Pending", "Failed")]
    assert changes(second) == [("Pending", "Revoked")]
    assert changes(verified) == [("Pending", "Verified"), ("Verified", "Revoked")]


def test_an_issuer_owner_may_not_decide_about_their_own_token(
    owner: User, outsider: User, client_for: Callable[..., APIClient]
) -> None:
    TokenFactory.create(asset_id=12345, network=VOI, issuer_id=next(iter(owner.issuer_ids)))
    attestation = attest(outsider)
    assert decide(client_for(owner), attestation, "verify").status_code == 403
    assert changes(attestation) == []
