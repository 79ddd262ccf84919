"""The facts catalogue through its services: nothing breaks that uses a fact."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import User
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from config.api.errors import PermissionRefused, PreconditionFailed
from jurisdictions.models import FactDefinition
from jurisdictions.selectors import fact_catalogue
from jurisdictions.services.catalogue import fact_add, fact_digest, fact_update
from jurisdictions.services.facts import facts_record
from tests.factories import TokenFactory, event_bodies
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db

NEW: dict[str, Any] = {"path": "token.colour", "type": "enum", "enum": ["red", "blue"]}


@pytest.fixture(autouse=True)
def _loaded(db: None) -> None:
    rules.baseline()


def definition(path: str = "token.colour") -> FactDefinition:
    return FactDefinition.objects.get(path=path)


def refused(change: Any) -> dict[str, list[str]]:
    before = list(FactDefinition.objects.order_by("pk").values())
    events = AuditEvent.objects.count()
    with pytest.raises(ValidationError) as refusal:
        change()
    assert list(FactDefinition.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == events
    found: dict[str, list[str]] = refusal.value.message_dict
    return found


def in_use(administrator: User) -> FactDefinition:
    """A fact that a rule of an Active pack compares, with a value recorded too."""
    row = fact_add(actor=administrator, **NEW)
    draft = rules.draft(administrator)
    condition = {"not": {"fact": row.path, "op": "in", "value": ["red"]}}
    rules.rule_of(draft)
    draft.requirements.filter(key="base.kyc_status").update(applies_when=condition)
    type(draft).objects.filter(pk=draft.pk).update(status="InReview")
    return row


def test_a_new_fact_can_be_asked_for_at_once(administrator: User):
    row = fact_add(
        actor=administrator, **NEW, assume_when_missing="red", description="Which", origin="Law"
    )
    entry = fact_catalogue().get("token.colour")
    assert entry is not None
    assert (entry.enum, entry.assume_when_missing) == (("red", "blue"), "red")
    assert row.edited_by == administrator.label
    (event,) = event_bodies("jurisdictions.fact.added")
    assert (event["actor"], event["referenceId"]) == (administrator.label, "token.colour")


def test_what_may_change_verdicts_says_so(administrator: User):
    row = fact_add(actor=administrator, **NEW)
    fact_update(actor=administrator, definition=row, description="Which colour it has")
    assert not EVENT_TYPES["jurisdictions.fact.described"].affects_status
    (event,) = event_bodies("jurisdictions.fact.described")
    assert event["details"] == {"path": "token.colour", "fields": ["description"]}
    fact_update(actor=administrator, definition=row, assume_when_missing="blue", origin="Law")
    assert EVENT_TYPES["jurisdictions.fact.updated"].affects_status
    (event,) = event_bodies("jurisdictions.fact.updated")
    assert event["details"]["fields"] == ["assume_when_missing", "origin"]
    assert definition().assume_when_missing == "blue"


def test_the_same_again_is_no_change(administrator: User):
    row = fact_add(actor=administrator, **NEW)
    events = AuditEvent.objects.count()
    same = fact_update(actor=administrator, definition=row, **NEW)
    assert (same.edited_at, AuditEvent.objects.count()) == (row.edited_at, events)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"path": "token"}, "path"),
        ({"path": "Token.colour"}, "path"),
        ({"path": "token.isin"}, "path"),
        ({"path": "token.a\x00b"}, "path"),
        ({"path": "token." + "a" * 100}, "path"),
        ({"path": "metadata.colour"}, "path"),
        ({"path": "tag.colour"}, "path"),
        ({"type": "colour"}, "type"),
        ({"type": "string"}, "enum"),
        ({"enum": None}, "enum"),
        ({"enum": []}, "enum"),
        ({"enum": "red"}, "enum"),
        ({"enum": ["red", "red"]}, "enum"),
        ({"enum": ["red", 1]}, "enum"),
        ({"enum": [" red"]}, "enum"),
        ({"enum": ["a\x00b"]}, "enum"),
        ({"enum": ["r" * 101]}, "enum"),
        ({"enum": [str(number) for number in range(201)]}, "enum"),
        ({"assume_when_missing": "green"}, "assume_when_missing"),
        ({"assume_when_missing": float("nan")}, "assume_when_missing"),
        ({"assume_when_missing": {"a": 1}}, "assume_when_missing"),
        ({"type": "boolean", "enum": None, "assume_when_missing": 1}, "assume_when_missing"),
        ({"type": "list", "enum": None, "assume_when_missing": "a"}, "assume_when_missing"),
        ({"description": "d" * 501}, "description"),
        ({"origin": "o\x00"}, "origin"),
    ],
)
def test_what_is_no_definition_is_refused(administrator: User, change: Any, field: str):
    assert field in refused(lambda: fact_add(actor=administrator, **{**NEW, **change}))


def test_path_and_type_stay_where_a_rule_uses_the_fact(administrator: User):
    row = in_use(administrator)
    for change in ({"type": "list"}, {"path": "token.color"}):
        found = refused(
            lambda change=change: fact_update(  # type: ignore[misc]
                actor=administrator, definition=row, **change
            )
        )
        assert "global-baseline" in found[next(iter(change))][0]
    used = definition("metadata.kycVerificationDate")
    assert "type" in refused(
        lambda: fact_update(actor=administrator, definition=used, type="string")
    )


def test_path_and_type_stay_where_a_value_was_recorded(administrator: User, officer: User):
    row = fact_add(actor=administrator, **NEW)
    token = TokenFactory.create()
    facts_record(
        actor=officer, asset_id=token.asset_id, network=token.network, facts={row.path: "blue"}
    )
    found = refused(lambda: fact_update(actor=administrator, definition=row, type="list"))
    assert found == {"type": ["It cannot change any more: it is used by recorded values."]}
    found = refused(lambda: fact_update(actor=administrator, definition=row, enum=["red"]))
    assert "A recorded value uses 'blue'" in found["enum"][0]
    facts_record(
        actor=officer, asset_id=token.asset_id, network=token.network, facts={row.path: None}
    )
    assert fact_update(actor=administrator, definition=row, enum=["red"]).enum == ["red"]


def test_an_unused_fact_can_be_put_right(administrator: User):
    row = fact_add(actor=administrator, **NEW)
    fact_update(actor=administrator, definition=row, path="token.hue", type="string", enum=None)
    assert definition("token.hue").type == "string"


def test_a_choice_that_a_rule_compares_stays(administrator: User):
    row = in_use(administrator)
    found = refused(lambda: fact_update(actor=administrator, definition=row, enum=["blue"]))
    assert "uses 'red'" in found["enum"][0]
    assert fact_update(actor=administrator, definition=row, enum=["red", "green"]).enum == [
        "red",
        "green",
    ]


def test_a_choice_in_params_stays(administrator: User):
    row = fact_add(actor=administrator, **NEW)
    draft = rules.draft(administrator)
    params = {"field": row.path, "values": ["blue"]}
    draft.requirements.filter(key="base.kyc_status").update(check_kind="field_in", params=params)
    # A Draft binds nobody yet.
    assert fact_update(actor=administrator, definition=row, enum=["red", "blue", "x"])
    type(draft).objects.filter(pk=draft.pk).update(status="InReview")
    found = refused(lambda: fact_update(actor=administrator, definition=row, enum=["red"]))
    assert "uses 'blue'" in found["enum"][0]


def test_what_has_a_record_of_its_own_keeps_its_choices(administrator: User):
    row = definition("tag.classification")
    more = [*row.enum, "OTHER"]
    assert fact_update(actor=administrator, definition=row, enum=more).enum == more
    found = refused(lambda: fact_update(actor=administrator, definition=row, enum=["OTHER"]))
    assert "cannot be removed" in found["enum"][0]
    assert "type" in refused(
        lambda: fact_update(actor=administrator, definition=row, type="string", enum=None)
    )


def test_nobody_else_may(officer: User, auditor: User, administrator: User):
    row = fact_add(actor=administrator, **NEW)
    for user in (officer, auditor):
        with pytest.raises(PermissionRefused):
            fact_update(actor=user, definition=row, description="Mine")
        with pytest.raises(PermissionRefused):
            fact_add(actor=user, **{**NEW, "path": "token.mine"})
    assert definition().description == ""


def test_who_saw_an_older_state_is_refused(administrator: User):
    row = fact_add(actor=administrator, **NEW)
    seen = fact_digest(row)
    fact_update(actor=administrator, definition=row, seen=seen, description="One")
    with pytest.raises(PreconditionFailed):
        fact_update(actor=administrator, definition=row, seen=seen, description="Two")
    assert definition().description == "One"


def test_loading_leaves_alone_what_staff_edited_and_says_so(administrator: User, tmp_path: Path):
    fixtures = rules.fixtures_with(tmp_path)
    row = definition("token.isin")
    fact_update(actor=administrator, definition=row, description="Ours")
    report = rules.load(fixtures=fixtures)
    assert (report.kept, report.reference_rows) == (["fact token.isin"], 0)
    assert definition("token.isin").description == "Ours"


def test_every_change_still_stamps_the_catalogue(administrator: User):
    """The new columns left the triggers in place, on SQLite too."""
    fact_catalogue()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jurisdictions_factdefinition SET description = 'Past the ORM' "
            "WHERE path = 'token.isin'"
        )
    entry = fact_catalogue().get("token.isin")
    assert entry is not None
    assert entry.description == "Past the ORM"
