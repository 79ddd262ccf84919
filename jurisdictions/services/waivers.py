"""Waivers: requested by one person, approved by another, over within a year or when revoked."""

import re
from datetime import datetime
from typing import Any, ClassVar, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_officer
from accounts.selectors import token_get
from audit.body import EventDraft
from audit.principal import SYSTEM
from audit.services import record_event, record_events
from config.api.errors import Conflict, DomainError, NotFound, ValidationFailed
from config.api.formats import utc_text
from config.api.preconditions import require_match
from jurisdictions.choices import Basis, WaiverStatus, WaiverType
from jurisdictions.engine.packs import version_order
from jurisdictions.models import Requirement, Waiver
from jurisdictions.services.locking import require_seen
from jurisdictions.waivers import NOT_FOUND

_VERSION = re.compile(r"\d{4}\.\d{2}\.\d{1,4}")
_REQUIRED = "This field is required."
# From the strongest down: a waiver rests on the strongest basis of what it covers.
_STRENGTH = (Basis.LAW, Basis.STANDARD, Basis.GUIDANCE, Basis.POLICY)


class OwnWaiver(DomainError):
    """Whoever requested a waiver cannot approve it (422)."""

    code: ClassVar[str] = "BUSINESS_RULE_VIOLATION"


class WaiverScope(TypedDict, total=False):
    """Which packs and versions a waiver covers; all, where nothing is said."""

    pack_id: str
    version_from: str
    version_to: str


@transaction.atomic
def waiver_request(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    requirement_key: str,
    reason: str,
    expires_at: datetime,
    type: str = "",  # noqa: A002 - the word of the wire
    evidence_reference: str = "",
    **scope: Unpack[WaiverScope],
) -> Waiver:
    """Ask for a requirement to be waived for a token until a moment at most a year ahead.

    Officers only. It has no effect until somebody else approves it. Where any version covered
    rests on law, `type` is required. Raises `ValidationFailed`, by field, `NotFound`,
    `AmbiguousAsset`, `PermissionRefused`.
    """
    require_officer(actor)
    now = timezone.now()
    token = token_get(asset_id=asset_id, network=network)
    waiver = Waiver(
        token=token,
        requirement_key=requirement_key.strip(),
        type=type,
        reason=reason.strip(),
        evidence_reference=evidence_reference.strip(),
        expires_at=expires_at,
        requested_by=actor.label,
        requested_by_id=actor.principal_id,
        requested_at=now,
        **scope,
    )
    waiver.basis = _require_sound(waiver, now)
    waiver.save(force_insert=True)
    _record("requested", actor, waiver, old_status=None, new_status=WaiverStatus.REQUESTED)
    return waiver


@transaction.atomic
def waiver_approve(
    *,
    actor: User,
    waiver_id: UUID,
    if_match: str | None = None,
    lock_version: int | None = None,
) -> Waiver:
    """Bring a requested waiver into effect. Officers only, and never who requested it.

    Raises `NotFound`, `OwnWaiver`, `Conflict`, `PreconditionFailed`, `PermissionRefused`.
    """
    require_officer(actor)
    waiver = _locked(waiver_id, if_match, lock_version)
    if waiver.requested_by_id == actor.principal_id:
        raise OwnWaiver("Somebody else than who requested it must approve a waiver.")
    now = timezone.now()
    before = waiver.status_at(now)
    if before != WaiverStatus.REQUESTED:
        raise Conflict(f"A waiver that is {before} cannot be approved.")
    waiver.approved_by = actor.label
    waiver.approved_by_id = actor.principal_id
    waiver.approved_at = now
    _save(waiver, "approved_by", "approved_by_id", "approved_at")
    _record("approved", actor, waiver, old_status=before, new_status=WaiverStatus.APPROVED)
    return waiver


@transaction.atomic
def waiver_revoke(
    *,
    actor: User,
    waiver_id: UUID,
    reason: str,
    if_match: str | None = None,
    lock_version: int | None = None,
) -> Waiver:
    """End a requested or approved waiver at once, for a reason. Officers only.

    Raises `ValidationFailed` without a reason, `NotFound`, `Conflict`, `PreconditionFailed`,
    `PermissionRefused`.
    """
    require_officer(actor)
    if not reason.strip():
        raise _invalid({"reason": [_REQUIRED]})
    waiver = _locked(waiver_id, if_match, lock_version)
    now = timezone.now()
    before = waiver.status_at(now)
    if before not in (WaiverStatus.REQUESTED, WaiverStatus.APPROVED):
        raise Conflict(f"A waiver that is {before} cannot be revoked.")
    waiver.revoked_by = actor.label
    waiver.revoked_by_id = actor.principal_id
    waiver.revoked_at = now
    waiver.revocation_reason = reason.strip()
    _save(waiver, "revoked_by", "revoked_by_id", "revoked_at", "revocation_reason")
    _record("revoked", actor, waiver, old_status=before, new_status=WaiverStatus.REVOKED)
    return waiver


