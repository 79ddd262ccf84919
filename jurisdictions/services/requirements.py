"""Writing the requirements of a Draft; of any other version they cannot be changed."""

from datetime import date
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.policies import require_officer
from audit.services import record_event
from config.api.errors import PreconditionFailed
from jurisdictions.models import Requirement, RulePack
from jurisdictions.services.drafts import draft_edited
from jurisdictions.services.locking import lock_draft, require_seen
from jurisdictions.services.pack_events import pack_details, pack_reference
from jurisdictions.validation import require_valid_requirement


class RequirementContent(TypedDict, total=False):
    """What can be written of a requirement."""

    key: str
    title: str
    description: str
    citation: str
    source: str
    basis: str
    category: str
    severity: str
    applies_when: dict[str, Any]
    check_kind: str
    params: dict[str, Any]
    on_missing: str
    evidence: str
    control: str | None
    confidence: str
    remediation: str | None
    effective_from: date | None
    effective_to: date | None
    note: str | None


CONTENT = tuple(RequirementContent.__annotations__)


@transaction.atomic
def requirement_create(
    *,
    actor: User,
    pack: RulePack,
    pack_lock_version: int | None = None,
    **content: Unpack[RequirementContent],
) -> Requirement:
    """Add a requirement at the end of a Draft. Officers only.

    Raises ValidationError, by field, `Conflict` where the version is no Draft, and
    `PreconditionFailed` where somebody changed it since the caller saw `pack_lock_version`.
    """
    require_officer(actor)
    row = lock_draft(pack, pack_lock_version)
    last = Requirement.objects.filter(pack=row).aggregate(last=Max("position"))["last"]
    requirement = Requirement(pack=row, position=0 if last is None else last + 1, **content)
    require_valid_requirement(requirement)
    requirement.save(force_insert=True)
    draft_edited(row, actor)
    _record("created", actor, requirement, sorted(content))
    return requirement


@transaction.atomic
def requirement_update(
    *,
    actor: User,
    requirement: Requirement,
    lock_version: int | None = None,
    **content: Unpack[RequirementContent],
) -> Requirement:
    """Change the given fields of a Draft's requirement. Officers only.

    Raises ValidationError, by field, `Conflict` where the version is no Draft, and
    `PreconditionFailed` where somebody changed or removed the requirement since the caller saw
    `lock_version`.
    """
    require_officer(actor)
    row = lock_draft(requirement.pack)
    current = _current(requirement, row, lock_version)
    changed = sorted(name for name, value in content.items() if getattr(current, name) != value)
    if not changed:
        return current
    for name in changed:
        setattr(current, name, dict(content)[name])
    require_valid_requirement(current)
    current.lock_version += 1
    current.save(update_fields=[*changed, "lock_version"])
    draft_edited(row, actor)
    _record("updated", actor, current, changed)
    return current


@transaction.atomic
def requirement_delete(
    *, actor: User, requirement: Requirement, lock_version: int | None = None
) -> None:
    """Take a requirement out of a Draft. Officers only. Raises as `requirement_update`."""
    require_officer(actor)
    row = lock_draft(requirement.pack)
    current = _current(requirement, row, lock_version)
    _record("deleted", actor, current, [])
    current.delete()
    draft_edited(row, actor)


def _current(requirement: Requirement, pack: RulePack, lock_version: int | None) -> Requirement:
    # The pack is locked, so nobody else changes its requirements until we are done.
    current = Requirement.objects.filter(pk=requirement.pk, pack=pack).first()
    if current is None:
        raise PreconditionFailed("The requirement is not there any more.")
    current.pack = pack
    require_seen(lock_version, current.lock_version)
    return current


def _record(what: str, actor: User, requirement: Requirement, fields: list[str]) -> None:
    pack = requirement.pack
    record_event(
        f"jurisdictions.requirement.{what}",
        actor=actor,
        **pack_reference(pack),
        details={
            **pack_details(pack),
            "key": requirement.key,
            **({"fields": fields} if fields else {}),
        },
    )
