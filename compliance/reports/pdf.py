"""A report as a PDF for people to read, print and file. Pure; the same bytes for the same report.

The fonts are the ones that every reader has, which know Windows-1252; any other character is shown
by its code point. The evidence is the sealed JSON, and the last page says how to check it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reportlab.platypus import Flowable, KeepTogether, Paragraph, Spacer

from compliance.reports.pdf_layout import (
    FAINT,
    INK,
    STATUS_INK,
    TITLE,
    VERDICT_INK,
    bold,
    bullets,
    document_bytes,
    safe,
    section,
    table,
)

EVENTS_SHOWN = 500
TOKENS_SHOWN = 500
TOKENS_IN_FULL = 50
_DECIDING_SHOWN = 15
_ORDER = {"Fail": 0, "Unknown": 1, "Waived": 2, "Pass": 3}


def pdf_bytes(report: Mapping[str, Any]) -> bytes:
    """Return the PDF of a sealed report (the parsed file)."""
    content: Mapping[str, Any] = report["content"]
    title = f"{content['reportType']} report on {_subject(content)}"
    return document_bytes(
        _story(report, title),
        title=title,
        subject=f"Report {report['reportId']}",
        footer=f"Report {report['reportId']}, SHA-256 of the content {report['digest'][:16]}...",
        generated_at=report["generatedAt"],
    )


def _story(report: Mapping[str, Any], title: str) -> list[Flowable]:
    content: Mapping[str, Any] = report["content"]
    story: list[Flowable] = [Paragraph(safe(title), TITLE), *_summary(report, content)]
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
    if "issuance" in content:
        story += _issuance(content["issuance"])
    if "tokens" in content:
        story += _tokens(content["tokens"])
    if "events" in content:
        story += _events(content["trail"], content["events"])
    return [*story, *_seal(report, content)]


def _summary(report: Mapping[str, Any], content: Mapping[str, Any]) -> list[Flowable]:
    summary = content["summary"]
    status = summary["status"]
    period = content["period"]
    rows = [
        ("Status", bold(status, STATUS_INK.get(status, FAINT))),
        ("As of", safe(content["asOf"])),
        *_about(content),
        ("Generated", safe(f"{report['generatedAt']} for {report['generatedBy']}")),
        ("Checks", safe(", ".join(f"{n} {name}" for name, n in summary["counts"].items() if n))),
        ("Next change by time alone", safe(summary["nextEvaluationAt"] or "none foreseen")),
    ]
    if period:
        rows.insert(2, ("Period", safe(f"{period['from'] or '-'} to {period['to'] or '-'}")))
    rationale = [
        f"{bold(one['verdict'], VERDICT_INK.get(one['verdict'], FAINT))} "
        f"{safe(one['key'])} ({safe(one['severity'])}): {safe(one['reason'])}"
        for one in summary["rationale"]
    ]
    jurisdictions = [
        (safe(one["jurisdiction"]), bold(one["status"], STATUS_INK.get(one["status"], FAINT)))
        for one in summary["jurisdictions"]
    ]
    return [
        table(rows, (45, 129)),
        *section("Why: the checks that decided the status", bullets(rationale, "No check did.")),
        *section("By jurisdiction", [table(jurisdictions, (45, 129))] if jurisdictions else []),
    ]


def _subject(content: Mapping[str, Any]) -> str:
    if "issuer" in content:
        return f"issuer {content['issuer']['legalName'] or content['issuer']['id']}"
    asset = f"asset {content['token']['assetId']}"
    return f"the issuance of {asset}" if "issuance" in content else asset


def _about(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is said of the subject: a token with its issuer, or an issuer with its tokens."""
    if "issuer" in content:
        issuer, statuses = content["issuer"], content["summary"]["tokens"]
        named = ", ".join(f"{count} {status}" for status, count in statuses.items() if count)
        return [
            ("Issuer", safe(issuer["legalName"] or issuer["id"])),
            ("LEI, country", safe(f"{issuer['lei'] or '-'}, {issuer['country'] or '-'}")),
            ("Tokens", safe(f"{len(content['tokens'])}: {named}" if named else "none")),
        ]
    token = content["token"]
    issuer = token["issuer"] or {}
    return [
        ("Token", safe(" ".join(filter(None, (token["name"], token["unitName"]))) or "-")),
        ("Asset id, network", safe(f"{token['assetId']}, {token['network'] or '-'}")),
        ("Issuer", safe(issuer.get("legalName") or issuer.get("id") or "none")),
    ]


