"""Writing the lists that jurisdiction codes are checked against."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_administrator
from audit.services import record_event
from jurisdictions.models import Jurisdiction, ScreeningList, ScreeningListEntry
from jurisdictions.services.locking import lock_rules_in_force, require_seen

# The columns whose values before a change its event tells, so that it can be undone for a reading
# of the past. A title is free text, which the log never holds.
_TOLD: Mapping[str, str] = {"as_of": "asOf", "max_age_days": "maxAgeDays"}


class ListEntry(TypedDict, total=False):
    """One jurisdiction on a list; only its code is needed."""

    code: str
    measure: str
    since: date | None


class ScreeningListContent(TypedDict, total=False):
    """What can be written of a list; `entries` are all of its entries."""

    title: str
    as_of: date
    max_age_days: int | None
    sources: list[str]
    entries: list[ListEntry]


@transaction.atomic
def screening_list_create(
    *, actor: User, list_id: str, **content: Unpack[ScreeningListContent]
) -> ScreeningList:
    """Add a list. Administrators only. Raises ValidationError, by field."""
    require_administrator(actor)
    lock_rules_in_force()
    given: dict[str, Any] = dict(content)
    entries: list[ListEntry] = given.pop("entries", [])
    row = ScreeningList(list_id=list_id, **given)
    _require_valid(row, entries)
    _sign(row, actor)
    row.save(force_insert=True)
    _insert_entries(row, entries)
    codes = sorted(entry["code"] for entry in entries)
    _record(actor, row, ["list_id", *content], added=codes, removed=[])
    return row


@transaction.atomic
def screening_list_update(
    *,
    actor: User,
    screening_list: ScreeningList,
    lock_version: int | None = None,
    **content: Unpack[ScreeningListContent],
) -> ScreeningList:
    """Change the given fields of a list; loading leaves it alone from now on.

    Administrators only. Raises ValidationError, by field, and `PreconditionFailed`.
    """
    require_administrator(actor)
    lock_rules_in_force()
    row = ScreeningList.objects.select_for_update().get(pk=screening_list.pk)
    require_seen(lock_version, row.lock_version)
    given: dict[str, Any] = dict(content)
    current = list_entries(row)
    wanted: list[ListEntry] = given.pop("entries", current)
    changed = sorted(name for name, value in given.items() if getattr(row, name) != value)
    was = {wire: _told(getattr(row, name)) for name, wire in _TOLD.items() if name in changed}
    for name in changed:
        setattr(row, name, given[name])
    _require_valid(row, wanted)
    new = {entry["code"]: _complete(entry) for entry in wanted}
    old = {entry["code"]: entry for entry in current}
    if new == old and not changed:
        return row
    _sign(row, actor)
    row.lock_version += 1
    row.save(update_fields=[*changed, "edited_by", "edited_at", "lock_version"])
    if new != old:
        row.entries.all().delete()
        _insert_entries(row, wanted)
    _record(
        actor,
        row,
        [*changed, *(["entries"] if new != old else [])],
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        was=was,
    )
    return row


def list_entries(row: ScreeningList) -> list[ListEntry]:
    """Return the entries of a list, ordered by code."""
    found = row.entries.order_by("code", "pk").values_list("code", "measure", "since")
    return [{"code": code, "measure": measure, "since": since} for code, measure, since in found]


def _told(value: date | int | None) -> str | int | None:
    return value.isoformat() if isinstance(value, date) else value


def _complete(entry: ListEntry) -> ListEntry:
    return {
        "code": entry["code"],
        "measure": entry.get("measure", ""),
        "since": entry.get("since"),
    }


def _insert_entries(row: ScreeningList, entries: list[ListEntry]) -> None:
    ScreeningListEntry.objects.bulk_create(
        ScreeningListEntry(screening_list=row, **_complete(entry)) for entry in entries
    )


def _sign(row: ScreeningList, actor: User) -> None:
    row.edited_by = actor.label
    row.edited_at = timezone.now()


def _require_valid(row: ScreeningList, entries: list[ListEntry]) -> None:
    problems: dict[str, list[str]] = {}
    try:
        row.full_clean()
    except ValidationError as refusal:
        problems = refusal.message_dict
    if "as_of" not in problems and row.as_of > timezone.now().date():
        problems["as_of"] = ["It cannot have been true on a day that is still to come."]
    if not _are_texts(row.sources):
        problems["sources"] = ["Write a list of texts."]
    if found := _entry_problems(entries):
        problems["entries"] = found
    if problems:
        raise ValidationError(problems)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)


def _entry_problems(entries: list[ListEntry]) -> list[str]:
    codes = Counter(entry["code"] for entry in entries)
    known = set(Jurisdiction.objects.filter(code__in=codes).values_list("code", flat=True))
    problems = [f"There is no jurisdiction {code}." for code in sorted(codes.keys() - known)]
    problems += [f"{code} is there {count} times." for code, count in codes.items() if count > 1]
    problems += [
        f"{entry['code']}: what it asks for is longer than 200 characters."
        for entry in entries
        if len(entry.get("measure", "")) > 200
    ]
    return problems


def _record(
    actor: User,
    row: ScreeningList,
    fields: list[str],
    *,
    added: list[str],
    removed: list[str],
    was: Mapping[str, Any] | None = None,
) -> None:
    record_event(
        "jurisdictions.list.updated",
        actor=actor,
        reference_type="screening_list",
        reference_id=row.list_id,
        item_count=row.entries.count(),
        details={
            "listId": row.list_id,
            "asOf": row.as_of.isoformat(),
            "fields": sorted(fields),
            **({"added": added} if added else {}),
            **({"removed": removed} if removed else {}),
            **({"was": dict(was)} if was else {}),
        },
    )
