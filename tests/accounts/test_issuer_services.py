"""Issuers and their members: the LEI's checksum, who may write, and what is recorded."""

import pytest
from django.core.exceptions import ValidationError

from accounts.identifiers import is_lei
from accounts.models import Issuer, IssuerMember
from accounts.services import issuer_create, issuer_update, member_add, member_remove
from audit.models import AuditEvent
from audit.principal import SYSTEM
from config.api.errors import PermissionRefused, ValidationFailed
from tests.factories import IssuerFactory, UserFactory

pytestmark = pytest.mark.django_db

# Issued codes: Bloomberg Finance L.P., GLEIF, Apple Inc.
LEIS = ["5493001KJTIIGC8Y1R12", "506700GE1G29325QX363", "HWUPKR0MPOU8FGXBT394"]


@pytest.mark.parametrize("lei", LEIS)
def test_an_issued_lei_is_valid(lei):
    assert is_lei(lei)


@pytest.mark.parametrize("position", range(20))
def test_one_wrong_character_anywhere_breaks_the_checksum(position):
    lei = "5493001KJTIIGC8Y1R12"
    other = "8" if lei[position] != "8" else "3"
    assert not is_lei(lei[:position] + other + lei[position + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5493001KJTIIGC8Y1R1",
        "5493001KJTIIGC8Y1R120",
        "5493001kjtiigc8y1r12",
        "5493001KJTIIGC8Y1R12\n",
        "5493001KJTIIGC8Y1R1\uff12",
        "5493001KJTIIGC8YR112",
    ],
)
def test_what_is_not_of_the_form_is_no_lei(text):
    assert not is_lei(text)


def test_an_issuer_is_created_with_its_first_owner(outsider, events):
    user = UserFactory.create()
    issuer = issuer_create(actor=user, owner=user, legal_name="Meridian GmbH", lei=LEIS[0])
    assert list(issuer.members.values_list("user", "role")) == [(user.pk, "Owner")]
    [created] = events("accounts.issuer.created")
    assert created["issuerId"] == str(issuer.pk)
    assert created["details"] == {"fields": ["legal_name", "lei"]}
    [added] = events("accounts.member.added")
    assert (added["referenceId"], added["newStatus"]) == (str(user.pk), "Owner")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lei", "5493001KJTIIGC8Y1R13"),
        ("country", "Germany"),
        ("country", "de"),
        ("entity_type", "club"),
        ("roles", ["king"]),
        ("roles", "issuer"),
    ],
)
def test_what_is_malformed_is_refused(officer, field, value):
    issuer = IssuerFactory.create(lei=LEIS[0])
    with pytest.raises(ValidationError) as created:
        issuer_create(actor=officer, **{field: value})
    with pytest.raises(ValidationError) as updated:
        issuer_update(actor=officer, issuer=issuer, **{field: value})
    assert list(created.value.message_dict) == list(updated.value.message_dict) == [field]
    issuer.refresh_from_db()
    assert (issuer.lei, issuer.country, issuer.roles) == (LEIS[0], "DE", [])
    assert Issuer.objects.count() == 1
    assert AuditEvent.objects.count() == 0


def test_an_lei_belongs_to_one_issuer_and_none_to_many(officer):
    IssuerFactory.create(lei=LEIS[0])
    IssuerFactory.create(lei="")
    IssuerFactory.create(lei="")
    with pytest.raises(ValidationError):
        issuer_create(actor=officer, lei=LEIS[0])
    assert Issuer.objects.count() == 3


def test_an_update_records_the_fields_that_changed(owner, issuer, events):
    name = issuer.legal_name
    issuer_update(actor=owner, issuer=issuer, legal_name=name, lei=LEIS[1], country="LI")
    issuer.refresh_from_db()
    assert (issuer.lei, issuer.country) == (LEIS[1], "LI")
    [event] = events("accounts.issuer.updated")
    assert event["details"] == {"fields": ["country", "lei"]}
    issuer_update(actor=owner, issuer=issuer, country="LI")
    assert len(events("accounts.issuer.updated")) == 1


@pytest.mark.parametrize("persona", ["member", "outsider", "auditor", "operator"])
def test_others_change_neither_the_issuer_nor_its_members(request, issuer, owner, persona):
    if persona == "operator":
        actor = UserFactory.create()
        IssuerMember.objects.create(issuer=issuer, user=actor, role="Operator")
    else:
        actor = request.getfixturevalue(persona)
    before = set(issuer.members.values_list("user", "role"))
    own = issuer.members.get(user=owner)
    for act in (
        lambda: issuer_update(actor=actor, issuer=issuer, legal_name="Stolen GmbH"),
        lambda: member_add(actor=actor, issuer=issuer, user=actor, role="Owner"),
        lambda: member_remove(actor=actor, member=own),
    ):
        with pytest.raises(PermissionRefused):
            act()
    issuer.refresh_from_db()
    assert issuer.legal_name != "Stolen GmbH"
    assert set(issuer.members.values_list("user", "role")) == before
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize("persona", ["owner", "officer", "administrator"])
def test_owners_and_officers_keep_the_members(request, issuer, persona, events):
    actor, user = request.getfixturevalue(persona), UserFactory.create()
    member_add(actor=actor, issuer=issuer, user=user, role="Viewer")
    member = member_add(actor=actor, issuer=issuer, user=user, role="Operator")
    assert issuer.members.get(user=user).role == "Operator"
    assert user.memberships == {issuer.pk: "Operator"}
    member_add(actor=actor, issuer=issuer, user=user, role="Operator")
    member_remove(actor=actor, member=member)
    assert not issuer.members.filter(user=user).exists()
    [added] = events("accounts.member.added")
    [updated] = events("accounts.member.updated")
    [removed] = events("accounts.member.removed")
    assert added["newStatus"] == "Viewer"
    assert (updated["oldStatus"], updated["newStatus"]) == ("Viewer", "Operator")
    assert removed["oldStatus"] == "Operator"
    assert {e["referenceId"] for e in (added, updated, removed)} == {str(user.pk)}
    assert {e["actorId"] for e in (added, updated, removed)} == {str(actor.pk)}


def test_an_unknown_member_role_is_refused(officer, issuer):
    with pytest.raises(ValidationFailed):
        member_add(actor=officer, issuer=issuer, user=UserFactory.create(), role="King")
    assert issuer.members.count() == 0
    assert AuditEvent.objects.count() == 0


def test_a_command_adds_members_too(issuer):
    member_add(actor=SYSTEM, issuer=issuer, user=UserFactory.create(), role="Viewer")
    assert issuer.members.count() == 1
