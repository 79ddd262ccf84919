"""Users in the admin: administrators manage them, other staff look, through the services."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from accounts.services import user_create
from tests.accounts.admin_pages import admin, errors_of, form_of, page, recorded
from tests.factories import UserFactory, user_with_role, wallet

pytestmark = pytest.mark.django_db

LIST, ADD = page("user", "changelist"), page("user", "add")
PASSWORD = "a long enough secret"


def fields(**more):
    return {
        "email": "ines@issuer.example",
        "address": "",
        "full_name": "Ines Suer",
        "new_password": "",
        "new_password_again": "",
        **more,
    }


def change(user):
    return page("user", "change", user.pk)


@pytest.mark.parametrize("persona", ["administrator", "officer", "auditor"])
def test_staff_see_the_list_with_roles_and_search_it(
    request, persona, django_assert_max_num_queries
):
    client = admin(request.getfixturevalue(persona))
    shown = user_create(email="shown@b.example", full_name="Shown Person", roles=["Auditor"])
    for _ in range(20):
        UserFactory.create()
    with django_assert_max_num_queries(12):
        text = client.get(LIST).content.decode()
    assert "shown@b.example" in text
    assert 'class="field-role_names">Auditor<' in text
    assert "Shown Person" in client.get(f"{LIST}?q=shown").content.decode()
    assert "shown@b.example" not in client.get(f"{LIST}?q=nobody").content.decode()
    text = client.get(change(shown)).content.decode()
    assert shown.password not in text
    assert "md5$" not in text


def test_an_administrator_makes_a_user(administrator, events):
    client = admin(administrator)
    sent = fields(
        address=wallet(4), roles=["Auditor"], new_password=PASSWORD, new_password_again=PASSWORD
    )
    assert client.post(ADD, sent).status_code == 302
    user = User.objects.get(email="ines@issuer.example")
    assert (user.address, user.full_name, user.roles) == (wallet(4), "Ines Suer", {"Auditor"})
    assert user.check_password(PASSWORD)
    [event] = events("accounts.user.registered")
    assert (event["actorId"], event["source"]) == (str(administrator.pk), "Admin")
    assert event["referenceId"] == str(user.pk)
    assert LogEntry.objects.get().object_id == str(user.pk)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"email": ""}, "__all__"),
        ({"email": "nobody"}, "email"),
        ({"email": "TAKEN@b.example"}, "email"),
        ({"address": wallet(4)[:-1]}, "address"),
        ({"roles": ["King"]}, "roles"),
        ({"new_password": PASSWORD}, "new_password_again"),
        ({"new_password": "short", "new_password_again": "short"}, "__all__"),
    ],
)
def test_what_is_wrong_comes_back_with_the_form(administrator, more, field):
    UserFactory.create(email="taken@b.example")
    before = User.objects.count()
    assert field in errors_of(admin(administrator).post(ADD, fields(**more)))
    assert User.objects.count() == before
    assert recorded() == []


def test_an_edit_writes_what_was_edited(administrator, events):
    user = user_create(email="old@b.example", password=PASSWORD, roles=["Auditor"])
    client = admin(administrator)
    sent = form_of(client, change(user)) | {"full_name": "New Name", "roles": ["ComplianceOfficer"]}
    assert client.post(change(user), sent).status_code == 302
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.full_name, fresh.email, fresh.is_active) == ("New Name", "old@b.example", True)
    assert fresh.roles == {"ComplianceOfficer"}
    assert fresh.check_password(PASSWORD)
    [updated] = events("accounts.user.updated")
    assert updated["details"] == {"fields": ["full_name"]}
    assert updated["actorId"] == str(administrator.pk)
    [roles] = events("accounts.role.changed")
    assert roles["details"] == {"from": ["Auditor"], "to": ["ComplianceOfficer"]}


def test_an_unedited_form_records_nothing(administrator):
    user = UserFactory.create()
    client = admin(administrator)
    assert client.post(change(user), form_of(client, change(user))).status_code == 302
    assert recorded() == []


def test_deactivation_shuts_the_user_out(administrator, client_for, events):
    user = UserFactory.create()
    client = admin(administrator)
    sent = form_of(client, change(user))
    del sent["is_active"]
    assert client.post(change(user), sent).status_code == 302
    assert User.objects.get(pk=user.pk).is_active is False
    assert client_for(user).get("/api/v1/auth/profile").status_code == 401
    assert events("accounts.user.updated")[0]["details"] == {"fields": ["is_active"]}


def test_a_new_password_is_set_and_never_shown(administrator, events):
    user = UserFactory.create(email="a@b.example")
    client = admin(administrator)
    twice = {"new_password": PASSWORD, "new_password_again": PASSWORD}
    assert client.post(change(user), form_of(client, change(user)) | twice).status_code == 302
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert events("accounts.user.updated")[0]["details"] == {"fields": ["password"]}
    refused = form_of(client, change(user)) | {"new_password": PASSWORD, "new_password_again": "x"}
    assert PASSWORD not in client.post(change(user), refused).content.decode()


def test_what_somebody_else_edited_meanwhile_is_not_overwritten(administrator):
    user = UserFactory.create(full_name="First")
    client = admin(administrator)
    seen = form_of(client, change(user))
    User.objects.filter(pk=user.pk).update(full_name="Second")
    refused = client.post(change(user), seen | {"full_name": "Third"})
    assert "meanwhile" in errors_of(refused)["full_name"][0]
    assert User.objects.get(pk=user.pk).full_name == "Second"
    # Another field of the same page is written, and leaves theirs alone.
    assert client.post(change(user), seen | {"email": "a@b.example"}).status_code == 302
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.full_name, fresh.email) == ("Second", "a@b.example")


@pytest.mark.parametrize("roles", [[], ["Administrator", "Auditor"]])
def test_nobody_changes_their_own_roles(administrator, roles):
    client = admin(administrator)
    sent = form_of(client, change(administrator)) | {"roles": roles, "full_name": "Me"}
    refused = client.post(change(administrator), sent)
    assert errors_of(refused)["__all__"] == ["Somebody else must change your roles."]
    fresh = User.objects.get(pk=administrator.pk)
    assert (fresh.roles, fresh.full_name) == ({"Administrator"}, "")
    assert recorded() == []


@pytest.mark.parametrize("role", ["ComplianceOfficer", "Auditor"])
def test_other_staff_change_nobody(role):
    staff, user = user_with_role(role), UserFactory.create()
    client = admin(staff)
    for target in (user, staff):
        assert client.get(change(target)).status_code == 200
        sent = {"roles": ["Administrator"], "full_name": "Mallory", "is_active": "on"}
        assert client.post(change(target), sent).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, fields()).status_code == 403
    assert User.objects.filter(full_name="Mallory").count() == 0
    assert User.objects.get(pk=staff.pk).roles == {role}
    assert User.objects.count() == 2
    assert recorded() == []


def test_nobody_deletes_a_user(administrator):
    user = UserFactory.create()
    client = admin(administrator)
    url = page("user", "delete", user.pk)
    assert client.post(url, {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    client.post(LIST, sent)
    assert User.objects.filter(pk=user.pk).exists()


def test_groups_and_tokens_of_sessions_have_no_page(administrator):
    for name in ("auth_group", "token_blacklist_outstandingtoken"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:{name}_changelist")
    text = admin(administrator).get(reverse("admin:index")).content.decode()
    assert "Users" in text
    assert "Groups" not in text
