"""What a status does not say by itself: when it turns worse, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jurisdictions.engine.aggregation import Aggregate, RationaleItem, Status, aggregate
from jurisdictions.engine.clock import EXPIRING_WITHIN, age_ends
from jurisdictions.engine.evaluate import evaluate
from jurisdictions.engine.packs import Pack
from jurisdictions.engine.results import CheckResult, Verdict, WarningCode
from jurisdictions.engine.snapshot import Snapshot

# The worst first: of a token that fails we know more harm than of one that we cannot judge.
WORST_FIRST = (
    Status.NON_COMPLIANT,
    Status.UNKNOWN,
    Status.PARTIALLY_COMPLIANT,
    Status.COMPLIANT,
)
MAX_FLIPS = 8

_MESSAGES = {
    WarningCode.EVIDENCE_EXPIRING: "Evidence that counts today ends within 30 days.",
    WarningCode.ASSUMED_FACT: "Facts that nobody recorded were assumed.",
    WarningCode.LIST_STALE: "A list that was screened against is older than it may be.",
    WarningCode.LIST_HIT: "A place is on a list that warns.",
    WarningCode.CLASSIFICATION_INCONSISTENT: (
        "The asset type says security; the classification on a tag says otherwise."
    ),
    WarningCode.JURISDICTION_TEXT_UNPARSED: "A jurisdiction was named that was not understood.",
    WarningCode.CALENDAR_FALLBACK: "Working days were counted without public holidays.",
    WarningCode.DEADLINE_OPEN: "Something has not been done yet; its deadline is still open.",
}


@dataclass(frozen=True)
class Outlook:
    """The moment at which the status turns worse by itself, to what, and by which checks.

    `at` is None where it does not, as far as was looked: `looked_until` is the first moment that
    was not looked at, or None where every moment was.
    """

    at: datetime | None = None
    status: Status | None = None
    rationale: tuple[RationaleItem, ...] = ()
    looked_until: datetime | None = None


@dataclass(frozen=True)
class StatusWarning:
    """Something to know although it changes no verdict; `at` is when it begins to matter."""

    code: str
    message: str
    checks: tuple[str, ...]
    facts: tuple[str, ...] = ()
    at: datetime | None = None


def outlook(
    snapshot: Snapshot,
    packs: Iterable[Pack],
    now: datetime,
    current: Aggregate,
    *,
    max_flips: int = MAX_FLIPS,
) -> Outlook:
    """When the clock alone makes the status worse than `current`; at most `max_flips` are tried.

    Pure: it evaluates the same snapshot at every moment at which some verdict can flip.
    """
    packs = tuple(packs)
    rank = WORST_FIRST.index(current.status)
    moment = current.next_evaluation_at if rank else None
    for _ in range(max_flips):
        if moment is None:
            return Outlook()
        later = aggregate(evaluate(snapshot, packs, moment), moment)
        if WORST_FIRST.index(later.status) < rank:
            return Outlook(moment, later.status, later.rationale)
        moment = later.next_evaluation_at
    return Outlook(looked_until=moment)


def warnings_of(results: Iterable[CheckResult]) -> tuple[StatusWarning, ...]:
    """The warnings of all checks (regulation.md, section 10), one for each code."""
    by_code: dict[WarningCode, list[CheckResult]] = {}
    for result in results:
        if result.verdict != Verdict.NOT_APPLICABLE or result.assumptions:
            for code in dict.fromkeys(result.warnings):
                by_code.setdefault(code, []).append(result)
    return tuple(_warning(code, by_code[code]) for code in WarningCode if code in by_code)


def _warning(code: WarningCode, checks: list[CheckResult]) -> StatusWarning:
    assumed = code == WarningCode.ASSUMED_FACT
    facts = {one.path for check in checks for one in check.assumptions} if assumed else set()
    ends = code in (WarningCode.EVIDENCE_EXPIRING, WarningCode.DEADLINE_OPEN)
    moments = [check.flips_at for check in checks if ends and check.flips_at is not None]
    keys = tuple(dict.fromkeys(check.key for check in checks))
    return StatusWarning(
        str(code), _MESSAGES[code], keys, tuple(sorted(facts)), min(moments, default=None)
    )


def warnings_change_at(
    snapshot: Snapshot, results: Iterable[CheckResult], now: datetime
) -> datetime | None:
    """The next moment at which a warning can begin, though no verdict flips then; None without."""
    return min((one for one in _beginnings(snapshot, results) if one > now), default=None)


def _beginnings(snapshot: Snapshot, results: Iterable[CheckResult]) -> Iterator[datetime]:
    for screening in snapshot.lists.values():
        if screening.max_age_days is not None:
            yield age_ends(screening.as_of, screening.max_age_days)
    for attestation in snapshot.attestations:
        if attestation.expires_at is not None:
            yield attestation.expires_at - EXPIRING_WITHIN
    for result in results:
        if result.verdict == Verdict.PASS and result.flips_at is not None:
            yield result.flips_at - EXPIRING_WITHIN
