"""Loading the reference data that comes with the software: again and again, with no harm."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction

from audit.principal import SYSTEM, Principal
from audit.services import record_event
from config.api.errors import ValidationFailed
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.choices import PackOrigin, PackStatus
from jurisdictions.engine import pack_from_document, validate_pack
from jurisdictions.mapping import rows_of
from jurisdictions.models import (
    AmbiguousSpelling,
    FactDefinition,
    Jurisdiction,
    Requirement,
    RulePack,
    ScreeningList,
    ScreeningListEntry,
)
from jurisdictions.reference_data import (
    FIXTURES,
    list_paths,
    pack_paths,
    read_document,
    rule_pack_schema,
)
from jurisdictions.selectors import fact_catalogue, version_order
from jurisdictions.services.lifecycle import bring_into_force
from jurisdictions.services.locking import lock_rules_in_force
from jurisdictions.services.pack_events import pack_details, pack_reference
from jurisdictions.tag_text import JurisdictionDirectory

# What of a document does not make it another one: where it lies, and where it stands in its life.
_OUTSIDE_DIGEST = ("$schema", "status")


@dataclass
class LoadReport:
    """What a load did; everything is empty where all was there already.

    `kept` are versions that staff changed or made, and facts that staff defined otherwise, which
    loading leaves alone.
    """

    reference_rows: int = 0
    loaded: list[str] = field(default_factory=list)
    activated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@transaction.atomic
def rules_load(
    *,
    actor: Principal = SYSTEM,
    activate: Collection[str] = (),
    fixtures: Path | None = None,
) -> LoadReport:
    """Load facts, jurisdictions, screening lists and rule packs; all or, if any is wrong, nothing.

    A version that is there stays as it is. A document that differs from the one its version was
    loaded from is refused: a change needs a new version. `activate` names packs that come into
    force as reference data, without a second person; a pack that staff took over or ended stays
    as staff left it. Raises `ValidationFailed` with every problem, by file.
    """
    lock_rules_in_force()
    folder = fixtures or FIXTURES
    problems: dict[str, list[str]] = {}
    report = LoadReport()
    report.reference_rows = _load_reference(folder, problems, report.kept)
    _refuse(problems)
    if report.reference_rows:
        record_event(
            "jurisdictions.directory.loaded", actor=actor, item_count=report.reference_rows
        )
    documents = {path.name: _read(path, problems) for path in pack_paths(folder)}
    wanted = {name.casefold() for name in activate}
    _check_packs(documents, wanted, problems)
    _refuse(problems)
    for document in documents.values():
        _load_pack(document, actor, report)
    for pack_id in sorted(wanted):
        _activate(pack_id, actor, report)
    return report


def _refuse(problems: dict[str, list[str]]) -> None:
    if problems:
        first = next(iter(problems))
        raise ValidationFailed(
            f"The rules were not loaded; {first}: {problems[first][0]}", details=problems
        )


def _read(path: Path, problems: dict[str, list[str]]) -> dict[str, Any]:
    try:
        return read_document(path)
    except (OSError, ValueError) as error:
        problems[path.name] = [str(error)]
        return {}


def _load_reference(folder: Path, problems: dict[str, list[str]], kept: list[str]) -> int:
    """Bring facts, jurisdictions and lists up to the documents; return how many that changed."""
    facts = _read(folder / "reference" / "facts.json", problems)
    places = _read(folder / "reference" / "jurisdictions.json", problems)
    if problems:
        return 0
    try:
        catalogue = FactCatalogue.from_document(facts)
        directory = JurisdictionDirectory.from_document(places)
    except (KeyError, TypeError, ValueError) as error:
        problems["reference"] = [f"{type(error).__name__}: {error}"]
        return 0
    changed = _load_facts(catalogue, kept) + _load_directory(directory, places)
    return changed + sum(_load_lists(path, problems) for path in list_paths(folder))


def _load_facts(catalogue: FactCatalogue, kept: list[str]) -> int:
    wanted = {
        entry.path: {
            "type": entry.type,
            "enum": list(entry.enum) if entry.enum else None,
            "assume_when_missing": entry.assume_when_missing,
            "origin": entry.origin,
            "description": entry.description,
        }
        for entry in catalogue.definitions.values()
    }
    there = {row.path: row for row in FactDefinition.objects.all()}
    new = [
        FactDefinition(path=path, **values) for path, values in wanted.items() if path not in there
    ]
    FactDefinition.objects.bulk_create(new)
    differing = [
        row for path, row in there.items() if path in wanted and _assign(row, wanted[path])
    ]
    kept += [f"fact {row.path}" for row in differing if row.edited_at is not None]
    changed = [row for row in differing if row.edited_at is None]
    for row in changed:
        row.save()
    return len(new) + len(changed)


def _load_directory(directory: JurisdictionDirectory, document: dict[str, Any]) -> int:
    notes = {code: entry.get("note", "") for code, entry in document["supranational"].items()}
    wanted = {
        entry.code: {
            "kind": entry.kind,
            "name": entry.name,
            "members": list(entry.members),
            "aliases": list(entry.aliases),
            "note": notes.get(entry.code, ""),
        }
        for entry in directory.entries.values()
    }
    there = {row.code: row for row in Jurisdiction.objects.all()}
    new = [
        Jurisdiction(code=code, **values) for code, values in wanted.items() if code not in there
    ]
    Jurisdiction.objects.bulk_create(new)
    changed = [
        row
        for code, row in there.items()
        if code in wanted and row.edited_at is None and _assign(row, wanted[code])
    ]
    for row in changed:
        row.save()
    texts = [text for text, code in directory.spellings.items() if code is None]
    known = set(AmbiguousSpelling.objects.values_list("text", flat=True))
    spellings = [AmbiguousSpelling(text=text) for text in texts if text not in known]
    AmbiguousSpelling.objects.bulk_create(spellings)
    return len(new) + len(changed) + len(spellings)


def _load_lists(path: Path, problems: dict[str, list[str]]) -> int:
    try:
        lists = [_list_values(entry) for entry in read_document(path)["lists"]]
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        problems[path.name] = [f"{type(error).__name__}: {error}"]
        return 0
    known = set(Jurisdiction.objects.values_list("code", flat=True))
    found = [
        f"{list_id}: there is no jurisdiction {code}"
        for list_id, _, entries in lists
        for code in sorted(entries.keys() - known)
    ]
    if found:
        problems[path.name] = found
        return 0
    return sum(_load_list(*one) for one in lists)


def _list_values(entry: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the id, the columns and the entries, by code, of a list in a document."""
    columns = {
        "title": entry["title"],
        "as_of": date.fromisoformat(entry["asOf"]),
        "max_age_days": entry.get("maxListAgeDays"),
        "sources": entry.get("sources", []),
    }
    entries = {
        one["code"]: (
            one.get("measure", ""),
            date.fromisoformat(one["since"]) if "since" in one else None,
        )
        for one in entry["entries"]
    }
    return entry["id"], columns, entries


