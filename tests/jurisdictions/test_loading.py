"""Loading reference data: exact, repeatable, all or nothing, and never over what staff made."""

import json
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import AuditEvent
from config.api.errors import ValidationFailed
from jurisdictions.engine import pack_from_document, pack_to_document
from jurisdictions.mapping import document_of
from jurisdictions.models import (
    AmbiguousSpelling,
    FactDefinition,
    Jurisdiction,
    Requirement,
    RulePack,
)
from jurisdictions.selectors import (
    fact_catalogue,
    jurisdiction_directory,
    pack_value,
    requirements_of,
)
from jurisdictions.services.directory import jurisdiction_update
from jurisdictions.services.lifecycle import pack_retire
from jurisdictions.services.requirements import requirement_create, requirement_delete
from jurisdictions.tag_text import JurisdictionDirectory
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.builders import catalogue, pack_documents, reference

pytestmark = pytest.mark.django_db


def statuses() -> dict[str, str]:
    return {f"{row.pack_id} {row.version}": row.status for row in RulePack.objects.all()}


def test_everything_is_loaded_and_the_named_pack_is_active():
    report = rules.load("GLOBAL-BASELINE")
    places = JurisdictionDirectory.from_document(reference("jurisdictions"))
    facts = len(reference("facts")["facts"])
    # EUROPE is ambiguous, and FATF keeps two lists.
    assert report.reference_rows == facts + len(places.entries) + 1 + 2
    assert report.loaded == report.activated == ["global-baseline 2026.11.1"]
    assert report.kept == []
    assert FactDefinition.objects.count() == facts
    assert Jurisdiction.objects.count() == len(places.entries)
    assert list(AmbiguousSpelling.objects.values_list("text", flat=True)) == ["EUROPE"]
    assert statuses() == {"global-baseline 2026.11.1": "Active"}
    assert Requirement.objects.count() == 15


def test_loading_is_recorded_with_the_actor():
    rules.load(rules.BASELINE)
    names = list(AuditEvent.objects.order_by("seq").values_list("name", "actor"))
    assert names == [
        ("jurisdictions.directory.loaded", "system"),
        ("jurisdictions.pack.loaded", "system"),
        ("jurisdictions.pack.activated", "system"),
    ]
    (activation,) = event_bodies("jurisdictions.pack.activated")
    assert activation["referenceId"] == str(RulePack.objects.get().pk)
    assert (activation["oldStatus"], activation["newStatus"]) == ("Draft", "Active")
    assert activation["details"] == {
        "packId": "global-baseline",
        "version": "2026.11.1",
        "jurisdiction": "GLOBAL",
        "effectiveFrom": "2026-01-01",
    }


def test_loading_twice_changes_nothing():
    rules.load(rules.BASELINE)
    before, events = rules.everything(), AuditEvent.objects.count()
    directory = list(Jurisdiction.objects.order_by("pk").values())
    again = rules.load(rules.BASELINE)
    assert (again.reference_rows, again.loaded, again.activated, again.kept) == (0, [], [], [])
    assert rules.everything() == before
    assert list(Jurisdiction.objects.order_by("pk").values()) == directory
    assert AuditEvent.objects.count() == events


def test_every_stored_pack_gives_its_document_back(tmp_path: Path):
    documents = pack_documents()
    assert len(documents) == 12
    rules.load(fixtures=rules.fixtures_with(tmp_path, **documents))
    for document in documents.values():
        row = RulePack.objects.get(pack_id=document["packId"])
        assert pack_value(row) == pack_from_document(document)
        stored = document_of(row, requirements_of([row]))
        expected = {name: value for name, value in document.items() if name != "$schema"}
        assert _without_null_control(stored) == _without_null_control(expected)


def _without_null_control(document: dict[str, Any]) -> dict[str, Any]:
    plain = deepcopy(document)
    for entry in plain["requirements"]:
        if entry.get("control") is None:
            entry.pop("control", None)
    return plain


def test_catalogue_and_directory_equal_their_documents():
    rules.load()
    assert fact_catalogue() == catalogue()
    directory = jurisdiction_directory()
    expected = JurisdictionDirectory.from_document(reference("jurisdictions"))
    assert directory.spellings == expected.spellings
    assert directory.entries == expected.entries


