"""Dry runs of drafts: asked for and kept here; evaluated, on a floor above, by `compliance`.

The event of a request is what starts the evaluation, as any change of the rules does.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_officer, require_staff
from audit.principal import SYSTEM, Principal
from audit.services import record_event
from config.api.errors import Conflict, NotFound
from jurisdictions.choices import DryRunState, PackStatus
from jurisdictions.models import DryRun, DryRunChange, DryRunReport, RulePack
from jurisdictions.models.dry_runs import UNFINISHED
from jurisdictions.selectors import requirements_of
from jurisdictions.services.approvals import pack_digest, rules_stamp
from jurisdictions.services.locking import lock_pack
from jurisdictions.services.pack_events import pack_details
from jurisdictions.validation import require_valid_pack

DRY_RUN_REQUESTED = "jurisdictions.dry_run.requested"
_BEFORE_FORCE = (PackStatus.DRAFT, PackStatus.IN_REVIEW)


@transaction.atomic
def dry_run_request(*, actor: User, pack: RulePack, lock_version: int | None = None) -> DryRun:
    """Have every token evaluated with this version in place of its pack. Officers only.

    A run of the same content that has not ended yet is returned instead of a second one; one of an
    older content is cancelled. Raises `Conflict` where the version is no Draft and not in review,
    `PreconditionFailed`, and ValidationError where it is not sound.
    """
    require_officer(actor)
    row = lock_pack(pack, lock_version)
    if row.status not in _BEFORE_FORCE:
        raise Conflict(f"{row} is {row.get_status_display().lower()}: only drafts are tried.")
    require_valid_pack(row, requirements_of([row]))
    digest, stamp = pack_digest(row), rules_stamp()
    running = DryRun.objects.select_for_update().filter(pack=row, state__in=UNFINISHED).first()
    if running is not None:
        if (running.pack_digest, running.rules_stamp) == (digest, stamp):
            return running
        _end(running, DryRunState.CANCELLED, "The draft or the rules in force changed.", SYSTEM)
    run = DryRun(
        pack=row,
        pack_digest=digest,
        rules_stamp=stamp,
        moment=timezone.now(),
        total=Token.objects.count(),
        requested_by=actor.label,
        requested_by_id=actor.principal_id or "",
    )
    run.save(force_insert=True)
    _record("requested", run, actor=actor)
    return run


@transaction.atomic
def dry_run_cancel(*, actor: User, run: DryRun) -> DryRun:
    """End a run that has not finished. Officers only. Raises `Conflict` where it has ended."""
    require_officer(actor)
    row = DryRun.objects.select_for_update().select_related("pack").get(pk=run.pk)
    if not row.is_unfinished:
        raise Conflict(f"This dry run is {row.get_state_display().lower()} already.")
    _end(row, DryRunState.CANCELLED, f"Cancelled by {actor.label}.", actor)
    return row


def dry_run_get(*, actor: User, run_id: UUID) -> DryRun:
    """Return a run with its version. Staff only: it tells the status of every token.

    Raises `PermissionRefused` and `NotFound`.
    """
    require_staff(actor)
    run = DryRun.objects.select_related("pack").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such dry run.")
    return run


def unattended_dry_runs(*, since: datetime) -> list[UUID]:
    """Return the ids of unfinished runs that nothing advanced since that moment."""
    rows = DryRun.objects.filter(state__in=UNFINISHED, created_at__lte=since)
    idle = rows.filter(Q(advanced_at__isnull=True) | Q(advanced_at__lte=since))
    return list(idle.order_by("created_at").values_list("pk", flat=True))


def dry_run_claim(run_id: UUID) -> DryRun | None:
    """Return the run, locked until the transaction ends, where it still has work to do.

    None where it ended, or another worker holds it. A run whose draft or rules changed meanwhile
    ends here: its two halves would not speak of the same rules.
    """
    rows = DryRun.objects.select_for_update(skip_locked=True, of=("self",))
    run = rows.select_related("pack").filter(pk=run_id, state__in=UNFINISHED).first()
    if run is None:
        return None
    if run.pack_digest != pack_digest(run.pack) or run.rules_stamp != rules_stamp():
        text = "The draft or the rules in force changed while it ran."
        _end(run, DryRunState.CANCELLED, text, SYSTEM)
        return None
    return run


def dry_run_advance(
    run: DryRun, *, last: int, evaluated: int, shifts: int, changes: list[DryRunChange]
) -> None:
    """Write down the batch that ends with the token `last`; within the claim's transaction."""
    DryRunChange.objects.bulk_create(changes)
    run.state = DryRunState.RUNNING
    run.position = last
    run.done += evaluated
    run.flips += len(changes)
    run.shifts += shifts
    run.advanced_at = timezone.now()
    run.total = max(run.total, run.done)  # tokens may have been registered since it was asked for
    run.save()


@dataclass(frozen=True, slots=True)
class SealedReport:
    """A sealed file, with what the database is asked for beside it."""

    document: str
    digest: str
    key_id: str
    created_at: datetime


def dry_run_finish(run: DryRun, sealed: SealedReport) -> DryRunReport:
    """Store the sealed report and end the run; within the claim's transaction."""
    report = DryRunReport(
        run=run,
        pack=run.pack,
        pack_digest=run.pack_digest,
        document=sealed.document,
        digest=sealed.digest,
        key_id=sealed.key_id,
        created_by=run.requested_by,
        created_at=sealed.created_at,
    )
    report.save(force_insert=True)
    run.state = DryRunState.FINISHED
    run.total = run.done
    run.finished_at = sealed.created_at
    run.save()
    _record("finished", run, actor=SYSTEM, digest=report.digest)
    return report


@transaction.atomic
def dry_run_report_read(*, actor: User, run: DryRun) -> DryRunReport:
    """Return the sealed report of a run and record that it was read. Staff only.

    Raises `NotFound` where the run has none, saying where it stands.
    """
    require_staff(actor)
    report = DryRunReport.objects.filter(run=run).first()
    if report is None:
        raise NotFound(f"This dry run is {run.get_state_display().lower()} and has no report.")
    _record("report_read", run, actor=actor, digest=report.digest)
    return report


@transaction.atomic
def dry_run_fail(*, run_id: UUID, problem: str) -> None:
    """End a run that cannot go on, with what stopped it."""
    run = DryRun.objects.select_for_update().filter(pk=run_id, state__in=UNFINISHED).first()
    if run is not None:
        _end(run, DryRunState.FAILED, problem, SYSTEM)


def _end(run: DryRun, state: DryRunState, problem: str, actor: Principal) -> None:
    run.state = state
    run.problem = problem[:500]
    run.finished_at = timezone.now()
    run.save(update_fields=["state", "problem", "finished_at"])
    _record("failed" if state == DryRunState.FAILED else "cancelled", run, actor=actor)


class _Counts(TypedDict, total=False):
    tokens: int
    statusChanges: int
    reportDigest: str


def _record(what: str, run: DryRun, *, actor: Principal, digest: str | None = None) -> None:
    counts: _Counts = {"tokens": run.total}
    if digest is not None:
        counts |= {"statusChanges": run.flips, "reportDigest": digest}
    record_event(
        f"jurisdictions.dry_run.{what}",
        actor=actor,
        reference_type="dry_run",
        reference_id=str(run.pk),
        notes=run.problem or None,
        details={**pack_details(run.pack), "packDigest": run.pack_digest, **counts},
    )