def _issuance(issuance: Mapping[str, Any]) -> list[Flowable]:
    rows = [
        ("Status", safe(f"{issuance['status']} ({issuance['origin']})")),
        ("Issued", safe(f"{issuance['issuedAt'] or '-'} by {issuance['deployedBy']}")),
        ("Transaction", safe(issuance["transactionId"] or "-")),
        ("Round or block", safe(issuance["confirmedRound"] or "-")),
        ("Recorded", safe(f"{issuance['recordedAt']} by {issuance['recordedBy']}")),
    ]
    steps = [
        safe(f"{one['at']}: {one['from'] or 'new'} to {one['to']} by {one['actor']}")
        for one in issuance["transitions"]
    ]
    return [
        *section("Issuance", [table(rows, (45, 129))]),
        *section("Steps of the issuance", bullets(steps, "None is on record.")),
    ]


def _tokens(tokens: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    rows = [("Token", "Status", "Checks", "Decided by")]
    for one in tokens[:TOKENS_SHOWN]:
        token, summary = one["token"], one["summary"]
        deciding = [item["key"] for item in summary["rationale"]]
        more = f" and {len(deciding) - _DECIDING_SHOWN} more" if deciding[_DECIDING_SHOWN:] else ""
        rows.append(
            (
                safe(f"{token['assetId']} on {token['network'] or '-'} {token['name'] or ''}"),
                bold(summary["status"], STATUS_INK.get(summary["status"], FAINT)),
                safe(", ".join(f"{n} {name}" for name, n in summary["counts"].items() if n)),
                safe(", ".join(deciding[:_DECIDING_SHOWN]) + more or "-"),
            )
        )
    story = section("Tokens", [table(rows, (46, 32, 40, 56), head=True)] if tokens else [])
    for one in tokens[:TOKENS_IN_FULL]:
        name = f"Asset {one['token']['assetId']} on {one['token']['network'] or '-'}"
        if "badge" in one:
            story += _badge(one["badge"], f"{name}. ")
        if "checks" in one:
            story += _checks(one["checks"], f"{name}. ")
    if len(tokens) > TOKENS_IN_FULL and ("checks" in tokens[0] or "badge" in tokens[0]):
        shown = f"{TOKENS_IN_FULL} of {len(tokens)}"
        note = f"The first {shown} tokens are shown in full; the JSON has all."
        story += bullets([note], "")
    return story


def _warnings(content: Mapping[str, Any]) -> list[Flowable]:
    texts = [safe(one["message"]) for one in content["warnings"]]
    return section("Warnings", bullets(texts, "")) if texts else []


def _mica(readiness: Mapping[str, Any]) -> list[Flowable]:
    status = readiness["status"] if readiness["applies"] else "does not apply"
    texts = [bold(status, STATUS_INK.get(status, FAINT)) + " " + safe(readiness["note"] or "")]
    deciding = readiness["rationale"]
    texts += [f"{safe(one['key'])}: {safe(one['reason'])}" for one in deciding[:_DECIDING_SHOWN]]
    if len(deciding) > _DECIDING_SHOWN:
        texts.append(f"and {len(deciding) - _DECIDING_SHOWN} more; see the checks below.")
    return section("MiCA readiness", bullets(texts, ""))


def _attestations(attestations: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    rows = [("Type", "Present", "On record", "Valid until", "Required by")]
    rows += [
        (
            safe(one["attestationType"]),
            "yes" if one["present"] else "no",
            ", ".join(f"{n} {state}" for state, n in one["counts"].items() if n) or "none",
            safe(one["validUntil"] or "-"),
            safe(", ".join(one["requiredBy"]) or "-"),
        )
        for one in attestations
    ]
    if len(rows) == 1:
        return section("Attestations", bullets(["None are on record or required."], ""))
    return section("Attestations", [table(rows, (34, 16, 34, 40, 50), head=True)])


def _audit_trail(trail: Mapping[str, Any]) -> list[Flowable]:
    verified = {True: "yes", False: "no", None: "not yet"}[trail["chainVerified"]]
    detail = f" ({trail['chainDetail']})" if trail["chainDetail"] else ""
    texts = [
        f"Complete: {bold('yes' if trail['complete'] else 'no', INK)}. The sealed log was found "
        f"intact: {verified}{safe(detail)}.",
        f"Changes to the record: {trail['changes']['total']}"
        + (
            f", the last at {safe(trail['changes']['lastAt'])}."
            if trail["changes"]["total"]
            else "."
        ),
    ]
    if trail["missingEvents"]:
        texts.append(f"Not on record: {safe(', '.join(trail['missingEvents']))}.")
    return section("Audit trail", bullets(texts, ""))


def _badge(badge: Mapping[str, Any], of: str = "") -> list[Flowable]:
    evidence = [
        f"{safe(one['evidenceType'])} ({safe(one['source'])}) {safe(one['at'] or '')}"
        for one in badge["evidence"]
    ]
    missing = [f"{safe(one['key'])}: {safe(one['reason'])}" for one in badge["missingRequirements"]]
    return [
        *section(
            f"{of}Badge: {badge['badgeStatus']}", bullets(evidence, "No evidence is present.")
        ),
        *section(f"{of}Missing requirements", bullets(missing, "None.")),
    ]


def _facts(facts: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    texts = [
        f"{safe(one['fact'])}{' for ' + safe(one['tag']) if one['tag'] else ''}: "
        f"{one['unlocksChecks']} checks wait for it. {safe(one['description'] or '')}"
        for one in facts
    ]
    return section("Facts to record next", bullets(texts, "None is missing.")) if texts else []


def _checks(checks: Sequence[Mapping[str, Any]], of: str = "") -> list[Flowable]:
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
        story += section(f"{of}Checks: {jurisdiction}", [table(rows, (20, 98, 56), head=True)])
    note = f"{skipped} checks do not apply to this token and are not shown; the JSON lists them."
    return [*story, *bullets([note] if skipped else [], "")]


def _check_row(check: Mapping[str, Any]) -> tuple[str, str, str]:
    verdict = check["verdict"]
    what = [
        f"<b>{safe(check['title'])}</b>",
        f"{safe(check['key'])}, {safe(check['severity'])}",
        safe(check["reason"]),
    ]
    if check["waiver"]:
        what.append(
            f"Waived until {safe(check['waiver']['expiresAt'])}: "
            f"{safe(check['waiver']['reason'] or 'no reason given')} "
            f"(the verdict is {safe(check['underlyingVerdict'] or '')})"
        )
    if check["remediation"] and verdict in ("Fail", "Unknown"):
        what.append(f"<i>{safe(check['remediation'])}</i>")
    basis = f"{safe(check['basis'])}; confidence {safe(check['confidence'] or '-')}"
    sources = [safe(" ".join(filter(None, one.values()))) for one in check["citations"]]
    pack = f"{safe(check['pack']['id'])} {safe(check['pack']['version'])}"
    return (
        bold(verdict, VERDICT_INK.get(verdict, FAINT)),
        "<br/>".join(what),
        "<br/>".join([basis, *sources, pack]),
    )


def _events(trail: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    counts = [(safe(one["eventType"]), str(one["count"])) for one in trail["byType"]]
    rows = [("When", "What", "Who", "Reference")]
    rows += [
        (
            safe(one["occurredAt"]),
            safe(one["eventType"]) + ("" if one["success"] else " (failed)"),
            safe(one["actor"]),
            safe(" ".join(filter(None, (one["referenceType"], one["referenceId"]))) or "-"),
        )
        for one in events[:EVENTS_SHOWN]
    ]
    story = section(f"Events: {trail['total']}", [table(counts, (90, 84))] if counts else [])
    if len(rows) == 1:
        return story
    shown = len(rows) - 1
    head = f"The newest {shown} of {trail['listed']} listed events; JSON and CSV have all of them"
    title = head if shown < trail["listed"] else "The events, newest first"
    return [*story, *section(title, [table(rows, (40, 46, 50, 38), head=True)])]


def _snapshots(inputs: Mapping[str, Any]) -> str:
    if "snapshot" in inputs:
        return str(inputs["snapshot"])
    return f"{len(inputs['snapshots'])} snapshots; the JSON and the bundle name each"


def _seal(report: Mapping[str, Any], content: Mapping[str, Any]) -> list[Flowable]:
    packs = ", ".join(f"{one['id']} {one['version']}" for one in content["inputs"]["packs"])
    rows = [
        ("Report", safe(report["reportId"])),
        ("SHA-256 of the content", safe(report["digest"])),
        ("Signature (Ed25519)", safe(report["signature"])),
        ("Key", safe(report["keyId"])),
        ("Snapshot (SHA-256)", safe(_snapshots(content["inputs"]))),
        ("Engine, rule packs", safe(f"{content['engineVersion']}; {packs or 'none'}")),
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
    seal = table([(name, f'<font face="Courier">{text}</font>') for name, text in rows], (45, 129))
    return [
        KeepTogether([*section("The seal, and how to check it", [seal]), Spacer(1, 4)]),
        *bullets([safe(text) for text in how], ""),
    ]
