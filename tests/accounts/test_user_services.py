"""Making and changing users: who may, what is refused, and what is recorded."""

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.services import user_create, user_roles_set, user_update
from audit.models import AuditEvent
from audit.principal import SYSTEM
from config.api.errors import Conflict, PermissionRefused, ValidationFailed
from tests.factories import UserFactory, user_with_role, wallet

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough secret"


def recorded():
    return AuditEvent.objects.count()


def test_a_user_is_created_with_canonical_identifiers(administrator, events):
    user = user_create(
        actor=administrator,
        email=" Ines@Issuer.Example ",
        address=wallet(9).lower(),
        password=PASSWORD,
        roles=["Auditor"],
    )
    user = User.objects.get(pk=user.pk)
    assert (user.email, user.address) == ("ines@issuer.example", wallet(9))
    assert user.check_password(PASSWORD)
    assert user.roles == {"Auditor"}
    [event] = events("accounts.user.registered")
    assert event["actorId"] == str(administrator.pk)
    assert event["details"] == {"roles": ["Auditor"], "superuser": False}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, ValidationError),
        ({"email": " ", "address": ""}, ValidationError),
        ({"email": "nobody"}, ValidationError),
        ({"email": "TAKEN@issuer.example"}, ValidationError),
        ({"address": wallet(1)[:-1]}, ValidationError),
        ({"address": "A" * 58}, ValidationError),
        ({"email": "a@b.example", "password": "short"}, ValidationError),
        ({"email": "a@b.example", "password": "qwerty123456"}, ValidationError),
        ({"email": "a@b.example", "roles": ["King"]}, ValidationFailed),
    ],
)
def test_what_is_malformed_taken_or_weak_makes_nobody(fields, error):
    UserFactory.create(email="taken@issuer.example")
    with pytest.raises(error):
        user_create(**fields)
    assert User.objects.count() == 1
    assert recorded() == 0


@pytest.mark.parametrize("persona", ["officer", "auditor", "owner"])
def test_only_administrators_manage_users(request, persona):
    actor, user = request.getfixturevalue(persona), UserFactory.create()
    for act in (
        lambda: user_create(actor=actor, email="new@b.example"),
        lambda: user_update(actor=actor, user=user, full_name="Mallory"),
        lambda: user_update(actor=actor, user=actor, password=PASSWORD),
        lambda: user_roles_set(actor=actor, user=user, roles=["Auditor"]),
        lambda: user_roles_set(actor=actor, user=actor, roles=["Administrator"]),
    ):
        with pytest.raises(PermissionRefused):
            act()
    user.refresh_from_db()
    assert user.full_name == ""
    assert User.objects.get(pk=user.pk).roles == frozenset()
    assert "Administrator" not in User.objects.get(pk=actor.pk).roles
    assert not User.objects.filter(email="new@b.example").exists()
    assert recorded() == 0


def test_an_update_writes_and_records_what_changed(administrator, events):
    user = UserFactory.create(email="old@b.example", full_name="Same")
    user_update(
        actor=administrator,
        user=user,
        email="NEW@b.example",
        full_name="Same",
        password=PASSWORD,
        roles=["Auditor"],
    )
    user = User.objects.get(pk=user.pk)
    assert user.email == "new@b.example"
    assert user.check_password(PASSWORD)
    [event] = events("accounts.user.updated")
    assert event["details"] == {"fields": ["email", "password"]}
    [roles] = events("accounts.role.changed")
    assert roles["details"] == {"from": [], "to": ["Auditor"]}
    before = recorded()
    user_update(actor=administrator, user=user, email="new@b.example", roles=["Auditor"])
    assert recorded() == before
    # Nothing personal is in the log: only which fields.
    everything = "".join(AuditEvent.objects.values_list("body", flat=True))
    assert "b.example" not in everything
    assert PASSWORD not in everything


def test_an_update_keeps_the_rules_of_users(administrator):
    user = UserFactory.create()
    UserFactory.create(email="taken@b.example")
    for fields in (
        {"address": None},
        {"email": "taken@b.example"},
        {"email": "no address"},
        {"password": "short"},
    ):
        with pytest.raises(ValidationError):
            user_update(actor=administrator, user=user, **fields)
    with pytest.raises(TypeError):
        user_update(actor=administrator, user=user, is_superuser=True)
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.address, fresh.email, fresh.is_superuser) == (user.address, None, False)
    assert recorded() == 0


def test_nobody_raises_or_drops_their_own_roles(administrator):
    for roles in (["Administrator", "Auditor"], []):
        with pytest.raises(Conflict):
            user_roles_set(actor=administrator, user=administrator, roles=roles)
    with pytest.raises(Conflict):
        user_update(actor=administrator, user=administrator, is_active=False)
    assert User.objects.get(pk=administrator.pk).roles == {"Administrator"}
    assert User.objects.get(pk=administrator.pk).is_active
    assert recorded() == 0


def test_a_superuser_who_loses_the_role_is_a_superuser_no_more(administrator):
    root = User.objects.create_superuser(email="root@b.example", password=PASSWORD)
    assert root.roles == {"Administrator"}
    user_roles_set(actor=administrator, user=root, roles=["Auditor"])
    assert root.roles == {"Auditor"}
    fresh = User.objects.get(pk=root.pk)
    assert (fresh.is_superuser, fresh.roles) == (False, {"Auditor"})


def test_roles_leave_other_groups_alone():
    user = user_with_role("Auditor")
    other = user.groups.model.objects.create(name="Newsletter")
    user.groups.add(other)
    user_roles_set(actor=SYSTEM, user=user, roles=["ComplianceOfficer"])
    assert set(user.groups.values_list("name", flat=True)) == {"Newsletter", "ComplianceOfficer"}
