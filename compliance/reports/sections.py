"""The sections of a report, each made from the snapshot, the packs and the results. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from audit.events import EVIDENCE_NAMES
from compliance.reports.trail import EVENT_LIMIT, Trail, TrailCounts
from compliance.results import status_document
from config.api.formats import utc_text
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import (
    AttestationFact,
    CheckResult,
    MissingFact,
    Pack,
    Requirement,
    Severity,
    Snapshot,
    Status,
    Verdict,
    aggregate,
)

MICA = "mica"
NEXT_FACTS = 10
ISSUANCE_CHECK = "deployment_completed"
_APPLIES = frozenset(Verdict) - {Verdict.NOT_APPLICABLE}
_OPEN = (Verdict.FAIL, Verdict.UNKNOWN)
_STATES = ("Verified", "Pending", "Failed", "Revoked", "Expired")

RequirementKey = tuple[str, str, str]


def requirements_by_key(packs: Iterable[Pack]) -> dict[RequirementKey, Requirement]:
    """Return the requirements by pack, version and key."""
    return {
        (pack.pack_id, pack.version, one.key): one for pack in packs for one in pack.requirements
    }


def mica_checks(packs: Iterable[Pack], results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the checks of the packs whose framework is MiCA."""
    wanted = {(pack.pack_id, pack.version) for pack in packs if _framework(pack).lower() == MICA}
    return tuple(one for one in results if (one.pack_id, one.pack_version) in wanted)


def mica_readiness(
    packs: Iterable[Pack], checks: tuple[CheckResult, ...], now: datetime
) -> dict[str, Any]:
    """Return the status of the MiCA checks alone, with what decided it. There is no score."""
    in_use = any(_framework(pack).lower() == MICA for pack in packs)
    applies = any(one.verdict in _APPLIES for one in checks)
    status = status_document(aggregate(checks, now), checks)
    if applies:
        note = None
    elif checks:
        note = "No MiCA requirement applies to the token as it is recorded."
    elif in_use:
        note = "No jurisdiction of the token brings MiCA."
    else:
        note = "No MiCA rule pack is in force."
    return {
        "applies": applies,
        "note": note,
        "status": status["status"],
        "rationale": status["rationale"],
        "counts": status["counts"],
        "missingFacts": status["missingFacts"],
        "packVersions": status["packVersions"],
        "nextEvaluationAt": status["nextEvaluationAt"],
    }


def attestation_presence(
    snapshot: Snapshot, packs: Iterable[Pack], results: Iterable[CheckResult], now: datetime
) -> list[dict[str, Any]]:
    """Return, by attestation type, what is on record and which required checks ask for it."""
    requirements = requirements_by_key(packs)
    asking: dict[str, dict[str, None]] = {}
    for result in results:
        requirement = requirements.get((result.pack_id, result.pack_version, result.key))
        if requirement is None or not _is_required(result):
            continue
        if requirement.check_kind.startswith("attestation_"):
            for name in requirement.params.get("types", ()):
                asking.setdefault(name, {})[result.key] = None
    on_record: dict[str, list[AttestationFact]] = {}
    for attestation in snapshot.attestations:
        on_record.setdefault(attestation.attestation_type, []).append(attestation)
    return [
        _presence(name, on_record.get(name, []), list(asking.get(name, ())), now)
        for name in sorted(asking.keys() | on_record.keys())
    ]


def _presence(
    name: str, attestations: Sequence[AttestationFact], required_by: list[str], now: datetime
) -> dict[str, Any]:
    states = [attestation_state(one, now) for one in attestations]
    valid = [one for one in attestations if attestation_state(one, now) == "Verified"]
    expiries = [one.expires_at for one in valid if one.expires_at is not None]
    lasting = len(expiries) < len(valid)
    return {
        "attestationType": name,
        "present": bool(valid),
        "counts": {state: states.count(state) for state in _STATES},
        "validUntil": utc_text(max(expiries)) if expiries and not lasting else None,
        "requiredBy": required_by,
    }


def attestation_state(attestation: AttestationFact, now: datetime) -> str:
    """Return the attestation's status at `now`; one that is verified may have expired."""
    expired = attestation.expires_at is not None and attestation.expires_at <= now
    return "Expired" if attestation.status == "Verified" and expired else attestation.status


# Evidence that a rule may ask for, and that no trail lacks where none does.
ON_REQUEST = frozenset({"AttestationPackageGenerated"})


def audit_trail(snapshot: Snapshot, changes: TrailCounts) -> dict[str, Any]:
    """Return whether the log about the token is whole, and which changes it holds."""
    events = snapshot.audit.events
    missing = sorted(set(EVIDENCE_NAMES.values()) - ON_REQUEST - events.keys())
    return {
        "complete": snapshot.audit.chain_verified is True and not missing,
        "chainVerified": snapshot.audit.chain_verified,
        "chainDetail": snapshot.audit.detail,
        "evidenceEvents": [
            {"name": name, "lastAt": utc_text(events[name].last_at)} for name in sorted(events)
        ],
        "missingEvents": missing,
        "changes": counts_document(changes),
    }


def counts_document(counts: TrailCounts) -> dict[str, Any]:
    """Return how many events there are, of which types, between which moments."""
    return {
        "total": counts.total,
        "byType": [
            {"eventType": name, "count": counts.by_type[name]} for name in sorted(counts.by_type)
        ],
        "firstAt": utc_text(counts.first_at) if counts.first_at else None,
        "lastAt": utc_text(counts.last_at) if counts.last_at else None,
    }


