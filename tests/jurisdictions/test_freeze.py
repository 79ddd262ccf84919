"""The database itself refuses to change a version that is no Draft."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.deletion import Collector
from django.utils import timezone

from accounts.models import User
from jurisdictions.freeze import CONTENT
from jurisdictions.models import Requirement, RulePack
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db

BOOKKEEPING = {
    "status",
    "lock_version",
    "effective_from",
    "effective_to",
    "activated_by",
    "activated_by_id",
    "activated_at",
}


def refused(change: Any) -> None:
    before = rules.everything()
    with pytest.raises(IntegrityError), transaction.atomic():
        change()
    assert rules.everything() == before


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def key_of(pack: RulePack) -> str:
    return str(pack.pk) if connection.vendor == "postgresql" else pack.pk.hex


def test_every_column_is_frozen_or_bookkeeping():
    columns = {field.column for field in RulePack._meta.concrete_fields}
    assert columns == {*CONTENT, *BOOKKEEPING}


@pytest.mark.parametrize(
    "change",
    [
        {"framework_name": "Another"},
        {"applies_when": {"not": {"always": True}}},
        {"sources": []},
        {"territory": {"kind": "country", "name": "Nowhere"}},
        {"jurisdiction_id": "FR"},
        {"pack_id": "other"},
        {"version": "2030.01.1"},
        {"effective_from": "2020-01-01"},
        {"effective_to": "2020-01-01"},
        {"disclaimer": "Changed"},
        {"authors": ["somebody"]},
        {"origin": "Staff"},
        {"created_by_id": "somebody"},
        {"submitted_by": "somebody"},
        {"activated_by": "somebody"},
        {"loaded_digest": None},
        {"parameters": None},
    ],
)
def test_no_content_of_an_active_version_changes(change: dict[str, Any]):
    pack = rules.baseline()
    refused(lambda: RulePack.objects.filter(pk=pack.pk).update(**change))


@pytest.mark.parametrize("status", ["InReview", "Active", "Superseded", "Retired"])
def test_requirements_are_frozen_in_every_status_but_draft(
    status: str, officer: User, administrator: User
):
    pack = rules.draft(officer)
    steps = ["InReview", "Active", "Superseded"]
    path = ["Retired"] if status == "Retired" else steps[: steps.index(status) + 1]
    for step in path:
        values: dict[str, Any] = {"status": step}
        if step == "InReview":
            values |= {"submitted_by_id": officer.principal_id}
        if step == "Active":
            RulePack.objects.filter(status="Active").update(status="Superseded")
            rules.approve(pack, administrator)
            values |= {
                "activated_at": timezone.now(),
                "activated_by_id": administrator.principal_id,
            }
        RulePack.objects.filter(pk=pack.pk).update(**values)
    rule = rules.rule_of(pack)
    rows = Requirement.objects.filter(pk=rule.pk)
    refused(lambda: rows.update(severity="recommended"))
    refused(lambda: rows._raw_delete(using="default"))
    refused(rule.delete)
    refused(lambda: Requirement.objects.create(pack=pack, key="base.more", category="scope"))
    refused(lambda: RulePack.objects.filter(pk=pack.pk).update(framework_name="Another"))
    refused(lambda: RulePack.objects.filter(pk=pack.pk)._raw_delete(using="default"))
    refused(pack.delete)


def test_a_requirement_moves_neither_out_of_nor_into_an_active_version(officer: User):
    copy = rules.draft(officer)
    active = RulePack.objects.get(status="Active")
    Requirement.objects.filter(pack=copy, key="base.kyc_status").update(key="base.renamed")
    out = Requirement.objects.filter(pack=active, key="base.kyc_status")
    into = Requirement.objects.filter(pack=copy, key="base.renamed")
    refused(lambda: out.update(pack=copy))
    refused(lambda: into.update(pack=active))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Draft", "Superseded"),
        ("Draft", "Active"),
        ("InReview", "Superseded"),
        ("Active", "Draft"),
        ("Active", "InReview"),
        ("Superseded", "Active"),
        ("Superseded", "Draft"),
        ("Retired", "Draft"),
        ("Retired", "InReview"),
        ("Retired", "Active"),
        ("Retired", "Superseded"),
    ],
)
def test_the_life_of_a_version_has_no_other_steps(
    before: str, after: str, officer: User, administrator: User
):
    pack = rules.draft(officer)
    RulePack.objects.filter(status="Active").update(status="Retired")
    reach = {
        "Draft": [],
        "InReview": ["InReview"],
        "Active": ["InReview", "Active"],
        "Superseded": ["InReview", "Active", "Superseded"],
        "Retired": ["InReview", "Active", "Retired"],
    }
    second = {"activated_at": timezone.now(), "activated_by_id": administrator.principal_id}
    for step in reach[before]:
        values: dict[str, Any] = {"status": step}
        if step == "InReview":
            values["submitted_by_id"] = officer.principal_id
        if step == "Active":
            rules.approve(pack, administrator)
            values |= second
        RulePack.objects.filter(pk=pack.pk).update(**values)
    more = second if after in ("Active", "Superseded") and before in ("Draft", "InReview") else {}
    refused(lambda: RulePack.objects.filter(pk=pack.pk).update(status=after, **more))


def test_a_draft_is_open(officer: User):
    pack = rules.draft(officer)
    RulePack.objects.filter(pk=pack.pk).update(framework_name="Another")
    Requirement.objects.filter(pack=pack).update(note="Changed")
    rules.rule_of(pack).delete()
    assert RulePack.objects.get(pk=pack.pk).framework_name == "Another"
    assert len(rules.keys(pack)) == 14
    pack.delete()
    assert RulePack.objects.count() == 1


@pytest.mark.parametrize("part", ["created_by_id", "submitted_by_id"])
def test_no_author_activates_by_any_path(part: str, officer: User, administrator: User):
    pack = rules.draft(officer)
    people = {"created_by_id": officer.principal_id, "submitted_by_id": officer.principal_id}
    people[part] = administrator.principal_id
    # Not among the authors: here the constraint alone has to refuse.
    RulePack.objects.filter(pk=pack.pk).update(status="InReview", authors=[], **people)
    RulePack.objects.filter(status="Active").update(status="Retired")
    rows = RulePack.objects.filter(pk=pack.pk)
    mine = {"activated_by_id": administrator.principal_id, "activated_at": timezone.now()}
    refused(lambda: rows.update(status="Active", **mine))
    refused(lambda: rows.update(status="Active", activated_at=timezone.now()))
    refused(lambda: rows.update(status="Active"))


def test_whoever_changed_a_version_activates_it_by_no_path(officer: User, administrator: User):
    pack = rules.draft(officer)
    authors = sorted([str(officer.principal_id), administrator.principal_id])
    RulePack.objects.filter(pk=pack.pk).update(
        status="InReview", authors=authors, submitted_by_id=officer.principal_id
    )
    RulePack.objects.filter(status="Active").update(status="Retired")
    mine = {"activated_by_id": administrator.principal_id, "activated_at": timezone.now()}
    refused(lambda: RulePack.objects.filter(pk=pack.pk).update(status="Active", **mine))


def test_only_one_version_of_a_pack_is_active(officer: User, administrator: User):
    pack = rules.reviewed(officer)
    mine = {"activated_by_id": administrator.principal_id, "activated_at": timezone.now()}
    refused(lambda: RulePack.objects.filter(pk=pack.pk).update(status="Active", **mine))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own way around triggers")
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_insert_or_replace_is_refused(recursive: str):
    pack = rules.baseline()
    rule = rules.rule_of(pack)
    sql(f"PRAGMA recursive_triggers = {recursive}")
    packs = ", ".join(field.column for field in RulePack._meta.concrete_fields)
    rows = ", ".join(field.column for field in Requirement._meta.concrete_fields)
    replace = "INSERT OR REPLACE INTO"
    refused(
        lambda: sql(
            f"{replace} jurisdictions_rulepack ({packs}) "
            f"SELECT {packs.replace('framework_name', chr(39) + 'x' + chr(39))} "
            "FROM jurisdictions_rulepack WHERE id = %s",
            key_of(pack),
        )
    )
    refused(
        lambda: sql(
            f"{replace} jurisdictions_requirement ({rows}) "
            f"SELECT {rows.replace('severity', chr(39) + 'recommended' + chr(39))} "
            "FROM jurisdictions_requirement WHERE id = %s",
            rule.pk,
        )
    )
    sql("PRAGMA recursive_triggers = ON")


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["jurisdictions_rulepack", "jurisdictions_requirement"])
def test_truncate_is_refused(table: str):
    rules.baseline()
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    refused(lambda: sql(f"TRUNCATE {table} CASCADE"))


def test_deleting_through_the_collector_is_refused_too():
    pack = rules.baseline()

    def delete() -> None:
        collector = Collector(using="default")
        collector.collect([pack])
        collector.delete()

    refused(delete)
