"""Jurisdictions through the services: administrators only, no spelling names two."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from audit.models import AuditEvent
from config.api.errors import PermissionRefused, PreconditionFailed
from jurisdictions.models import Jurisdiction
from jurisdictions.selectors import jurisdiction_directory
from jurisdictions.services.directory import jurisdiction_create, jurisdiction_update
from jurisdictions.tag_text import parse_jurisdiction_text
from tests.factories import event_bodies
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loaded(db: None) -> None:
    rules.load()


def country(code: str = "FR") -> Jurisdiction:
    return Jurisdiction.objects.get(code=code)


def test_a_new_alias_is_read_at_once(administrator: User):
    row = jurisdiction_update(
        actor=administrator, jurisdiction=country(), lock_version=1, aliases=["FRANKREICH"]
    )
    assert (row.aliases, row.lock_version, row.edited_by) == (
        ["FRANKREICH"],
        2,
        administrator.label,
    )
    (tag,) = parse_jurisdiction_text("Frankreich", jurisdiction_directory())
    assert tag.code == "FR"
    (event,) = event_bodies("jurisdictions.jurisdiction.updated")
    assert (event["actor"], event["referenceId"]) == (administrator.label, "FR")
    assert event["details"] == {"code": "FR", "fields": ["aliases"]}


def test_a_new_jurisdiction_needs_no_code(administrator: User):
    jurisdiction_create(
        actor=administrator,
        code="X-KZ-AIFC",
        kind="private",
        name="Astana International Financial Centre",
        aliases=["AIFC"],
    )
    (tag,) = parse_jurisdiction_text("aifc", jurisdiction_directory())
    assert (tag.code, tag.kind) == ("X-KZ-AIFC", "private")
    assert event_bodies("jurisdictions.jurisdiction.updated")[0]["details"]["code"] == "X-KZ-AIFC"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"aliases": ["uk"]}, "aliases"),
        ({"aliases": ["DE"]}, "aliases"),
        ({"aliases": ["Europe"]}, "aliases"),
        ({"aliases": "UK"}, "aliases"),
        ({"aliases": [1]}, "aliases"),
        ({"members": ["DE"]}, "members"),
        ({"kind": "supranational", "members": ["DE", "QQ"]}, "members"),
        ({"kind": "planet"}, "kind"),
        ({"name": ""}, "name"),
    ],
)
def test_unsound_content_is_refused_by_field(administrator: User, change: Any, field: str):
    before, events = list(Jurisdiction.objects.order_by("pk").values()), AuditEvent.objects.count()
    with pytest.raises(ValidationError) as refusal:
        jurisdiction_update(actor=administrator, jurisdiction=country(), **change)
    assert field in refusal.value.message_dict
    assert list(Jurisdiction.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("code", ["fr", "FR", "FRANCE", "X-", "F1", "FR;DE", ""])
def test_a_strange_or_taken_code_is_refused(administrator: User, code: str):
    before = Jurisdiction.objects.count()
    with pytest.raises(ValidationError) as refusal:
        jurisdiction_create(actor=administrator, code=code, kind="country", name="Somewhere")
    assert "code" in refusal.value.message_dict
    assert Jurisdiction.objects.count() == before


def test_a_stale_change_is_refused(administrator: User):
    jurisdiction_update(actor=administrator, jurisdiction=country(), lock_version=1, note="First")
    with pytest.raises(PreconditionFailed):
        jurisdiction_update(
            actor=administrator, jurisdiction=country(), lock_version=1, note="Second"
        )
    assert country().note == "First"


def test_only_administrators_write(officer: User, auditor: User, owner: User):
    for actor in (officer, auditor, owner):
        with pytest.raises(PermissionRefused):
            jurisdiction_update(actor=actor, jurisdiction=country(), note="Mine")
        with pytest.raises(PermissionRefused):
            jurisdiction_create(actor=actor, code="QQ", kind="country", name="Mine")
    assert country().note == ""
    assert not Jurisdiction.objects.filter(code="QQ").exists()
