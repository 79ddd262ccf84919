"""Tokens in the admin: filtered, completed, verified and reassigned through the services."""

import pytest
from django.contrib.messages import get_messages

from accounts.models import IssuerMember, Token
from accounts.services import token_owner_verify
from tests.accounts.admin_pages import admin, errors_of, form_of, page, recorded
from tests.factories import ARAMID, IssuerFactory, TokenFactory

pytestmark = pytest.mark.django_db

LIST = page("token", "changelist")


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer, name="Warehouse One", asset_id=50001)


def change(token):
    return page("token", "change", token.pk)


def listed(client, query=""):
    return set(
        client.get(f"{LIST}{query}").context["cl"].queryset.values_list("asset_id", flat=True)
    )


def verify(client, *tokens):
    sent = {"action": "verify_ownership", "_selected_action": [token.pk for token in tokens]}
    return client.post(LIST, sent)


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("persona", ["administrator", "officer", "auditor"])
def test_staff_filter_and_search(request, persona, officer, token):
    unowned = TokenFactory.create(issuer=None, network=ARAMID, asset_id=7)
    verified = TokenFactory.create(asset_id=8)
    token_owner_verify(actor=officer, token=verified)
    client = admin(request.getfixturevalue(persona))
    assert listed(client) == {50001, 7, 8}
    assert listed(client, f"?network={ARAMID}") == {7}
    assert listed(client, "?ownership=verified") == {8}
    assert listed(client, "?ownership=unverified") == {50001}
    assert listed(client, "?ownership=none") == {7}
    assert listed(client, "?q=50001") == {50001}
    assert listed(client, "?q=warehouse") == {50001}
    assert listed(client, f"?q={token.issuer.legal_name.split()[1]}+GmbH") >= {50001}
    assert listed(client, f"?q={'9' * 40}") == set()
    assert client.get(change(unowned)).status_code == 200


def test_the_list_costs_the_same_for_more_tokens(officer, django_assert_max_num_queries):
    for _ in range(15):
        TokenFactory.create()
    client = admin(officer)
    with django_assert_max_num_queries(14):
        assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("persona", ["administrator", "officer"])
def test_an_officer_verifies_a_selection(request, persona, token, events):
    actor = request.getfixturevalue(persona)
    other = TokenFactory.create()
    response = verify(admin(actor), token, other)
    assert response.status_code == 302
    assert messages_of(response) == ["Ownership verified: 2."]
    assert Token.objects.filter(ownership_verified_at__isnull=False).count() == 2
    recorded_events = events("accounts.token.owner_verified")
    assert {event["assetId"] for event in recorded_events} == {"50001", str(other.asset_id)}
    assert {event["actorId"] for event in recorded_events} == {str(actor.pk)}


def test_what_cannot_be_verified_is_said_and_the_rest_is_done(officer, token):
    unowned = TokenFactory.create(issuer=None, asset_id=7)
    own = TokenFactory.create(asset_id=8)
    IssuerMember.objects.create(issuer=own.issuer, user=officer, role="Viewer")
    said = messages_of(verify(admin(officer), token, unowned, own))
    assert "7 on voimain-v1.0: Nobody owns this token yet; assign an issuer first." in said
    assert "8 on voimain-v1.0: Somebody outside the issuer must verify its ownership." in said
    assert "Ownership verified: 1." in said
    verified = Token.objects.filter(ownership_verified_at__isnull=False)
    assert list(verified) == [token]


def test_an_officer_completes_and_reassigns(officer, token, events):
    token_owner_verify(actor=officer, token=token)
    other = IssuerFactory.create()
    client = admin(officer)
    sent = form_of(client, change(token)) | {
        "total": "18446744073709551615",
        "decimals": "6",
        "issuer": str(other.pk),
    }
    assert client.post(change(token), sent).status_code == 302
    token.refresh_from_db()
    assert (token.total, token.decimals) == (18446744073709551615, 6)
    assert (token.issuer, token.ownership_verified_at) == (other, None)
    assert token.name == "Warehouse One"
    [moved] = events("accounts.token.reassigned")
    assert (moved["newStatus"], moved["actorId"]) == (str(other.pk), str(officer.pk))
    [updated] = events("accounts.token.updated")
    assert updated["details"] == {"fields": ["decimals", "total"]}


def test_an_unedited_form_records_nothing(officer, token):
    client = admin(officer)
    assert client.post(change(token), form_of(client, change(token))).status_code == 302
    assert recorded() == []


def test_network_and_asset_id_are_not_edited(officer, token):
    client = admin(officer)
    sent = form_of(client, change(token)) | {"asset_id": "1", "network": ARAMID}
    client.post(change(token), sent | {"ownership_verified_at_0": "2026-01-01"})
    token.refresh_from_db()
    assert (token.asset_id, token.network, token.ownership_verified_at) == (
        50001,
        "voimain-v1.0",
        None,
    )


def test_what_somebody_else_reassigned_meanwhile_is_not_undone(officer, token):
    client = admin(officer)
    seen = form_of(client, change(token))
    second, third = IssuerFactory.create(), IssuerFactory.create()
    Token.objects.filter(pk=token.pk).update(issuer=second)
    assert client.post(change(token), seen | {"name": "New"}).status_code == 302
    token.refresh_from_db()
    assert (token.issuer, token.name) == (second, "New")
    refused = client.post(change(token), seen | {"issuer": str(third.pk)})
    assert set(errors_of(refused)) == {"issuer"}
    token.refresh_from_db()
    assert token.issuer == second


@pytest.mark.parametrize(
    ("more", "field"),
    [({"decimals": "-1"}, "decimals"), ({"total": "x"}, "total"), ({"total": "-1"}, "total")],
)
def test_what_is_wrong_comes_back_with_the_form(officer, token, more, field):
    client = admin(officer)
    errors = errors_of(client.post(change(token), form_of(client, change(token)) | more))
    assert set(errors) == {field}
    assert recorded() == []


def test_an_auditor_changes_nothing(auditor, token):
    client = admin(auditor)
    assert client.post(change(token), {"name": "Stolen", "issuer": ""}).status_code == 403
    verify(client, token)
    token.refresh_from_db()
    assert (token.name, token.ownership_verified_at) == ("Warehouse One", None)
    assert token.issuer is not None
    assert recorded() == []


def test_a_token_is_neither_added_nor_deleted_here(administrator, token):
    client = admin(administrator)
    assert client.get(page("token", "add")).status_code == 403
    assert client.post(page("token", "delete", token.pk), {"post": "yes"}).status_code == 403
    assert Token.objects.count() == 1
