"""The files of reports: downloads, bundles, and checking a report that came back."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from audit.principal import Principal
from audit.services import record_event
from audit.signing import public_keys
from compliance.choices import DownloadFormat
from compliance.models import ComplianceReport, ReportInput
from compliance.report_subjects import Subject
from compliance.reports.bundle import bundle_bytes, issuer_bundle_bytes
from compliance.reports.oscal import oscal_bytes
from compliance.reports.pdf import pdf_bytes
from compliance.reports.seal import Inspection, inspect, sealed_bytes
from compliance.reports.table import csv_bytes, row_count
from compliance.services.reports import report_get_visible, report_unsigned
from config.api.errors import Conflict
from config.observability.metrics import EXPORTED_ROWS

logger = logging.getLogger("assayer.reports")

_VIEW = "compliance-report"
_BUNDLE = "bundle"
_TYPES = {
    DownloadFormat.JSON: "application/json",
    DownloadFormat.CSV: "text/csv; charset=utf-8",
    DownloadFormat.PDF: "application/pdf",
    DownloadFormat.OSCAL: "application/json",
    _BUNDLE: "application/zip",
}
_ENDINGS = {DownloadFormat.OSCAL: "oscal.json", _BUNDLE: "zip"}


class NotSealed(Conflict):
    """The report was stored before reports were sealed: it has no file, only its content."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report in one of its forms. `held`: the caller has these bytes already."""

    name: str
    content_type: str
    content: bytes
    sha256: str
    rows: int
    held: bool


@transaction.atomic
def report_export(
    *, actor: Principal, report_id: UUID, form: DownloadFormat, holds: Callable[[str], bool]
) -> ReportFile:
    """Return a stored report in `form`, the same bytes every time, and record the export.

    `holds` says whether the caller has the file with a given SHA-256 already, which is recorded as
    a read. Raises `NotFound`, `NotVisible`, and `NotSealed` for a report without a seal.
    """
    report = _sealed_report(actor, report_id)
    raw = sealed_file(report)
    document = orjson.loads(raw)
    return _file(actor, report, form, _FORMS[form](raw, document), document["content"], holds)


@transaction.atomic
def report_bundle(*, actor: Principal, report_id: UUID, holds: Callable[[str], bool]) -> ReportFile:
    """Return the archive by which a report can be evaluated again, and record the export.

    Raises as `report_export` does.
    """
    report = _sealed_report(actor, report_id)
    raw = sealed_file(report)
    content = orjson.loads(report.content)
    named = {f"{one['id']}-{one['version']}": one["digest"] for one in content["inputs"]["packs"]}
    inputs = content["inputs"]
    digests = inputs["snapshots"] if report.issuer_id is not None else [inputs["snapshot"]]
    stored = _inputs([*digests, *named.values()])
    packs = [(name, stored[digest]) for name, digest in sorted(named.items())]
    if report.issuer_id is not None:
        snapshots = {digest: stored[digest] for digest in digests}
        archive = issuer_bundle_bytes(raw, content, snapshots, packs)
    else:
        archive = bundle_bytes(raw, content, stored[digests[0]], packs)
    return _file(actor, report, _BUNDLE, archive, content, holds)


def _inputs(digests: Collection[str]) -> dict[str, bytes]:
    rows = ReportInput.objects.filter(pk__in=digests).values_list("pk", "content")
    return {digest: content.encode() for digest, content in rows}


_FORMS: dict[DownloadFormat, Callable[[bytes, dict[str, Any]], bytes]] = {
    DownloadFormat.JSON: lambda raw, document: raw,
    DownloadFormat.CSV: lambda raw, document: csv_bytes(document["content"]),
    DownloadFormat.PDF: lambda raw, document: pdf_bytes(document),
    DownloadFormat.OSCAL: lambda raw, document: oscal_bytes(document),
}


def sealed_file(report: ComplianceReport) -> bytes:
    """Return the sealed file of a stored report."""
    return sealed_bytes(report_unsigned(report), report.signature)


def _sealed_report(actor: Principal, report_id: UUID) -> ComplianceReport:
    report = report_get_visible(actor=actor, report_id=report_id)
    if not report.signature:
        raise NotSealed("This report was stored before reports were sealed; generate a new one.")
    return report


def _file(
    actor: Principal,
    report: ComplianceReport,
    form: str,
    content: bytes,
    document: dict[str, Any],
    holds: Callable[[str], bool],
) -> ReportFile:
    digest, rows = sha256(content).hexdigest(), row_count(document)
    held = holds(digest)
    record_event(
        "compliance.report.read" if held else "compliance.report.exported",
        actor=actor,
        **Subject.of(report).event_fields,
        reference_type="report",
        reference_id=str(report.pk),
        item_count=rows,
        details={"format": str(form), "sha256": digest, "bytes": len(content)},
    )
    if not held:
        EXPORTED_ROWS.labels(_VIEW, str(form)).inc(rows)
        logger.info(
            "report exported",
            extra={
                "report": str(report.pk),
                "kind": report.report_type,
                "format": str(form),
                "bytes": len(content),
            },
        )
    ending = _ENDINGS.get(form, str(form))
    return ReportFile(
        name=f"compliance-report-{report.pk}.{ending}",
        content_type=_TYPES[form],
        content=content,
        sha256=digest,
        rows=rows,
        held=held,
    )


@dataclass(frozen=True, slots=True)
class Verification:
    """What holds of an uploaded report, and whether this very report is stored here."""

    inspection: Inspection
    stored_here: bool


@transaction.atomic
def report_verify(*, actor: Principal, raw: bytes, document: Any) -> Verification:
    """Check an uploaded report against the keys of this service, and record that it was checked.

    Nothing in the file is trusted: its key only has an id there, and what is stored counts as
    stored only where it is the same to the byte.
    """
    inspection = inspect(raw, document, public_keys())
    stored = _stored(inspection)
    subject = Subject.of(stored).event_fields if stored else {}
    record_event(
        "compliance.report.verified",
        actor=actor,
        **subject,
        reference_type="report" if stored else None,
        reference_id=str(stored.pk) if stored else None,
        details={
            "valid": inspection.holds,
            "failed": [finding.name for finding in inspection.findings if not finding.holds],
        },
    )
    return Verification(inspection, stored is not None)


def _stored(inspection: Inspection) -> ComplianceReport | None:
    """Return the stored report that has this seal; a seal that holds covers every byte."""
    if not inspection.holds:
        return None
    try:
        report_id = UUID(inspection.report_id)
    except ValueError:
        return None
    report: ComplianceReport | None = (
        ComplianceReport.objects.select_related("token", "issuer", "deployment")
        .filter(pk=report_id, digest=inspection.digest, signature=inspection.signature)
        .first()
    )
    return report
