"""The approval of a version by a second person, on a sealed dry-run report of its content."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from audit.services import record_event
from config.api.errors import Conflict, PreconditionFailed
from jurisdictions.engine import pack_to_document
from jurisdictions.engine.documents import document_digest
from jurisdictions.models import DryRunReport, PackApproval, ReferenceStamp, RulePack
from jurisdictions.selectors import pack_value
from jurisdictions.services.pack_events import pack_details, pack_reference

VALID_FOR = timedelta(days=7)


def pack_digest(row: RulePack) -> str:
    """Return the SHA-256 of a version's content: all of its document but where it stands."""
    document = pack_to_document(pack_value(row))
    return document_digest({name: document[name] for name in document if name != "status"})


def rules_stamp() -> str:
    """Return a mark that changes whenever the rules in force or the facts catalogue do."""
    topics = (ReferenceStamp.Topic.FACTS, ReferenceStamp.Topic.PACKS)
    stamps = dict(ReferenceStamp.objects.filter(topic__in=topics).values_list("topic", "value"))
    return ",".join(stamps.get(topic, "") for topic in topics)


def report_for_approval(row: RulePack, digest: str | None) -> DryRunReport:
    """Return the dry-run report on which this version may be approved now.

    Raises `Conflict` where none was named; where it is of another version; and where it does not
    hold any more, because the version or the rules in force changed since, or it is too old.
    """
    if not digest:
        raise Conflict(
            f"{row} comes into force only on a dry run: run it, read its report, and name the "
            "report's digest."
        )
    reports = DryRunReport.objects.select_related("run").filter(pack=row, digest=digest)
    report = reports.order_by("-created_at").first()
    if report is None:
        raise PreconditionFailed(f"No dry run of {row} has a report with this digest.")
    if problem := approval_problem(row, report):
        raise PreconditionFailed(problem)
    return report


def approval_problem(row: RulePack, report: DryRunReport) -> str | None:
    """Return why a report does not hold any more for this version, or None where it does."""
    if report.pack_digest != pack_digest(row):
        return "The version was changed after this dry run; run it again."
    if report.run.rules_stamp != rules_stamp():
        return "The rules in force or the facts catalogue changed after this dry run; run it again."
    if report.created_at + VALID_FOR < timezone.now():
        return f"This dry run is older than {VALID_FOR.days} days; run it again."
    return None


def approve(row: RulePack, report: DryRunReport, *, actor: User) -> None:
    """Write down that `actor` approved this version on this report; in the caller's transaction."""
    PackApproval.objects.create(
        pack=row,
        report=report,
        pack_digest=report.pack_digest,
        approved_by=actor.label,
        approved_by_id=actor.principal_id or "",
    )
    record_event(
        "jurisdictions.pack.approved",
        actor=actor,
        **pack_reference(row),
        details={
            **pack_details(row),
            "packDigest": report.pack_digest,
            "dryRun": str(report.run_id),
            "reportDigest": report.digest,
        },
    )
