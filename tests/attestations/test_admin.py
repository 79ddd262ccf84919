"""Attestations in the admin: who sees what, adding, and decisions as actions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import Issuer, User
from attestations.models import Attestation, AttestationStatusChange
from attestations.services import attestation_verify
from tests.attestations.bodies import SECTION_9, SEED_ISSUER, attest
from tests.factories import ARAMID, CID, VOI, WALLET, TokenFactory, wallet

pytestmark = pytest.mark.django_db

LIST = "/admin/attestations/attestation/"
ADD = f"{LIST}add/"
STAFF = ["officer", "administrator", "auditor"]


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client(officer: User) -> Client:
    return sign_in(officer)


@pytest.fixture
def attestation(outsider: User) -> Attestation:
    return attest(outsider, notes="Level 3", attestation_type="KYC")


def page(attestation: Attestation) -> str:
    return f"{LIST}{attestation.pk}/change/"


def act(client: Client, action: str, *attestations: Attestation, **more: str) -> Any:
    return client.post(
        LIST,
        {"action": action, "_selected_action": [str(row.pk) for row in attestations], **more},
    )


def said(response: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


def changes() -> list[tuple[str, str, str]]:
    rows = AttestationStatusChange.objects.order_by("pk")
    return list(rows.values_list("from_status", "status", "reason"))


@pytest.mark.parametrize("persona", STAFF)
def test_staff_sees_list_and_content(
    request: pytest.FixtureRequest, attestation: Attestation, persona: str
) -> None:
    client = sign_in(request.getfixturevalue(persona))
    listed = client.get(LIST)
    assert (listed.status_code, listed.context["cl"].result_count) == (200, 1)
    shown = client.get(page(attestation))
    assert shown.status_code == 200
    assert "Level 3" in shown.content.decode()
    assert 'name="notes"' not in shown.content.decode()
    assert 'name="_save"' not in shown.content.decode()


@pytest.mark.parametrize("persona", ["owner", "outsider"])
def test_others_do_not_see_the_admin(
    request: pytest.FixtureRequest, attestation: Attestation, persona: str
) -> None:
    client = sign_in(request.getfixturevalue(persona))
    for address in (LIST, page(attestation), ADD):
        assert client.get(address).status_code == 302


@pytest.mark.parametrize("persona", STAFF)
def test_nobody_deletes(
    request: pytest.FixtureRequest, attestation: Attestation, persona: str
) -> None:
    client = sign_in(request.getfixturevalue(persona))
    assert client.post(f"{LIST}{attestation.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, "delete_selected", attestation, post="yes")
    assert Attestation.objects.filter(pk=attestation.pk).exists()


@pytest.mark.parametrize("persona", STAFF)
def test_nobody_changes_the_content(
    request: pytest.FixtureRequest, attestation: Attestation, persona: str
) -> None:
    client = sign_in(request.getfixturevalue(persona))
    assert client.post(page(attestation), {"notes": "changed"}).status_code == 403
    assert Attestation.objects.get().notes == "Level 3"


def test_the_list_shows_and_filters_the_computed_status(
    officer: User, outsider: User, attestation: Attestation
) -> None:
    expiring = attest(outsider, expires_at=timezone.now() + timedelta(hours=1))
    attestation_verify(actor=officer, attestation_id=expiring.pk)
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        client = sign_in(officer)
        for status, rows in (("Expired", [expiring]), ("Pending", [attestation]), ("Verified", [])):
            response = client.get(LIST, {"status": status})
            assert [row.pk for row in response.context["cl"].result_list] == [
                row.pk for row in rows
            ]
        text = client.get(LIST, {"status": "Expired"}).content.decode()
        assert '<td class="field-status">Expired</td>' in text


@pytest.mark.parametrize(
    ("term", "found"),
    [
        (lambda row: str(row.pk), True),
        (lambda row: WALLET, True),
        (lambda row: WALLET[:12].lower(), True),
        (lambda row: "12345", True),
        (lambda row: "1234", False),
        (lambda row: wallet(9), False),
        (lambda row: "no such thing", False),
    ],
)
def test_search_by_id_wallet_and_asset(
    client: Client, attestation: Attestation, term: Callable[[Attestation], str], found: bool
) -> None:
    response = client.get(LIST, {"q": term(attestation)})
    assert response.context["cl"].result_count == int(found)


def test_the_page_shows_the_history(
    client: Client, officer: User, attestation: Attestation
) -> None:
    attestation_verify(actor=officer, attestation_id=attestation.pk, reason="seen in the register")
    text = client.get(page(attestation)).content.decode()
    assert "seen in the register" in text
    assert officer.label in text


def test_the_page_offers_what_is_possible(
    client: Client, officer: User, auditor: User, attestation: Attestation
) -> None:
    def offered(user: User, row: Attestation) -> list[str]:
        return [one.action for one in sign_in(user).get(page(row)).context["decisions"]]

    assert offered(officer, attestation) == ["verify", "fail", "revoke"]
    assert offered(auditor, attestation) == []
    assert offered(officer, attest(officer)) == []
    attestation_verify(actor=officer, attestation_id=attestation.pk)
    assert offered(officer, attestation) == ["revoke"]


DECISIONS = [("verify", "Verified"), ("fail", "Failed"), ("revoke", "Revoked")]


@pytest.mark.parametrize(("action", "status"), DECISIONS)
def test_an_action_asks_for_the_reason_and_then_decides(
    client: Client,
    officer: User,
    attestation: Attestation,
    events: Callable[..., list[dict[str, Any]]],
    action: str,
    status: str,
) -> None:
    asked = act(client, action, attestation)
    assert asked.status_code == 200
    assert asked.templates[0].name == "attestations/admin/decision.html"
    assert changes() == []
    done = act(client, action, attestation, confirmed="yes", reason="seen")
    assert (done.status_code, done["Location"]) == (302, LIST)
    assert said(done) == [("success", f"KYC of {WALLET}: {status}")]
    assert changes() == [("Pending", status, "seen")]
    (event,) = events(f"attestations.attestation.{status.lower()}")
    assert (event["actor"], event["source"]) == (officer.address, "Admin")


@pytest.mark.parametrize("action", ["fail", "revoke"])
@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001])
def test_failing_and_revoking_ask_again_without_a_reason(
    client: Client, attestation: Attestation, action: str, reason: str
) -> None:
    response = act(client, action, attestation, confirmed="yes", reason=reason)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["reason"]
    assert changes() == []


def test_verifying_needs_no_reason(client: Client, attestation: Attestation) -> None:
    act(client, "verify", attestation, confirmed="yes", reason="")
    assert changes() == [("Pending", "Verified", "")]


def test_each_refusal_is_a_message_and_the_others_are_decided(
    client: Client, officer: User, attestation: Attestation
) -> None:
    own = attest(officer)
    response = act(client, "verify", own, attestation, confirmed="yes", reason="")
    assert sorted(said(response)) == [
        (
            "error",
            f"Attestation of {WALLET}: Somebody else than its creator must decide about an "
            "attestation.",
        ),
        ("success", f"KYC of {WALLET}: Verified"),
    ]
    assert changes() == [("Pending", "Verified", "")]
    again = act(client, "fail", attestation, confirmed="yes", reason="x")
    expected = f"KYC of {WALLET}: An attestation that is Verified cannot become Failed."
    assert ("error", expected) in said(again)
    assert changes() == [("Pending", "Verified", "")]


@pytest.mark.parametrize("action", ["verify", "fail", "revoke"])
def test_an_auditor_has_no_actions(auditor: User, attestation: Attestation, action: str) -> None:
    client = sign_in(auditor)
    assert not client.get(LIST).context["action_form"]
    act(client, action, attestation, confirmed="yes", reason="x")
    assert changes() == []


def test_at_most_a_hundred_at_once(
    client: Client, outsider: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attestations.admin.MOST_AT_ONCE", 1)
    rows = [attest(outsider), attest(outsider)]
    response = act(client, "verify", *rows, confirmed="yes", reason="")
    assert said(response) == [("error", "Select at most 1 attestations at once.")]
    assert changes() == []


FORM = {
    "subject_type": "Wallet",
    "wallet_address": WALLET,
    "asset_id": "12345",
    "network": VOI,
    "attestation_type": "kyc",
    "issuer_address": SEED_ISSUER,
    "proof_type": "IPFS",
    "proof_hash": CID,
    "jurisdiction": "US,EU",
    "regulatory_framework": "MICA",
    "attributes": '{"level": 3}',
    "notes": SECTION_9["notes"],
}


def test_an_officer_adds_through_the_service(
    client: Client, officer: User, events: Callable[..., list[dict[str, Any]]]
) -> None:
    assert client.get(ADD).status_code == 200
    response = client.post(ADD, FORM)
    assert (response.status_code, response["Location"]) == (302, LIST)
    stored = Attestation.objects.get()
    assert (stored.created_by, stored.attestation_type) == (officer, "KYC")
    assert (stored.attributes, stored.notes) == ({"level": 3}, SECTION_9["notes"])
    assert stored.token is not None
    assert (stored.token.network, stored.token.asset_id) == (VOI, 12345)
    (event,) = events("attestations.attestation.created")
    assert (event["actor"], event["source"]) == (officer.address, "Admin")


def test_an_officer_adds_about_an_issuer(client: Client, issuer: Issuer) -> None:
    body = {**FORM, "subject_type": "Issuer", "wallet_address": "", "asset_id": ""}
    assert client.post(ADD, {**body, "issuer": str(issuer.pk)}).status_code == 302
    assert Attestation.objects.get().issuer == issuer


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"wallet_address": ""}, "wallet_address"),
        ({"wallet_address": WALLET[:-1] + "B"}, "wallet_address"),
        ({"network": "voi main"}, "network"),
        ({"proof_hash": "nonsense"}, "proof_hash"),
        ({"issuer_address": ""}, "issuer_address"),
        ({"attributes": '{"a": 1.5}'}, "attributes"),
        ({"attributes": "{"}, "attributes"),
        ({"asset_id": ""}, "asset_id"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "expires_at"),
        ({"network": ""}, "network"),  # the asset exists on two networks
    ],
)
def test_a_refusal_is_shown_at_its_field(client: Client, wrong: dict[str, str], field: str) -> None:
    for network in (VOI, ARAMID):
        TokenFactory.create(asset_id=12345, network=network)
    response = client.post(ADD, {**FORM, **wrong})
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert not Attestation.objects.exists()


def test_an_auditor_does_not_add_here(auditor: User) -> None:
    client = sign_in(auditor)
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, FORM).status_code == 403
    assert not Attestation.objects.exists()
