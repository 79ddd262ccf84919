"""A report as one table for people: its checks, its events or its evidence. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.api.csv import csv_stream

Row = Sequence[Any]

CHECK_COLUMNS = (
    "Jurisdiction",
    "Key",
    "Title",
    "Category",
    "Severity",
    "Basis",
    "Confidence",
    "Verdict",
    "UnderlyingVerdict",
    "ReasonCode",
    "Reason",
    "Citation",
    "SourceUri",
    "PackId",
    "PackVersion",
    "ViaTag",
    "MissingFacts",
    "Evidence",
    "WaiverReason",
    "WaiverExpiresAt",
    "Remediation",
    "FlipsAt",
    "EvaluatedAt",
)
EVENT_COLUMNS = (
    "Id",
    "EventType",
    "Category",
    "ActionType",
    "Actor",
    "OccurredAt",
    "Success",
    "Network",
    "AssetId",
    "AffectedAddress",
    "ReferenceType",
    "ReferenceId",
    "ErrorMessage",
    "Notes",
    "CorrelationId",
    "LeafHash",
)
EVENT_BARE = frozenset({6, 8})
# Before those of the table, in a report on an issuer.
TOKEN_COLUMNS = ("AssetId", "Network", "TokenStatus")
TOKEN_BARE = frozenset({0})
EVIDENCE_COLUMNS = ("EvidenceType", "Source", "At", "References")


def csv_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the report's table as CSV: checks, or the events of an AuditTrail.

    That of an issuer has the rows of all of its tokens, each with its token.
    """
    if "events" in content:
        rows = [_event_row(event) for event in content["events"]]
        return b"".join(csv_stream(EVENT_COLUMNS, rows, EVENT_BARE))
    if "tokens" in content:
        return _tokens_csv(content["tokens"], "badge" in content)
    if "badge" in content:
        rows = [_evidence_row(one) for one in content["badge"]["evidence"]]
        return b"".join(csv_stream(EVIDENCE_COLUMNS, rows))
    return b"".join(csv_stream(CHECK_COLUMNS, [_check_row(one) for one in content["checks"]]))


def row_count(content: Mapping[str, Any]) -> int:
    """Return how many rows the report's table has."""
    if "events" in content:
        return len(content["events"])
    sections = content.get("tokens", [content])
    return sum(
        len(one["badge"]["evidence"] if "badge" in one else one["checks"]) for one in sections
    )


def _tokens_csv(tokens: Sequence[Mapping[str, Any]], badge: bool) -> bytes:
    columns = (*TOKEN_COLUMNS, *(EVIDENCE_COLUMNS if badge else CHECK_COLUMNS))
    rows = (
        (*_token_cells(one), *cells)
        for one in tokens
        for cells in (
            map(_evidence_row, one["badge"]["evidence"])
            if badge
            else map(_check_row, one["checks"])
        )
    )
    return b"".join(csv_stream(columns, rows, TOKEN_BARE))


def _token_cells(section: Mapping[str, Any]) -> Row:
    token = section["token"]
    return int(token["assetId"]), token["network"], section["summary"]["status"]


def _check_row(check: Mapping[str, Any]) -> Row:
    waiver = check["waiver"] or {}
    return (
        check["jurisdiction"],
        check["key"],
        check["title"],
        check["category"],
        check["severity"],
        check["basis"],
        check["confidence"],
        check["verdict"],
        check["underlyingVerdict"],
        check["reasonCode"],
        check["reason"],
        "; ".join(one["text"] for one in check["citations"]),
        "; ".join(one["uri"] for one in check["citations"] if one["uri"]),
        check["pack"]["id"],
        check["pack"]["version"],
        check["viaTag"],
        "; ".join(check["missingFacts"]),
        "; ".join(f"{one['type']} {one['reference']}" for one in check["evidence"]),
        waiver.get("reason"),
        waiver.get("expiresAt"),
        check["remediation"],
        check["flipsAt"],
        check["evaluatedAt"],
    )


def _event_row(event: Mapping[str, Any]) -> Row:
    return (
        event["id"],
        event["eventType"],
        event["category"],
        event["actionType"],
        event["actor"],
        event["occurredAt"],
        event["success"],
        event["network"],
        int(event["assetId"]) if event["assetId"] is not None else None,
        event["affectedAddress"],
        event["referenceType"],
        event["referenceId"],
        event["errorMessage"],
        event["notes"],
        event["correlationId"],
        event["leafHash"],
    )


def _evidence_row(evidence: Mapping[str, Any]) -> Row:
    return (
        evidence["evidenceType"],
        evidence["source"],
        evidence["at"],
        "; ".join(evidence["references"]),
    )