def _load_list(list_id: str, columns: dict[str, Any], entries: dict[str, Any]) -> int:
    row = ScreeningList.objects.filter(list_id=list_id).first()
    if row is not None and row.edited_at is not None:
        return 0
    new = row is None
    row = row or ScreeningList(list_id=list_id)
    there = {} if new else {one.code: (one.measure, one.since) for one in row.entries.all()}
    if not (_assign(row, columns) or there != entries):
        return 0
    row.lock_version += 0 if new else 1
    row.save()
    row.entries.all().delete()
    ScreeningListEntry.objects.bulk_create(
        ScreeningListEntry(screening_list=row, code=code, measure=measure, since=since)
        for code, (measure, since) in entries.items()
    )
    return 1


def _assign(row: FactDefinition | Jurisdiction | ScreeningList, values: dict[str, Any]) -> bool:
    """Set the values; return whether that changed any."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)


def _check_packs(
    documents: dict[str, dict[str, Any]], wanted: Collection[str], problems: dict[str, list[str]]
) -> None:
    catalogue = fact_catalogue()
    codes = set(Jurisdiction.objects.values_list("code", flat=True))
    there = {(row.pack_id, row.version): row for row in RulePack.objects.all()}
    seen: dict[tuple[str, str], str] = {}
    for name, document in documents.items():
        if name in problems:
            continue
        found = validate_pack(document, rule_pack_schema(), catalogue)
        if not found:
            identity = (document["packId"], document["version"])
            found = list(_identity_problems(document, there.get(identity), codes))
            if identity in seen:
                found.append(f"the same pack and version as {seen[identity]}")
            seen[identity] = name
        if found:
            problems[name] = found
    known = {pack_id for pack_id, _ in (*seen, *there)}
    strange = sorted(set(wanted) - known)
    if strange and not problems:
        problems["activate"] = [f"there is no pack {pack_id}" for pack_id in strange]


def _identity_problems(
    document: dict[str, Any], row: RulePack | None, codes: Collection[str]
) -> Iterable[str]:
    if document["jurisdiction"]["code"] not in codes:
        yield f"jurisdiction.code: there is no jurisdiction {document['jurisdiction']['code']}"
    loaded = row is not None and row.origin == PackOrigin.LOADED
    if row is not None and loaded and row.loaded_digest != digest(document):
        yield (
            f"differs from the {row} that was loaded before; "
            "give the changed document a new version"
        )


def digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of what a pack document says, whatever its form and status."""
    content = {name: value for name, value in document.items() if name not in _OUTSIDE_DIGEST}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _load_pack(document: dict[str, Any], actor: Principal, report: LoadReport) -> None:
    row, requirements = rows_of(pack_from_document(document))
    existing = RulePack.objects.filter(pack_id=row.pack_id, version=row.version).first()
    if existing is not None:
        if existing.origin == PackOrigin.STAFF:
            report.kept.append(str(existing))
        return
    row.origin = PackOrigin.LOADED
    row.loaded_digest = digest(document)
    row.created_by = actor.label
    row.save(force_insert=True)
    Requirement.objects.bulk_create(requirements)
    record_event(
        "jurisdictions.pack.loaded",
        actor=actor,
        **pack_reference(row),
        new_status=str(row.status),
        item_count=len(requirements),
        details={**pack_details(row), "digest": row.loaded_digest},
    )
    report.loaded.append(str(row))


def _activate(pack_id: str, actor: Principal, report: LoadReport) -> None:
    versions = sorted(RulePack.objects.filter(pack_id=pack_id), key=version_order)
    newest = _newest_draft(versions)
    if newest is not None and all(_left_to_loading(row) for row in versions if row != newest):
        bring_into_force(newest, actor=actor)
        report.activated.append(str(newest))


def _newest_draft(versions: Sequence[RulePack]) -> RulePack | None:
    """The newest version, if it is as it was loaded and nobody has taken it up."""
    newest = versions[-1]
    untouched = newest.origin == PackOrigin.LOADED and not newest.authors
    return newest if untouched and newest.status == PackStatus.DRAFT else None


def _left_to_loading(row: RulePack) -> bool:
    return (
        row.origin == PackOrigin.LOADED
        and row.activated_by_id is None
        and row.status != PackStatus.RETIRED
    )
