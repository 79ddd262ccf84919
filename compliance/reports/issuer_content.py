"""The content of a report on an issuer: a section for each token, and what they make. Pure.

A section is made from a token's material alone and keeps its bytes, so that sections which were
made one after the other, by whichever worker, give the same report. The fingerprint of the report
is made from those of its sections.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from audit.body import canonical
from compliance.choices import ReportType
from compliance.reports import sections
from compliance.reports.content import (
    DISCLAIMER,
    SUBJECT_SCHEMA_VERSION,
    Content,
    Material,
    StoredInput,
    about_token,
    pack_list,
    period_document,
    stamped,
    stored_packs,
)
from compliance.reports.merging import (
    merged_badge,
    merged_readiness,
    merged_summary,
    merged_trail,
    merged_versions,
    merged_warnings,
)
from compliance.reports.trail import Trail, TrailCounts
from config.api.formats import utc_text
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import ENGINE_VERSION, MissingFact, Pack
from jurisdictions.engine.documents import snapshot_to_document

_OF_THE_ISSUER = frozenset({"trail", "events"})
_MERGED = ("summary", "warnings", "packVersions", "micaReadiness", "badge", "auditTrail")
_TOKENS = b"tokens"


@dataclass(frozen=True)
class TokenSection:
    """What the report says of one token, in RFC 8785 form; `place` is where it is listed."""

    place: tuple[int, str]
    text: bytes
    fingerprint: str
    snapshot: StoredInput


@dataclass(frozen=True)
class IssuerMaterial:
    """What a report on an issuer is made from beside the sections of its tokens."""

    report_type: ReportType
    as_of: datetime
    issuer: Mapping[str, Any]
    packs: tuple[Pack, ...]
    catalogue: FactCatalogue
    changes: TrailCounts
    trail: Trail | None = None
    period_from: datetime | None = None
    period_to: datetime | None = None


def make_section(material: Material) -> TokenSection:
    """Evaluate one token and return what the report says of it."""
    snapshot = StoredInput.of(snapshot_to_document(material.snapshot))
    about = about_token(material)
    section = {name: value for name, value in about.items() if name not in _OF_THE_ISSUER}
    section["snapshot"] = snapshot.digest
    made = stamped(section, utc_text(material.as_of))
    del made["asOf"]  # of the whole report
    token = material.token
    return TokenSection(
        place=(int(token["assetId"]), token["network"] or ""),
        text=canonical(made),
        fingerprint=sha256(canonical(section)).hexdigest(),
        snapshot=snapshot,
    )


def make_issuer_content(
    material: IssuerMaterial,
    token_sections: Iterable[TokenSection],
    pack_inputs: Sequence[StoredInput] | None = None,
) -> Content:
    """Return what the report says: `token_sections` made for one moment by `material.packs`."""
    ordered = sorted(token_sections, key=lambda one: one.place)
    packs = stored_packs(material.packs, pack_inputs)
    timeless = _timeless(material, [_merged_parts(one.text) for one in ordered], packs)
    timeless["inputs"]["snapshots"] = sorted({one.snapshot.digest for one in ordered})
    named = {**timeless, "tokens": [one.fingerprint for one in ordered]}
    text = _with_tokens({**timeless, "asOf": utc_text(material.as_of)}, ordered)
    return Content(
        text=text,
        digest=sha256(text).hexdigest(),
        fingerprint=sha256(canonical(named)).hexdigest(),
        status=timeless["summary"]["status"],
        snapshots=tuple({one.snapshot.digest: one.snapshot for one in ordered}.values()),
        packs=packs,
        schema_version=SUBJECT_SCHEMA_VERSION,
    )


def _merged_parts(text: bytes) -> dict[str, Any]:
    """Return of a section only what is merged: its checks are by far the most of it."""
    section = orjson.loads(text)
    return {name: section[name] for name in _MERGED if name in section}


def _timeless(
    material: IssuerMaterial, parts: Sequence[Mapping[str, Any]], packs: Sequence[StoredInput]
) -> dict[str, Any]:
    warnings = merged_warnings(part["warnings"] for part in parts)
    if not parts:
        warnings.append({"code": "no_tokens", "message": "The issuer has no token."})
    if material.trail is not None:
        warnings += sections.trail_warnings(material.trail)
    summary = merged_summary([part["summary"] for part in parts])
    return {
        "schemaVersion": SUBJECT_SCHEMA_VERSION,
        "reportType": str(material.report_type),
        "period": period_document(material.period_from, material.period_to),
        "subject": issuer_subject(material.issuer["id"]),
        "issuer": dict(material.issuer),
        "summary": summary,
        **_sections(material, parts, summary),
        "warnings": warnings,
        "packVersions": merged_versions(part["packVersions"] for part in parts),
        "engineVersion": ENGINE_VERSION,
        "inputs": {"packs": pack_list(material.packs, packs)},
        "disclaimer": DISCLAIMER,
    }


def issuer_subject(issuer_id: str) -> dict[str, Any]:
    """Return how a report names the issuer that it is about."""
    return {
        "kind": "Issuer",
        "issuerId": issuer_id,
        "deploymentId": None,
        "assetId": None,
        "network": None,
    }


def _sections(
    material: IssuerMaterial, parts: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> dict[str, Any]:
    kind = material.report_type
    if kind == ReportType.COMPLIANCE_BADGE:
        return {"badge": merged_badge([part["badge"] for part in parts])}
    if kind == ReportType.MICA_READINESS:
        return {"micaReadiness": merged_readiness([part["micaReadiness"] for part in parts])}
    changes = sections.counts_document(material.changes)
    audit_trail = merged_trail([part["auditTrail"] for part in parts], changes)
    if kind == ReportType.AUDIT_TRAIL:
        trail = material.trail or Trail()
        return {
            "auditTrail": audit_trail,
            "trail": sections.trail_summary(trail),
            "events": list(trail.events),
        }
    missing = [
        MissingFact(one["fact"], one["tag"], one["unlocksChecks"])
        for one in summary["missingFacts"]
    ]
    return {
        "micaReadiness": merged_readiness([part["micaReadiness"] for part in parts]),
        "auditTrail": audit_trail,
        "nextBestFacts": sections.next_best_facts(missing, material.catalogue),
    }


def _with_tokens(document: Mapping[str, Any], ordered: Sequence[TokenSection]) -> bytes:
    """Return the RFC 8785 form of the document with the sections, which are in that form."""
    name = _TOKENS.decode()
    before = canonical({key: value for key, value in document.items() if key < name})
    after = canonical({key: value for key, value in document.items() if key > name})
    listed = b",".join(one.text for one in ordered)
    return before[:-1] + b',"' + _TOKENS + b'":[' + listed + b"]," + after[1:]