@transaction.atomic
def waivers_record_expired(*, limit: int = 500) -> int:
    """Record the expiry of waivers whose time ran out, once for each; return how many.

    At most `limit`, those first that expired first. What another worker is at is left to it. Reads
    need no such record: they go by the clock.
    """
    now = timezone.now()
    due = Waiver.objects.filter(
        revoked_at__isnull=True, expiry_recorded_at__isnull=True, expires_at__lte=now
    )
    locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("token")
    # The update decides where the database has no locks of rows.
    ended = [
        waiver
        for waiver in locked.order_by("expires_at", "pk")[:limit]
        if due.filter(pk=waiver.pk).update(expiry_recorded_at=now)
    ]
    drafts = [
        EventDraft(
            "jurisdictions.waiver.expired",
            **waiver.event_fields,
            old_status=str(
                WaiverStatus.REQUESTED if waiver.approved_at is None else WaiverStatus.APPROVED
            ),
            new_status=str(WaiverStatus.EXPIRED),
            details=_details(waiver),
        )
        for waiver in ended
    ]
    if drafts:
        record_events(drafts, actor=SYSTEM)
    return len(ended)


def a_year_after(moment: datetime) -> datetime:
    """Return the same moment of the next year; of 29 February, that of 28 February."""
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, day=28)


def _require_sound(waiver: Waiver, now: datetime) -> Basis:
    """Return what the requirement rests on; raise `ValidationFailed` with all that is wrong."""
    problems: dict[str, list[str]] = {}
    if not waiver.reason:
        problems["reason"] = [_REQUIRED]
    if waiver.type and waiver.type not in WaiverType.values:
        problems["type"] = [f"Must be one of {', '.join(WaiverType.values)}."]
    if waiver.expires_at <= now:
        problems["expiresAt"] = ["Must lie in the future; nothing would be waived."]
    elif waiver.expires_at > a_year_after(now):
        problems["expiresAt"] = ["At most a year ahead."]
    problems |= _scope_problems(waiver)
    covered = _covered(waiver)
    bases = {one.basis for one in covered}
    if not covered:
        found = "That rule pack has no" if waiver.pack_id else "No rule pack has"
        problems["requirementKey"] = [f"{found} requirement of this key."]
    elif Basis.LAW in bases and not waiver.type:
        words = ", ".join(WaiverType.values)
        problems["type"] = [f"The requirement rests on law: say which of {words} this is."]
    if problems:
        raise _invalid(problems)
    return next(basis for basis in _STRENGTH if basis in bases)


def _scope_problems(waiver: Waiver) -> dict[str, list[str]]:
    bounds = {"versionFrom": waiver.version_from, "versionTo": waiver.version_to}
    if not waiver.pack_id:
        return {name: ["Name the pack of the version."] for name, text in bounds.items() if text}
    problems = {
        name: ["Write it as 2026.11.1."]
        for name, text in bounds.items()
        if text and not _VERSION.fullmatch(text)
    }
    if problems or not (waiver.version_from and waiver.version_to):
        return problems
    if version_order(waiver.version_from) > version_order(waiver.version_to):
        return {"versionTo": ["Must not be before versionFrom."]}
    return {}


def _covered(waiver: Waiver) -> list[Requirement]:
    """Return the requirements of the key in any version of the pack, or of any pack."""
    rows = Requirement.objects.filter(key=waiver.requirement_key)
    if waiver.pack_id:
        rows = rows.filter(pack__pack_id=waiver.pack_id)
    return list(rows.order_by("pk"))


def _locked(waiver_id: UUID, if_match: str | None, lock_version: int | None) -> Waiver:
    rows = Waiver.objects.select_for_update(of=("self",)).select_related("token")
    waiver = rows.filter(pk=waiver_id).first()
    if waiver is None:
        raise NotFound(NOT_FOUND)
    require_match(if_match, waiver.etag_at(timezone.now()))
    require_seen(lock_version, waiver.lock_version)
    return waiver


def _save(waiver: Waiver, *fields: str) -> None:
    waiver.lock_version += 1
    waiver.save(update_fields=[*fields, "lock_version"])


def _record(
    what: str,
    actor: User,
    waiver: Waiver,
    *,
    old_status: WaiverStatus | None,
    new_status: WaiverStatus,
) -> None:
    # The reasons are free text, which the log never holds.
    record_event(
        f"jurisdictions.waiver.{what}",
        actor=actor,
        **waiver.event_fields,
        old_status=None if old_status is None else str(old_status),
        new_status=str(new_status),
        details=_details(waiver),
    )


def _details(waiver: Waiver) -> dict[str, Any]:
    return {
        "requirementKey": waiver.requirement_key,
        "basis": str(waiver.basis),
        "type": waiver.type or None,
        "packId": waiver.pack_id or None,
        "versionFrom": waiver.version_from or None,
        "versionTo": waiver.version_to or None,
        "expiresAt": utc_text(waiver.expires_at),
    }


def _invalid(problems: dict[str, list[str]]) -> ValidationFailed:
    name, messages = next(iter(problems.items()))
    return ValidationFailed(f"{name}: {messages[0]}", details=problems)