def test_a_changed_document_needs_a_new_version(tmp_path: Path):
    rules.load(rules.BASELINE)
    before, events = rules.everything(), AuditEvent.objects.count()
    changed = rules.document(asOf="2026-11-21")
    with pytest.raises(ValidationFailed) as refusal:
        rules.load(fixtures=rules.fixtures_with(tmp_path, base=changed))
    assert refusal.value.details == {
        "base.json": [
            "differs from the global-baseline 2026.11.1 that was loaded before; "
            "give the changed document a new version"
        ]
    }
    assert rules.everything() == before
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda d: d["requirements"][0]["check"]["params"].update(field="no.suchFact"), "no.such"),
        (lambda d: d["requirements"][0]["check"].update(kind="guess"), "guess"),
        (lambda d: d["requirements"][0].update(source="nowhere"), "there is no source nowhere"),
        (lambda d: d["requirements"].append(deepcopy(d["requirements"][0])), "used 2 times"),
        (lambda d: d["requirements"][0].update(appliesWhen={"fact": "x.y", "op": "eq"}), "x.y"),
        (lambda d: d.update(version="1"), "version"),
        (lambda d: d.update(effectiveTo="2020-01-01"), "effectiveTo"),
        (lambda d: d["jurisdiction"].update(code="QQ"), "there is no jurisdiction QQ"),
        (lambda d: d.update(surprise=True), "surprise"),
    ],
)
def test_one_broken_pack_and_nothing_is_written(tmp_path: Path, spoil: Any, problem: str):
    broken = rules.document()
    spoil(broken)
    folder = rules.fixtures_with(tmp_path, a=rules.document("US-SEC"), b=broken)
    with pytest.raises(ValidationFailed) as refusal:
        rules.load(rules.BASELINE, fixtures=folder)
    assert list(refusal.value.details) == ["b.json"]
    assert any(problem in text for text in refusal.value.details["b.json"])
    assert RulePack.objects.count() == Requirement.objects.count() == 0
    assert Jurisdiction.objects.count() == FactDefinition.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_what_is_no_json_is_named(tmp_path: Path):
    folder = rules.fixtures_with(tmp_path, a=rules.document())
    (folder / "rulepacks" / "b.json").write_text("[1", encoding="utf-8")
    with pytest.raises(ValidationFailed) as refusal:
        rules.load(fixtures=folder)
    assert list(refusal.value.details) == ["b.json"]
    assert RulePack.objects.count() == 0


def test_two_files_of_one_version_are_refused(tmp_path: Path):
    folder = rules.fixtures_with(tmp_path, a=rules.document(), b=rules.document())
    with pytest.raises(ValidationFailed) as refusal:
        rules.load(fixtures=folder)
    assert refusal.value.details == {"b.json": ["the same pack and version as a.json"]}
    assert RulePack.objects.count() == 0


def test_a_pack_to_activate_must_exist():
    with pytest.raises(ValidationFailed) as refusal:
        rules.load("global-base")
    assert refusal.value.details == {"activate": ["there is no pack global-base"]}
    assert RulePack.objects.count() == 0


@time_machine.travel("2026-12-05T12:00:00Z", tick=False)
def test_a_newer_document_supersedes_what_was_loaded(tmp_path: Path):
    rules.load(rules.BASELINE)
    folder = rules.fixtures_with(tmp_path, new=rules.document(version="2026.12.1"))
    report = rules.load(rules.BASELINE, fixtures=folder)
    assert report.activated == ["global-baseline 2026.12.1"]
    old, new = RulePack.objects.order_by("version")
    assert (old.status, str(old.effective_to)) == ("Superseded", "2026-12-04")
    assert (new.status, str(new.effective_from)) == ("Active", "2026-12-05")


def test_without_being_named_a_newer_document_stays_a_draft(tmp_path: Path):
    rules.load(rules.BASELINE)
    rules.load(fixtures=rules.fixtures_with(tmp_path, new=rules.document(version="2026.12.1")))
    assert statuses() == {
        "global-baseline 2026.11.1": "Active",
        "global-baseline 2026.12.1": "Draft",
    }


