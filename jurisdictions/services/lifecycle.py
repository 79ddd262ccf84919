"""The life of a version: submitted, returned, activated by a second person, retired."""

from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_administrator, require_officer
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict, PermissionRefused
from jurisdictions.choices import PackStatus
from jurisdictions.models import RulePack
from jurisdictions.selectors import requirements_of, version_order
from jurisdictions.services.approvals import approve, report_for_approval
from jurisdictions.services.locking import lock_draft, lock_pack, lock_rules_in_force
from jurisdictions.services.pack_events import pack_details, pack_reference
from jurisdictions.validation import require_valid_pack

_BEFORE_FORCE = frozenset({PackStatus.DRAFT, PackStatus.IN_REVIEW})


@transaction.atomic
def pack_submit(*, actor: User, pack: RulePack, lock_version: int | None = None) -> RulePack:
    """Hand a Draft over for review; from now on nobody edits it. Officers only.

    Raises ValidationError with everything that is wrong with it, `Conflict`, `PreconditionFailed`.
    """
    require_officer(actor)
    row = lock_draft(pack, lock_version)
    require_valid_pack(row, requirements_of([row]))
    row.status = PackStatus.IN_REVIEW
    row.authors = with_author(row.authors, actor)
    row.submitted_by = actor.label
    row.submitted_by_id = actor.principal_id
    row.submitted_at = timezone.now()
    _save(row, "authors", "submitted_by", "submitted_by_id", "submitted_at")
    _record("submitted", actor, row, old_status=PackStatus.DRAFT)
    return row


@transaction.atomic
def pack_return(
    *, actor: User, pack: RulePack, reason: str, lock_version: int | None = None
) -> RulePack:
    """Give a version in review back to its authors, as a Draft, with the reason. Officers only."""
    require_officer(actor)
    row = lock_pack(pack, lock_version)
    _require_status(row, PackStatus.IN_REVIEW, "returned")
    if not reason.strip():
        raise ValidationError({"reason": ["Say what has to change."]})
    row.status = PackStatus.DRAFT
    _save(row)
    _record("returned", actor, row, old_status=PackStatus.IN_REVIEW, notes=reason.strip())
    return row


@transaction.atomic
def pack_activate(
    *,
    actor: User,
    pack: RulePack,
    dry_run_report: str | None = None,
    lock_version: int | None = None,
) -> RulePack:
    """Approve a reviewed version on its dry run and bring it into force.

    The Active one is superseded at that day. Administrators only, and nobody who made, changed or
    submitted it. `dry_run_report` is the digest of the sealed report that is approved: it must be
    of this content and of the rules that are in force now. A version of a pack that was in force
    before takes effect today at the earliest: what held in the past stays as it was.
    Raises `PermissionRefused`, `Conflict`, `PreconditionFailed`, and ValidationError where the
    facts catalogue has changed so that the version is not valid any more.
    """
    require_administrator(actor)
    lock_rules_in_force()
    row = lock_pack(pack, lock_version)
    _require_status(row, PackStatus.IN_REVIEW, "activated")
    if actor.principal_id in row.authors:
        raise PermissionRefused(
            "Somebody who neither changed nor submitted this version must activate it."
        )
    require_valid_pack(row, requirements_of([row]))
    approve(row, report_for_approval(row, dry_run_report), actor=actor)
    bring_into_force(row, actor=actor)
    return row


def bring_into_force(row: RulePack, *, actor: Principal) -> None:
    """Make `row` the Active version, within a transaction that holds the lock of the rules.

    Raises `Conflict` where a newer version is Active already or this one would be over at once.
    """
    now = timezone.now()
    versions = RulePack.objects.select_for_update().filter(pack_id=row.pack_id).exclude(pk=row.pk)
    others = list(versions.order_by("pk"))
    active = next((one for one in others if one.status == PackStatus.ACTIVE), None)
    if active is not None and version_order(active) > version_order(row):
        raise Conflict(f"The newer version {active.version} is active already.")
    if any(one.activated_at is not None for one in others):
        row.effective_from = max(row.effective_from or now.date(), now.date())
    if row.effective_to is not None and row.effective_to < (row.effective_from or now.date()):
        raise Conflict("Its last day of force is over; draft a new version with another one.")
    if active is not None:
        _supersede(active, row.effective_from or now.date(), actor=actor, by=row)
    before = row.status
    row.status = PackStatus.ACTIVE
    row.activated_by = actor.label
    row.activated_by_id = actor.principal_id
    row.activated_at = now
    _save(row, "effective_from", "activated_by", "activated_by_id", "activated_at")
    _record("activated", actor, row, old_status=before, supersedes=active)


def _supersede(row: RulePack, successor_from: date, *, actor: Principal, by: RulePack) -> None:
    last = successor_from - timedelta(days=1)
    row.effective_to = last if row.effective_to is None else min(row.effective_to, last)
    if row.effective_from is not None and row.effective_to < row.effective_from:
        row.effective_to = None  # it never comes into force
    row.status = PackStatus.SUPERSEDED
    _save(row, "effective_to")
    _record(
        "superseded", actor, row, old_status=PackStatus.ACTIVE, notes=f"By version {by.version}"
    )


@transaction.atomic
def pack_retire(
    *, actor: User, pack: RulePack, reason: str, lock_version: int | None = None
) -> RulePack:
    """End a version for good: from now on no token is judged by it. It stays readable.

    Administrators only; officers may withdraw one that was not activated yet.
    """
    require_officer(actor)
    lock_rules_in_force()
    row = lock_pack(pack, lock_version)
    if row.status not in _BEFORE_FORCE:
        require_administrator(actor)
    if row.status == PackStatus.RETIRED:
        raise Conflict(f"{row} is retired already.")
    if not reason.strip():
        raise ValidationError({"reason": ["Say why it ends."]})
    before = row.status
    row.status = PackStatus.RETIRED
    _save(row)
    _record("retired", actor, row, old_status=before, notes=reason.strip())
    return row


def with_author(authors: list[str], actor: Principal) -> list[str]:
    """Return the authors of a version with this one among them."""
    return sorted({*authors, *([actor.principal_id] if actor.principal_id else [])})


def _require_status(row: RulePack, status: PackStatus, done: str) -> None:
    if row.status != status:
        raise Conflict(
            f"Only a version that is {status.label.lower()} can be {done}; {row} is "
            f"{row.get_status_display().lower()}."
        )


def _save(row: RulePack, *names: str) -> None:
    row.lock_version += 1
    row.save(update_fields=["status", "lock_version", *names])


def _record(
    what: str,
    actor: Principal,
    row: RulePack,
    *,
    old_status: str,
    notes: str | None = None,
    supersedes: RulePack | None = None,
) -> None:
    record_event(
        f"jurisdictions.pack.{what}",
        actor=actor,
        **pack_reference(row),
        old_status=str(old_status),
        new_status=str(row.status),
        notes=notes,
        details={
            **pack_details(row),
            **({"supersedes": supersedes.version} if supersedes else {}),
        },
    )
