"""Drafting versions of rule packs. What is no Draft is never edited: a new version is drafted."""

from collections.abc import Iterable
from datetime import date
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_officer
from audit.principal import Principal
from audit.services import record_event
from jurisdictions.choices import PackOrigin, PackStatus
from jurisdictions.mapping import rows_of
from jurisdictions.models import Jurisdiction, Requirement, RulePack
from jurisdictions.selectors import pack_value, version_order
from jurisdictions.services.lifecycle import with_author
from jurisdictions.services.locking import lock_draft, lock_rules_in_force
from jurisdictions.services.pack_events import pack_details, pack_reference
from jurisdictions.validation import require_valid_header


class PackContent(TypedDict, total=False):
    """What can be edited of a Draft besides its requirements."""

    framework_id: str
    framework_name: str
    regulators: list[str] | None
    effective_from: date | None
    effective_to: date | None
    as_of: date | None
    applies_when: dict[str, Any]
    sources: list[dict[str, Any]]
    parameters: dict[str, Any] | None
    retention: list[dict[str, Any]] | None
    notes: list[str] | None
    disclaimer: str | None


@transaction.atomic
def pack_create(
    *, actor: User, pack_id: str, jurisdiction: Jurisdiction, **content: Unpack[PackContent]
) -> RulePack:
    """Draft the first version of a new pack for a jurisdiction, without requirements yet.

    Officers only. Raises ValidationError, by field.
    """
    require_officer(actor)
    lock_rules_in_force()
    if RulePack.objects.filter(pack_id=pack_id).exists():
        raise ValidationError({"pack_id": ["There is such a pack; draft a new version of it."]})
    row = RulePack(
        pack_id=pack_id,
        version=_next_version([]),
        jurisdiction=jurisdiction,
        territory=territory_of(jurisdiction),
        **content,
    )
    _sign(row, actor)
    require_valid_header(row)
    row.save(force_insert=True)
    _record_drafted(actor, row, [])
    return row


@transaction.atomic
def pack_draft_from(*, actor: User, pack: RulePack) -> RulePack:
    """Draft the next version of a pack, a copy of this one with its requirements. Officers only.

    The version is `YYYY.MM.n` of this month, and always newer than every other of the pack.
    """
    require_officer(actor)
    lock_rules_in_force()
    versions = list(RulePack.objects.filter(pack_id=pack.pack_id))
    source = RulePack.objects.get(pk=pack.pk)
    row, requirements = rows_of(pack_value(source))
    row.version = _next_version(versions)
    if source.status == PackStatus.SUPERSEDED:
        row.effective_to = None  # its successor set that day
    _sign(row, actor)
    row.save(force_insert=True)
    Requirement.objects.bulk_create(requirements)
    _record_drafted(actor, row, requirements, source)
    return row


@transaction.atomic
def pack_update(
    *,
    actor: User,
    pack: RulePack,
    lock_version: int | None = None,
    **content: Unpack[PackContent],
) -> RulePack:
    """Change the given fields of a Draft. Officers only.

    Raises ValidationError, by field, `Conflict` where it is no Draft, and `PreconditionFailed`
    where somebody changed it since the caller saw `lock_version`.
    """
    require_officer(actor)
    row = lock_draft(pack, lock_version)
    changed = sorted(name for name, value in content.items() if getattr(row, name) != value)
    if not changed:
        return row
    for name in changed:
        setattr(row, name, dict(content)[name])
    require_valid_header(row)
    draft_edited(row, actor, changed)
    record_event(
        "jurisdictions.pack.updated",
        actor=actor,
        **pack_reference(row),
        details={**pack_details(row), "fields": changed},
    )
    return row


def draft_edited(row: RulePack, actor: User, changed: Iterable[str] = ()) -> None:
    """Save a locked Draft as changed by `actor`, who is one of its authors from now on."""
    row.authors = with_author(row.authors, actor)
    row.origin = PackOrigin.STAFF
    row.lock_version += 1
    row.save(update_fields=["authors", "origin", "lock_version", *changed])


def territory_of(jurisdiction: Jurisdiction) -> dict[str, Any]:
    """Return what a version keeps of its jurisdiction."""
    return {
        "kind": jurisdiction.kind,
        "name": jurisdiction.name,
        **({"members": list(jurisdiction.members)} if jurisdiction.members else {}),
    }


def _sign(row: RulePack, actor: User) -> None:
    row.status = PackStatus.DRAFT
    row.origin = PackOrigin.STAFF
    row.authors = with_author([], actor)
    row.created_by = actor.label
    row.created_by_id = actor.principal_id


def _next_version(versions: Iterable[RulePack]) -> str:
    today = timezone.now().date()
    newest = max((version_order(row) for row in versions), default=(0, 0, 0))
    year, month = max((today.year, today.month), newest[:2])
    count = newest[2] + 1 if newest[:2] == (year, month) else 1
    return f"{year:04}.{month:02}.{count}"


def _record_drafted(
    actor: Principal,
    row: RulePack,
    requirements: list[Requirement],
    source: RulePack | None = None,
) -> None:
    record_event(
        "jurisdictions.pack.drafted",
        actor=actor,
        **pack_reference(row),
        new_status=str(row.status),
        item_count=len(requirements),
        details={**pack_details(row), **({"from": source.version} if source else {})},
    )