def test_what_staff_changed_is_kept(officer: User, tmp_path: Path):
    rules.load(fixtures=rules.fixtures_with(tmp_path, us=rules.document("US-SEC")))
    pack = RulePack.objects.get(pack_id="us-sec")
    requirement_delete(actor=officer, requirement=pack.requirements.order_by("pk")[0])
    before = rules.everything()
    report = rules.load("us-sec", fixtures=tmp_path)
    assert report.kept == ["us-sec 2026.11.1"]
    assert (report.loaded, report.activated) == ([], [])
    assert rules.everything() == before
    changed = rules.document("US-SEC", asOf="2020-01-01")
    rules.load("us-sec", fixtures=rules.fixtures_with(tmp_path, us=changed))
    assert rules.everything() == before


def test_a_version_that_staff_activated_is_not_superseded_by_loading(
    officer: User, administrator: User, tmp_path: Path
):
    rules.activated(officer, administrator)
    before = statuses()
    newer = rules.document(version="2027.01.1")
    report = rules.load(rules.BASELINE, fixtures=rules.fixtures_with(tmp_path, new=newer))
    assert report.activated == []
    assert statuses() == {**before, "global-baseline 2027.01.1": "Draft"}


def test_a_pack_that_staff_retired_stays_retired(administrator: User, tmp_path: Path):
    pack_retire(actor=administrator, pack=rules.baseline(), reason="Replaced by law.")
    assert rules.load(rules.BASELINE).activated == []
    newer = rules.document(version="2027.01.1")
    rules.load(rules.BASELINE, fixtures=rules.fixtures_with(tmp_path, new=newer))
    assert statuses() == {
        "global-baseline 2026.11.1": "Retired",
        "global-baseline 2027.01.1": "Draft",
    }


def test_a_jurisdiction_that_staff_edited_is_kept_and_others_follow_the_document(
    administrator: User, tmp_path: Path
):
    rules.load()
    gb, fr = Jurisdiction.objects.get(code="GB"), Jurisdiction.objects.get(code="FR")
    jurisdiction_update(actor=administrator, jurisdiction=gb, aliases=["UK", "BRITAIN"])
    Jurisdiction.objects.filter(pk=fr.pk).update(name="Frankreich")
    assert rules.load().reference_rows == 1
    assert Jurisdiction.objects.get(code="GB").aliases == ["UK", "BRITAIN"]
    assert Jurisdiction.objects.get(code="FR").name == "France"


def test_a_changed_fact_follows_its_document(tmp_path: Path):
    rules.load()
    folder = rules.fixtures_with(tmp_path)
    path = folder / "reference" / "facts.json"
    facts = json.loads(path.read_text("utf-8"))
    facts["facts"][0]["description"] = "Another description"
    path.write_text(json.dumps(facts), encoding="utf-8")
    assert rules.load(fixtures=folder).reference_rows == 1
    changed = FactDefinition.objects.get(path=facts["facts"][0]["path"])
    assert changed.description == "Another description"


def test_the_command_says_what_it_did_and_what_is_wrong(tmp_path: Path):
    said = StringIO()
    folder = rules.fixtures_with(tmp_path, base=rules.document())
    call_command("load_rules", activate=["GLOBAL-BASELINE"], fixtures=folder, stdout=said)
    assert said.getvalue().splitlines()[1:] == [
        "loaded: global-baseline 2026.11.1",
        "activated: global-baseline 2026.11.1",
    ]
    said = StringIO()
    call_command("load_rules", f"--fixtures={folder}", activate=["GLOBAL-BASELINE"], stdout=said)
    assert said.getvalue().splitlines() == [
        "0 facts, jurisdictions and lists changed.",
        "No new rule packs.",
    ]
    folder = rules.fixtures_with(tmp_path, base=rules.document(asOf=None))
    with pytest.raises(CommandError, match=r"base\.json: differs from the global-baseline"):
        call_command("load_rules", fixtures=folder)


def test_the_loaded_pack_reads_back_after_staff_used_it(officer: User):
    pack = rules.baseline()
    expected = pack_to_document(pack_value(pack))
    copy = rules.draft(officer)
    requirement_create(actor=officer, pack=copy, **rules.RULE)
    assert pack_to_document(pack_value(RulePack.objects.get(pk=pack.pk))) == expected
