"""Issuers and their members in the admin, through the services."""

import pytest

from accounts.models import Issuer, IssuerMember
from tests.accounts.admin_pages import admin, errors_of, form_of, page, recorded
from tests.factories import IssuerFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST, ADD = page("issuer", "changelist"), page("issuer", "add")
LEI = "5493001KJTIIGC8Y1R12"
NO_MEMBERS = {"members-TOTAL_FORMS": "0", "members-INITIAL_FORMS": "0"}


def fields(**more):
    return {
        "legal_name": "Meridian GmbH",
        "lei": "",
        "registration_number": "",
        "country": "",
        "entity_type": "",
        **NO_MEMBERS,
        **more,
    }


def member(number, user, role):
    return {f"members-{number}-user": str(user.pk), f"members-{number}-role": role}


def change(issuer):
    return page("issuer", "change", issuer.pk)


@pytest.mark.parametrize("persona", ["administrator", "officer", "auditor"])
def test_staff_see_and_search_issuers(request, persona):
    client = admin(request.getfixturevalue(persona))
    issuer = IssuerFactory.create(legal_name="Meridian GmbH", lei=LEI)
    IssuerMember.objects.create(issuer=issuer, user=UserFactory.create(), role="Owner")
    assert "Meridian GmbH" in client.get(f"{LIST}?q=5493001").content.decode()
    assert "Meridian GmbH" not in client.get(f"{LIST}?q=nobody").content.decode()
    assert "Owner" in client.get(change(issuer)).content.decode()


@pytest.mark.parametrize("persona", ["administrator", "officer"])
def test_an_officer_makes_an_issuer_with_members(request, persona, events):
    actor, user = request.getfixturevalue(persona), UserFactory.create()
    sent = fields(
        lei=LEI.lower(),
        country="de",
        entity_type="legal_person",
        roles=["issuer", "offeror"],
        **member(0, user, "Operator"),
    ) | {"members-TOTAL_FORMS": "1"}
    assert admin(actor).post(ADD, sent).status_code == 302
    issuer = Issuer.objects.get()
    assert (issuer.lei, issuer.country, issuer.roles) == (LEI, "DE", ["issuer", "offeror"])
    assert list(issuer.members.values_list("user", "role")) == [(user.pk, "Operator")]
    assert recorded() == ["accounts.issuer.created", "accounts.member.added"]
    [created] = events("accounts.issuer.created")
    assert (created["actorId"], created["issuerId"]) == (str(actor.pk), str(issuer.pk))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"lei": "5493001KJTIIGC8Y1R13"}, "lei"),
        ({"lei": "short"}, "lei"),
        ({"lei": "506700GE1G29325QX363"}, None),
        ({"country": "Germany"}, "country"),
        ({"country": "D1"}, "country"),
        ({"entity_type": "club"}, "entity_type"),
        ({"roles": ["king"]}, "roles"),
    ],
)
def test_what_is_wrong_comes_back_with_the_form(officer, more, field):
    IssuerFactory.create(lei="506700GE1G29325QX363")
    errors = errors_of(admin(officer).post(ADD, fields(**more)))
    assert (field or "__all__") in errors
    assert Issuer.objects.count() == 1
    assert recorded() == []


def test_an_edit_of_the_issuer_and_of_its_members(officer, issuer, events):
    leaving, staying, coming = (UserFactory.create() for _ in range(3))
    for user in (leaving, staying):
        IssuerMember.objects.create(issuer=issuer, user=user, role="Viewer")
    client = admin(officer)
    sent = form_of(client, change(issuer)) | {
        "registration_number": "HRB 1",
        "members-0-DELETE": "on",
        "members-1-role": "Operator",
        "members-TOTAL_FORMS": "3",
        **member(2, coming, "Owner"),
    }
    assert client.post(change(issuer), sent).status_code == 302
    issuer.refresh_from_db()
    assert issuer.registration_number == "HRB 1"
    assert dict(issuer.members.values_list("user", "role")) == {
        staying.pk: "Operator",
        coming.pk: "Owner",
    }
    assert recorded() == [
        "accounts.issuer.updated",
        "accounts.member.removed",
        "accounts.member.added",
        "accounts.member.updated",
    ]
    assert events("accounts.issuer.updated")[0]["details"] == {"fields": ["registration_number"]}


def test_a_member_is_not_turned_into_somebody_else(officer, issuer):
    first, second = UserFactory.create(), UserFactory.create()
    IssuerMember.objects.create(issuer=issuer, user=first, role="Viewer")
    client = admin(officer)
    sent = form_of(client, change(issuer)) | {"members-0-user": str(second.pk)}
    assert client.post(change(issuer), sent).status_code == 302
    assert list(issuer.members.values_list("user", "role")) == [(first.pk, "Viewer")]
    assert recorded() == []


def test_nobody_is_a_member_twice(officer, issuer):
    user = UserFactory.create()
    IssuerMember.objects.create(issuer=issuer, user=user, role="Viewer")
    client = admin(officer)
    sent = form_of(client, change(issuer)) | member(1, user, "Owner")
    response = client.post(change(issuer), sent | {"members-TOTAL_FORMS": "2"})
    assert response.status_code == 200
    assert list(issuer.members.values_list("user", "role")) == [(user.pk, "Viewer")]
    assert recorded() == []


def test_what_somebody_else_edited_meanwhile_is_not_overwritten(officer, issuer):
    client = admin(officer)
    seen = form_of(client, change(issuer))
    Issuer.objects.filter(pk=issuer.pk).update(lei=LEI, roles=["casp"])
    refused = client.post(change(issuer), seen | {"lei": "506700GE1G29325QX363", "roles": ["emi"]})
    assert set(errors_of(refused)) == {"lei", "roles"}
    assert client.post(change(issuer), seen | {"country": "LI"}).status_code == 302
    issuer.refresh_from_db()
    assert (issuer.lei, issuer.roles, issuer.country) == (LEI, ["casp"], "LI")


def test_an_auditor_changes_nothing(auditor, issuer):
    client = admin(auditor)
    sent = fields(legal_name="Stolen GmbH", **member(0, auditor, "Owner"))
    sent["members-TOTAL_FORMS"] = "1"
    assert client.post(change(issuer), sent).status_code == 403
    assert client.post(ADD, sent).status_code == 403
    issuer.refresh_from_db()
    assert issuer.legal_name != "Stolen GmbH"
    assert (Issuer.objects.count(), IssuerMember.objects.count()) == (1, 0)
    assert recorded() == []


@pytest.mark.parametrize("persona", ["owner", "member", "outsider"])
def test_issuers_themselves_stay_outside(request, issuer, persona):
    client = admin(request.getfixturevalue(persona))
    for url in (LIST, change(issuer), page("token", "changelist"), page("user", "changelist")):
        assert client.get(url).status_code == 302
    before = issuer.legal_name
    assert client.post(change(issuer), fields()).status_code == 302
    issuer.refresh_from_db()
    assert issuer.legal_name == before


def test_nobody_deletes_an_issuer(administrator, issuer):
    client = admin(administrator)
    assert client.post(page("issuer", "delete", issuer.pk), {"post": "yes"}).status_code == 403
    assert Issuer.objects.filter(pk=issuer.pk).exists()