def trail_summary(trail: Trail) -> dict[str, Any]:
    """Return what the listed events are a part of."""
    return {
        **counts_document(trail.counts),
        "listed": len(trail.events),
        "limit": EVENT_LIMIT,
        "truncated": trail.truncated,
        "withheld": trail.withheld,
    }


def trail_warnings(trail: Trail) -> list[dict[str, str]]:
    """Return what a reader of the events must know: that there are more than the list shows."""
    warnings = []
    if trail.truncated:
        warnings.append(
            {
                "code": "events_truncated",
                "message": (
                    f"The report lists the newest {len(trail.events)} of {trail.counts.total} "
                    "events; choose a shorter period to have all of them."
                ),
            }
        )
    if trail.withheld:
        warnings.append(
            {
                "code": "events_withheld",
                "message": (
                    f"{trail.withheld} events of the period were not recorded for the issuer that "
                    "owns the token now, and are not part of this report."
                ),
            }
        )
    return warnings


def issuance_checks(packs: Iterable[Pack], results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """Return the checks that look at whether and how the token was issued."""
    requirements = requirements_by_key(packs)
    found = []
    for one in results:
        requirement = requirements.get((one.pack_id, one.pack_version, one.key))
        if requirement is not None and requirement.check_kind == ISSUANCE_CHECK:
            found.append(
                {
                    "key": one.key,
                    "jurisdiction": one.jurisdiction,
                    "title": one.title,
                    "verdict": str(one.verdict),
                    "reason": one.reason,
                }
            )
    return found


def required_checks(packs: Iterable[Pack], results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """Return the required checks that apply, by the jurisdiction whose rules ask for them."""
    known = {(pack.pack_id, pack.version): pack for pack in packs}
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        if _is_required(result):
            groups.setdefault(result.jurisdiction, []).append(result)
    return [
        {
            "jurisdiction": jurisdiction,
            "rules": [
                _rule(known.get(version), version)
                for version in sorted({(one.pack_id, one.pack_version) for one in checks})
            ],
            "checks": [
                {
                    "key": one.key,
                    "viaTag": one.via_tag,
                    "title": one.title,
                    "verdict": str(one.verdict),
                }
                for one in checks
            ],
        }
        for jurisdiction, checks in sorted(groups.items())
    ]


def _rule(pack: Pack | None, version: tuple[str, str]) -> dict[str, Any]:
    return {
        "id": version[0],
        "version": version[1],
        "framework": _framework(pack) or None if pack else None,
        "name": str(pack.framework.get("name", "")) or None if pack else None,
    }


def next_best_facts(
    missing: Iterable[MissingFact], catalogue: FactCatalogue
) -> list[dict[str, Any]]:
    """Return the missing facts that most checks wait for, with what each of them means."""
    listed = []
    for one in list(missing)[:NEXT_FACTS]:
        definition = catalogue.get(one.path)
        listed.append(
            {
                "fact": one.path,
                "tag": one.tag,
                "unlocksChecks": one.checks,
                "type": definition.type if definition else None,
                "choices": list(definition.enum or ()) if definition else [],
                "description": definition.description or None if definition else None,
            }
        )
    return listed


def badge(snapshot: Snapshot, results: tuple[CheckResult, ...], now: datetime) -> dict[str, Any]:
    """Return whether the token may show a badge, the evidence that is present, what is missing."""
    status = aggregate(results, now).status
    return {
        "badgeStatus": "Eligible" if status == Status.COMPLIANT else "Incomplete",
        "evidence": [*_attested(snapshot, now), *_recorded(snapshot)],
        "missingRequirements": [
            {
                "key": one.key,
                "jurisdiction": one.jurisdiction,
                "title": one.title,
                "verdict": str(one.verdict),
                "reason": one.reason,
            }
            for one in results
            if one.severity == Severity.REQUIRED and one.verdict in (*_OPEN, Verdict.WAIVED)
        ],
    }


def _attested(snapshot: Snapshot, now: datetime) -> list[dict[str, Any]]:
    by_type: dict[str, list[AttestationFact]] = {}
    for one in snapshot.attestations:
        if attestation_state(one, now) == "Verified":
            by_type.setdefault(one.attestation_type, []).append(one)
    return [
        _evidence(
            name,
            "attestation",
            max(one.verified_at or one.issued_at for one in by_type[name]),
            [one.id for one in by_type[name]],
        )
        for name in sorted(by_type)
    ]


def _recorded(snapshot: Snapshot) -> list[dict[str, Any]]:
    events = snapshot.audit.events
    found = [_evidence(name, "auditLog", events[name].last_at, []) for name in sorted(events)]
    if snapshot.whitelist.enforcement is not None:
        found.append(_evidence("WhitelistPolicy", "whitelist", None, []))
    if snapshot.audit.chain_verified:
        found.append(_evidence("VerifiedAuditTrail", "auditLog", None, []))
    return found


def _evidence(
    name: str, source: str, moment: datetime | None, references: list[str]
) -> dict[str, Any]:
    return {
        "evidenceType": name,
        "source": source,
        "at": utc_text(moment) if moment else None,
        "references": references,
    }


def _is_required(result: CheckResult) -> bool:
    return result.severity == Severity.REQUIRED and result.verdict in _APPLIES


def _framework(pack: Pack) -> str:
    return str(pack.framework.get("id", ""))
