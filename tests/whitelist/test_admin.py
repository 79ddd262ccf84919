"""The whitelists in the admin: who gets in, and that every change goes through the services."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from config.api.errors import Conflict
from tests.factories import TokenFactory, wallet
from whitelist.admin import WhitelistEntryAdmin
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db

ENTRIES = reverse("admin:whitelist_whitelistentry_changelist")
ADD_ENTRY = reverse("admin:whitelist_whitelistentry_add")
POLICIES = reverse("admin:whitelist_whitelistpolicy_changelist")
ADD_POLICY = reverse("admin:whitelist_whitelistpolicy_add")


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


@pytest.fixture
def entry(owner, token):
    return whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), reason="Known")


@pytest.fixture
def policy(owner, token):
    return whitelist_policy_set(actor=owner, token=token, enforcement="Optional")


def admin(user):
    client = Client()
    client.force_login(user)
    return client


def recorded():
    # Logging in is an event too.
    return AuditEvent.objects.filter(name__startswith="whitelist.").count()


def change_entry(entry):
    return reverse("admin:whitelist_whitelistentry_change", args=[entry.pk])


def change_policy(policy):
    return reverse("admin:whitelist_whitelistpolicy_change", args=[policy.pk])


def form_of(token, **fields):
    return {"token": token.pk, "address": wallet(2), "status": "Active", **fields}


@pytest.mark.parametrize("persona", ["officer", "auditor", "administrator"])
def test_staff_see_the_lists_and_details(request, entry, policy, persona):
    client = admin(request.getfixturevalue(persona))
    for url in (
        ENTRIES,
        f"{ENTRIES}?q={entry.token.asset_id}&status__exact=Active",
        f"{ENTRIES}?q=nothing",
        change_entry(entry),
    ):
        assert client.get(url).status_code == 200
    for url in (POLICIES, f"{POLICIES}?q=nothing", change_policy(policy)):
        assert client.get(url).status_code == 200
    assert entry.address in client.get(ENTRIES).content.decode()


def test_an_auditor_changes_nothing(auditor, token, entry, policy):
    client, count = admin(auditor), recorded()
    assert client.get(ADD_ENTRY).status_code == 403
    assert client.post(ADD_ENTRY, form_of(token)).status_code == 403
    assert client.post(change_entry(entry), {"status": "Revoked"}).status_code == 403
    assert client.post(ADD_POLICY, {"token": token.pk, "enforcement": "Off"}).status_code == 403
    assert client.post(change_policy(policy), {"enforcement": "Off"}).status_code == 403
    assert WhitelistEntry.objects.get().status == "Active"
    assert WhitelistPolicy.objects.get().enforcement == "Optional"
    assert recorded() == count


def test_someone_without_a_role_is_sent_to_the_log_in(owner, token, entry, policy):
    client, count = admin(owner), recorded()
    for answer in (
        client.get(ENTRIES),
        client.get(POLICIES),
        client.post(ADD_ENTRY, form_of(token)),
        client.post(change_policy(policy), {"enforcement": "Off"}),
    ):
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))
    assert WhitelistEntry.objects.count() == 1
    assert recorded() == count


def test_an_officer_adds_an_entry_through_the_service(officer, token, events):
    answer = admin(officer).post(ADD_ENTRY, form_of(token, address=wallet(2).lower()))
    assert answer.status_code == 302
    assert answer.url == ENTRIES
    entry = WhitelistEntry.objects.get()
    assert (entry.address, entry.created_by) == (wallet(2), officer.label)
    (event,) = events("whitelist.entry.created")
    assert event["actorId"] == str(officer.pk)


def test_an_officer_changes_an_entry_through_the_service(officer, entry, events):
    answer = admin(officer).post(
        change_entry(entry), {"status": "Revoked", "reason": "Known", "jurisdiction_code": "de"}
    )
    assert answer.status_code == 200
    assert "Not a jurisdiction code" in answer.content.decode()
    answer = admin(officer).post(change_entry(entry), {"status": "Revoked", "reason": "Known"})
    assert answer.status_code == 302
    entry.refresh_from_db()
    assert (entry.status, entry.reason, entry.updated_by) == ("Revoked", "Known", officer.label)
    (event,) = events("whitelist.entry.updated")
    assert event["actorId"] == str(officer.pk)
    assert event["details"] == {"fields": ["status"], "role": "Admin"}


def test_what_somebody_else_changed_meanwhile_stays(officer, owner, token, entry):
    client = admin(officer)
    page = client.get(change_entry(entry)).content.decode()
    assert 'name="initial-kyc_provider"' in page
    whitelist_entry_upsert(
        actor=owner, token=token, address=entry.address, kyc_provider="Onfido", kyc_verified=True
    )
    shown = {"status": "Active", "reason": "Known", "kyc_provider": ""}
    seen = {f"initial-{name}": value for name, value in shown.items()}
    answer = client.post(change_entry(entry), {**shown, **seen, "status": "Revoked"})
    assert answer.status_code == 302
    entry.refresh_from_db()
    assert (entry.status, entry.kyc_provider, entry.kyc_verified) == ("Revoked", "Onfido", True)


def test_saving_without_a_change_writes_nothing(officer, entry):
    answer = admin(officer).post(change_entry(entry), {"status": "Active", "reason": "Known"})
    assert answer.status_code == 302
    entry.refresh_from_db()
    assert entry.updated_at is None
    assert recorded() == 1


def test_a_listed_address_is_not_added_again(officer, token, entry):
    fields = form_of(token, address=entry.address.lower(), status="Revoked")
    answer = admin(officer).post(ADD_ENTRY, fields)
    assert answer.status_code == 200
    assert "on the whitelist of the token already" in answer.content.decode()
    entry.refresh_from_db()
    assert entry.status == "Active"
    assert recorded() == 1


def test_a_wrong_address_is_an_error_of_the_form(officer, token):
    answer = admin(officer).post(ADD_ENTRY, form_of(token, address="ADDR1"))
    assert answer.status_code == 200
    assert "An Algorand address has 58 characters." in answer.content.decode()
    assert WhitelistEntry.objects.count() == 0
    assert recorded() == 0


def test_a_refusal_of_the_service_is_an_error_of_the_form(officer, token, monkeypatch):
    monkeypatch.setattr("whitelist.admin.holder_address", lambda text, network: text)
    answer = admin(officer).post(ADD_ENTRY, form_of(token, address="ADDR1", reason="Typed"))
    page = answer.content.decode()
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert errors == {"address": ["An Algorand address has 58 characters."]}
    assert 'value="Typed"' in page
    assert WhitelistEntry.objects.count() == 0
    assert recorded() == 0


@pytest.mark.parametrize("persona", ["officer", "administrator"])
def test_nobody_deletes(request, entry, policy, persona):
    client = admin(request.getfixturevalue(persona))
    for name, row in (("whitelistentry", entry), ("whitelistpolicy", policy)):
        url = reverse(f"admin:whitelist_{name}_delete", args=[row.pk])
        assert client.post(url, {"post": "yes"}).status_code == 403
    page = client.get(ENTRIES).content.decode()
    assert "delete_selected" not in page
    client.post(
        ENTRIES, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    )
    assert WhitelistEntry.objects.count() == WhitelistPolicy.objects.count() == 1


def test_an_officer_sets_a_policy_through_the_service(officer, token, events):
    client = admin(officer)
    assert (
        client.post(ADD_POLICY, {"token": token.pk, "enforcement": "Optional"}).status_code == 302
    )
    policy = WhitelistPolicy.objects.get()
    assert client.post(change_policy(policy), {"enforcement": "Mandatory"}).status_code == 302
    policy.refresh_from_db()
    assert (policy.enforcement, policy.set_by) == ("Mandatory", officer.label)
    assert [
        (event["actorId"], event.get("oldStatus"), event["newStatus"])
        for event in events("whitelist.policy.changed")
    ] == [(str(officer.pk), None, "Optional"), (str(officer.pk), "Optional", "Mandatory")]


def test_a_refused_action_is_a_message(officer, entry, monkeypatch):
    def refuse(modeladmin, request, queryset):
        raise Conflict("Not like this.")

    monkeypatch.setattr(WhitelistEntryAdmin, "actions", [refuse])
    answer = admin(officer).post(
        ENTRIES, {"action": "refuse", "_selected_action": [entry.pk]}, follow=True
    )
    assert answer.redirect_chain == [(ENTRIES, 302)]
    assert [str(message) for message in answer.context["messages"]] == ["Not like this."]
    assert recorded() == 1
