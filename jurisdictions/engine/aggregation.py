"""From check results to one explainable status (design section 4, regulation.md section 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jurisdictions.engine.results import (
    ENGINE_PACK_ID,
    CheckResult,
    ReasonCode,
    Severity,
    Verdict,
)


class Status(StrEnum):
    """The status of a token, spelled as on the wire."""

    UNKNOWN = "Unknown"
    NON_COMPLIANT = "NonCompliant"
    PARTIALLY_COMPLIANT = "PartiallyCompliant"
    COMPLIANT = "Compliant"


@dataclass(frozen=True)
class RationaleItem:
    """One of the checks that decided a status."""

    key: str
    jurisdiction: str
    via_tag: str | None
    severity: Severity
    verdict: Verdict
    reason_code: ReasonCode
    reason: str


@dataclass(frozen=True)
class JurisdictionStatus:
    """The status in one jurisdiction: of its own checks and of those its tag brings."""

    jurisdiction: str
    status: Status
    rationale: tuple[RationaleItem, ...]
    counts: Mapping[Verdict, int]


@dataclass(frozen=True)
class MissingFact:
    """A fact nobody recorded; for a `tag.` fact, on which tag; and how many checks wait for it."""

    path: str
    tag: str | None
    checks: int


@dataclass(frozen=True)
class Aggregate:
    """One status and everything that explains it.

    `rationale` lists exactly the checks that decided the status. `missing_facts` begins with the
    one that would unlock most checks. `next_evaluation_at` is the earliest future moment at which
    a verdict can flip without anybody doing anything, or None.
    """

    status: Status
    rationale: tuple[RationaleItem, ...]
    counts: Mapping[Verdict, int]
    jurisdictions: tuple[JurisdictionStatus, ...]
    missing_facts: tuple[MissingFact, ...]
    next_evaluation_at: datetime | None


def aggregate(results: Iterable[CheckResult], now: datetime) -> Aggregate:
    """The overall status, and the status of every jurisdiction by the same rule."""
    checks = tuple(results)
    status, deciding = _status(checks)
    upcoming = [one.flips_at for one in checks if one.flips_at is not None and one.flips_at > now]
    return Aggregate(
        status=status,
        rationale=_rationale(deciding),
        counts=_counts(checks),
        jurisdictions=_jurisdictions(checks),
        missing_facts=_missing_facts(checks),
        next_evaluation_at=min(upcoming, default=None),
    )


def _status(checks: Sequence[CheckResult]) -> tuple[Status, list[CheckResult]]:
    """The first status whose rule holds, and the checks that made it hold."""
    applicable = [one for one in checks if one.verdict != Verdict.NOT_APPLICABLE]
    required = [one for one in applicable if one.severity == Severity.REQUIRED]
    unknown = [one for one in required if one.verdict == Verdict.UNKNOWN]
    if all(one.verdict == Verdict.UNKNOWN or _says_nothing(one) for one in required):
        return Status.UNKNOWN, unknown
    failed = [one for one in required if one.verdict == Verdict.FAIL]
    if failed:
        return Status.NON_COMPLIANT, failed
    partial = [
        one
        for one in applicable
        if (one.severity == Severity.REQUIRED and one.verdict != Verdict.PASS)
        or (one.severity == Severity.RECOMMENDED and one.verdict == Verdict.FAIL)
    ]
    if partial:
        return Status.PARTIALLY_COMPLIANT, partial
    return Status.COMPLIANT, required


def _says_nothing(check: CheckResult) -> bool:
    """An engine check that passes shows that we can judge, not that anything is complied with."""
    return check.pack_id == ENGINE_PACK_ID and check.verdict == Verdict.PASS


def _rationale(deciding: Iterable[CheckResult]) -> tuple[RationaleItem, ...]:
    return tuple(
        RationaleItem(
            key=one.key,
            jurisdiction=one.jurisdiction,
            via_tag=one.via_tag,
            severity=one.severity,
            verdict=one.verdict,
            reason_code=one.reason_code,
            reason=one.reason,
        )
        for one in deciding
    )


def _counts(checks: Iterable[CheckResult]) -> dict[Verdict, int]:
    found = Counter(one.verdict for one in checks)
    return {verdict: found[verdict] for verdict in Verdict}


def _jurisdictions(checks: Sequence[CheckResult]) -> tuple[JurisdictionStatus, ...]:
    groups: dict[str, list[CheckResult]] = {}
    for one in checks:
        # DE answers for the EU's rules that its tag brings, not only for its own.
        for code in dict.fromkeys([one.jurisdiction, *one.via_tags]):
            groups.setdefault(code, []).append(one)
    return tuple(_jurisdiction_status(code, groups[code]) for code in sorted(groups))


def _jurisdiction_status(code: str, checks: list[CheckResult]) -> JurisdictionStatus:
    status, deciding = _status(checks)
    return JurisdictionStatus(code, status, _rationale(deciding), _counts(checks))


def _missing_facts(checks: Iterable[CheckResult]) -> tuple[MissingFact, ...]:
    """Facts that unmet checks wait for; those behind a waiver are not the next question to ask."""
    waiting: Counter[tuple[str, str | None]] = Counter()
    for one in checks:
        if one.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
            continue
        for path in one.missing_facts:
            tags = one.via_tags if path.startswith("tag.") else ()
            waiting.update((path, tag) for tag in tags or (None,))
    ordered = sorted(waiting.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return tuple(MissingFact(path, tag, count) for (path, tag), count in ordered)
