"""A report as a PDF for people to read, print and file. Pure; the same bytes for the same report.

The fonts are the ones that every reader has, which know Windows-1252; any other character is shown
by its code point. The evidence is the sealed JSON, and the last page says how to check it.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

EVENTS_SHOWN = 500
_DECIDING_SHOWN = 15
_MARGIN = 18 * mm
_INK = colors.HexColor("#1b1f24")
_FAINT = colors.HexColor("#57606a")
_LINE = colors.HexColor("#d0d7de")
_VERDICT_INK = {
    "Pass": colors.HexColor("#1a7f37"),
    "Fail": colors.HexColor("#b42318"),
    "Unknown": colors.HexColor("#9a6700"),
    "Waived": colors.HexColor("#6639ba"),
}
_STATUS_INK = {
    "Compliant": _VERDICT_INK["Pass"],
    "NonCompliant": _VERDICT_INK["Fail"],
    "PartiallyCompliant": _VERDICT_INK["Unknown"],
}
_ORDER = {"Fail": 0, "Unknown": 1, "Waived": 2, "Pass": 3}


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName="Helvetica", fontSize=size, leading=size * 1.3, textColor=_INK, **more
    )


_BODY = _style("body", 9)
_SMALL = _style("small", 7.5, splitLongWords=1)
_TITLE = ParagraphStyle("title", parent=_style("t", 18), fontName="Helvetica-Bold", spaceAfter=4)
_HEAD = ParagraphStyle(
    "head", parent=_style("h", 12), fontName="Helvetica-Bold", spaceBefore=10, spaceAfter=4
)
_GRID = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


def pdf_bytes(report: Mapping[str, Any]) -> bytes:
    """Return the PDF of a sealed report (the parsed file)."""
    content: Mapping[str, Any] = report["content"]
    buffer = io.BytesIO()
    title = f"{content['reportType']} report on asset {content['token']['assetId']}"
    template = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="Assayer",
        subject=f"Report {report['reportId']}",
        creator="Assayer",
        invariant=1,
        pageCompression=0,
    )
    template.build(_story(report, title), canvasmaker=_canvas_maker(report))
    return buffer.getvalue()


def _canvas_maker(report: Mapping[str, Any]) -> type[Canvas]:
    """Return a canvas that numbers its pages once their total is known, and dates the document."""
    footer = f"Report {report['reportId']}, SHA-256 of the content {report['digest'][:16]}..."
    generated_at = datetime.fromisoformat(report["generatedAt"]).astimezone(UTC)

    class NumberedCanvas(Canvas):  # type: ignore[misc] # the package has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._finished: list[dict[str, Any]] = []
            stamp = self._doc._timeStamp
            stamp.t = generated_at.timestamp()
            stamp.lt = generated_at.timetuple()
            stamp.YMDhms = tuple(stamp.lt)[:6]

        def showPage(self) -> None:  # noqa: N802 - the package's name
            self._finished.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._finished, 1):
                self.__dict__.update(page)
                self.setFont("Helvetica", 7)
                self.setFillColor(_FAINT)
                self.drawString(_MARGIN, 10 * mm, footer)
                self.drawRightString(
                    A4[0] - _MARGIN, 10 * mm, f"Page {number} of {len(self._finished)}"
                )
                super().showPage()
            super().save()

    return NumberedCanvas


def _story(report: Mapping[str, Any], title: str) -> list[Flowable]:
    content: Mapping[str, Any] = report["content"]
    story: list[Flowable] = [Paragraph(_safe(title), _TITLE), *_summary(report, content)]
    story += _warnings(content)
    if "micaReadiness" in content:
        story += _mica(content["micaReadiness"])
    if "attestations" in content:
        story += _attestations(content["attestations"])
    if "auditTrail" in content:
        story += _audit_trail(content["auditTrail"])
    if "badge" in content:
        story += _badge(content["badge"])
    if "nextBestFacts" in content:
        story += _facts(content["nextBestFacts"])
    if "checks" in content:
        story += _checks(content["checks"])
    if "events" in content:
        story += _events(content["trail"], content["events"])
    return [*story, *_seal(report, content)]


def _summary(report: Mapping[str, Any], content: Mapping[str, Any]) -> list[Flowable]:
    token, summary = content["token"], content["summary"]
    issuer = token["issuer"] or {}
    status = summary["status"]
    period = content["period"]
    rows = [
        ("Status", _bold(status, _STATUS_INK.get(status, _FAINT))),
        ("As of", _safe(content["asOf"])),
        ("Token", _safe(" ".join(filter(None, (token["name"], token["unitName"]))) or "-")),
        ("Asset id, network", _safe(f"{token['assetId']}, {token['network'] or '-'}")),
        ("Issuer", _safe(issuer.get("legalName") or issuer.get("id") or "none")),
        ("Generated", _safe(f"{report['generatedAt']} for {report['generatedBy']}")),
        ("Checks", _safe(", ".join(f"{n} {name}" for name, n in summary["counts"].items() if n))),
        ("Next change by time alone", _safe(summary["nextEvaluationAt"] or "none foreseen")),
    ]
    if period:
        rows.insert(2, ("Period", _safe(f"{period['from'] or '-'} to {period['to'] or '-'}")))
    rationale = [
        f"{_bold(one['verdict'], _VERDICT_INK.get(one['verdict'], _FAINT))} "
        f"{_safe(one['key'])} ({_safe(one['severity'])}): {_safe(one['reason'])}"
        for one in summary["rationale"]
    ]
    jurisdictions = [
        (_safe(one["jurisdiction"]), _bold(one["status"], _STATUS_INK.get(one["status"], _FAINT)))
        for one in summary["jurisdictions"]
    ]
    return [
        _table(rows, (45, 129)),
        *_section("Why: the checks that decided the status", _list(rationale, "No check did.")),
        *_section("By jurisdiction", [_table(jurisdictions, (45, 129))] if jurisdictions else []),
    ]


def _warnings(content: Mapping[str, Any]) -> list[Flowable]:
    texts = [_safe(one["message"]) for one in content["warnings"]]
    return _section("Warnings", _list(texts, "")) if texts else []


def _mica(readiness: Mapping[str, Any]) -> list[Flowable]:
    status = readiness["status"] if readiness["applies"] else "does not apply"
    texts = [_bold(status, _STATUS_INK.get(status, _FAINT)) + " " + _safe(readiness["note"] or "")]
    deciding = readiness["rationale"]
    texts += [f"{_safe(one['key'])}: {_safe(one['reason'])}" for one in deciding[:_DECIDING_SHOWN]]
    if len(deciding) > _DECIDING_SHOWN:
        texts.append(f"and {len(deciding) - _DECIDING_SHOWN} more; see the checks below.")
    return _section("MiCA readiness", _list(texts, ""))


def _attestations(attestations: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    rows = [("Type", "Present", "On record", "Valid until", "Required by")]
    rows += [
        (
            _safe(one["attestationType"]),
            "yes" if one["present"] else "no",
            ", ".join(f"{n} {state}" for state, n in one["counts"].items() if n) or "none",
            _safe(one["validUntil"] or "-"),
            _safe(", ".join(one["requiredBy"]) or "-"),
        )
        for one in attestations
    ]
    if len(rows) == 1:
        return _section("Attestations", _list(["None are on record or required."], ""))
    return _section("Attestations", [_table(rows, (34, 16, 34, 40, 50), head=True)])


def _audit_trail(trail: Mapping[str, Any]) -> list[Flowable]:
    verified = {True: "yes", False: "no", None: "not yet"}[trail["chainVerified"]]
    detail = f" ({trail['chainDetail']})" if trail["chainDetail"] else ""
    texts = [
        f"Complete: {_bold('yes' if trail['complete'] else 'no', _INK)}. The sealed log was found "
        f"intact: {verified}{_safe(detail)}.",
        f"Changes to the record: {trail['changes']['total']}"
        + (
            f", the last at {_safe(trail['changes']['lastAt'])}."
            if trail["changes"]["total"]
            else "."
        ),
    ]
    if trail["missingEvents"]:
        texts.append(f"Not on record: {_safe(', '.join(trail['missingEvents']))}.")
    return _section("Audit trail", _list(texts, ""))


def _badge(badge: Mapping[str, Any]) -> list[Flowable]:
    evidence = [
        f"{_safe(one['evidenceType'])} ({_safe(one['source'])}) {_safe(one['at'] or '')}"
        for one in badge["evidence"]
    ]
    missing = [
        f"{_safe(one['key'])}: {_safe(one['reason'])}" for one in badge["missingRequirements"]
    ]
    return [
        *_section(f"Badge: {badge['badgeStatus']}", _list(evidence, "No evidence is present.")),
        *_section("Missing requirements", _list(missing, "None.")),
    ]


def _facts(facts: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    texts = [
        f"{_safe(one['fact'])}{' for ' + _safe(one['tag']) if one['tag'] else ''}: "
        f"{one['unlocksChecks']} checks wait for it. {_safe(one['description'] or '')}"
        for one in facts
    ]
    return _section("Facts to record next", _list(texts, "None is missing.")) if texts else []


def _checks(checks: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    skipped = 0
    for check in checks:
        if check["verdict"] == "NotApplicable":
            skipped += 1
        else:
            groups.setdefault(check["jurisdiction"], []).append(check)
    story: list[Flowable] = []
    for jurisdiction, group in sorted(groups.items()):
        rows = [("Verdict", "Check", "Basis and citation")]
        rows += [
            _check_row(one)
            for one in sorted(group, key=lambda one: (_ORDER.get(one["verdict"], 9), one["key"]))
        ]
        story += _section(f"Checks: {jurisdiction}", [_table(rows, (20, 98, 56), head=True)])
    note = f"{skipped} checks do not apply to this token and are not shown; the JSON lists them."
    return [*story, *_list([note] if skipped else [], "")]


def _check_row(check: Mapping[str, Any]) -> tuple[str, str, str]:
    verdict = check["verdict"]
    what = [
        f"<b>{_safe(check['title'])}</b>",
        f"{_safe(check['key'])}, {_safe(check['severity'])}",
        _safe(check["reason"]),
    ]
    if check["waiver"]:
        what.append(
            f"Waived until {_safe(check['waiver']['expiresAt'])}: "
            f"{_safe(check['waiver']['reason'] or 'no reason given')} "
            f"(the verdict is {_safe(check['underlyingVerdict'] or '')})"
        )
    if check["remediation"] and verdict in ("Fail", "Unknown"):
        what.append(f"<i>{_safe(check['remediation'])}</i>")
    basis = f"{_safe(check['basis'])}; confidence {_safe(check['confidence'] or '-')}"
    sources = [_safe(" ".join(filter(None, one.values()))) for one in check["citations"]]
    pack = f"{_safe(check['pack']['id'])} {_safe(check['pack']['version'])}"
    return (
        _bold(verdict, _VERDICT_INK.get(verdict, _FAINT)),
        "<br/>".join(what),
        "<br/>".join([basis, *sources, pack]),
    )


def _events(trail: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    counts = [(_safe(one["eventType"]), str(one["count"])) for one in trail["byType"]]
    rows = [("When", "What", "Who", "Reference")]
    rows += [
        (
            _safe(one["occurredAt"]),
            _safe(one["eventType"]) + ("" if one["success"] else " (failed)"),
            _safe(one["actor"]),
            _safe(" ".join(filter(None, (one["referenceType"], one["referenceId"]))) or "-"),
        )
        for one in events[:EVENTS_SHOWN]
    ]
    story = _section(f"Events: {trail['total']}", [_table(counts, (90, 84))] if counts else [])
    if len(rows) == 1:
        return story
    shown = len(rows) - 1
    head = f"The newest {shown} of {trail['listed']} listed events; JSON and CSV have all of them"
    title = head if shown < trail["listed"] else "The events, newest first"
    return [*story, *_section(title, [_table(rows, (40, 46, 50, 38), head=True)])]


def _seal(report: Mapping[str, Any], content: Mapping[str, Any]) -> list[Flowable]:
    packs = ", ".join(f"{one['id']} {one['version']}" for one in content["inputs"]["packs"])
    rows = [
        ("Report", _safe(report["reportId"])),
        ("SHA-256 of the content", _safe(report["digest"])),
        ("Signature (Ed25519)", _safe(report["signature"])),
        ("Key", _safe(report["keyId"])),
        ("Snapshot (SHA-256)", _safe(content["inputs"]["snapshot"])),
        ("Engine, rule packs", _safe(f"{content['engineVersion']}; {packs or 'none'}")),
    ]
    how = [
        "This PDF is a view. The sealed report is its JSON download: one RFC 8785 document, signed "
        'over the bytes "assayer-report-v1" and a line feed, followed by the document without '
        'its member "signature".',
        "The public keys are at /.well-known/assayer-keys.json of the service. Thirty lines of "
        "Python, or openssl, check the file without it (docs/verify-a-report.md); POST "
        "/api/v1/compliance/reports/verify checks it with it.",
        'The bundle of the report holds the snapshot and the rule packs; "python -m '
        'jurisdictions.engine replay" evaluates it again.',
        content["disclaimer"],
    ]
    table = _table(
        [(name, f'<font face="Courier">{text}</font>') for name, text in rows], (45, 129)
    )
    return [
        KeepTogether([*_section("The seal, and how to check it", [table]), Spacer(1, 4)]),
        *_list([_safe(text) for text in how], ""),
    ]


def _section(title: str, flowables: Sequence[Flowable]) -> list[Flowable]:
    return [Paragraph(_safe(title), _HEAD), *flowables] if flowables else []


def _list(texts: Iterable[str], otherwise: str) -> list[Flowable]:
    found = [Paragraph(text, _BODY) for text in texts]
    return found or ([Paragraph(_safe(otherwise), _BODY)] if otherwise else [])


def _table(
    rows: Sequence[Sequence[str]], widths: Sequence[float], *, head: bool = False
) -> LongTable:
    cells = [
        [Paragraph(f"<b>{text}</b>" if head and not index else text, _SMALL) for text in row]
        for index, row in enumerate(rows)
    ]
    table = LongTable(cells, colWidths=[width * mm for width in widths], repeatRows=int(head))
    table.setStyle(_GRID)
    table.hAlign = "LEFT"
    return table


def _bold(text: str, ink: Any) -> str:
    return f'<font color="{ink.hexval().replace("0x", "#")}"><b>{_safe(text)}</b></font>'


def _safe(text: str) -> str:
    """Return `text` without markup, and with characters that the fonts lack as code points."""
    shown = []
    for character in text:
        try:
            character.encode("cp1252")
        except UnicodeEncodeError:
            shown.append(f"[U+{ord(character):04X}]")
        else:
            shown.append(character if character.isprintable() else " ")
    return escape("".join(shown))
