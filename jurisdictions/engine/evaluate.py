"""The evaluation of a token: every requirement of every pack that its tags bring, judged once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from jurisdictions.engine.checks import CheckContext, check_kind
from jurisdictions.engine.clock import Clock
from jurisdictions.engine.engine_checks import engine_results
from jurisdictions.engine.packs import Pack, Requirement, version_order
from jurisdictions.engine.predicates import evaluate_predicate, facts_compared
from jurisdictions.engine.results import (
    Assumption,
    CheckResult,
    Outcome,
    ReasonCode,
    Verdict,
    WarningCode,
)
from jurisdictions.engine.selection import (
    PackSelection,
    Scope,
    ends_at,
    scopes_of,
    select_packs,
    starts_at,
    tags_in_use,
)
from jurisdictions.engine.snapshot import Snapshot, Waiver
from jurisdictions.engine.values import FactValue, is_recorded

_WAIVABLE = (Verdict.FAIL, Verdict.UNKNOWN)


def evaluate(snapshot: Snapshot, packs: Iterable[Pack], now: datetime) -> tuple[CheckResult, ...]:
    """Every check of the token at that moment, ordered by jurisdiction, pack and key.

    Pure: the same snapshot, packs and moment give the same results, whatever order they come in.
    A `now` without a time zone is a ValueError. Packs must have passed `validate_pack`.
    """
    selections = select_packs(packs, now)
    tags = tags_in_use(snapshot.tags)
    results = list(engine_results(snapshot, selections))
    # What a tag says holds only where that tag is judged.
    untagged = {path: one for path, one in snapshot.facts.items() if not path.startswith("tag.")}
    for selection in selections:
        for scope in scopes_of(selection.pack, tags):
            facts = {**untagged, **scope.tag_facts}
            results.extend(
                _result(requirement, selection, scope, facts, snapshot, Clock(now))
                for requirement in selection.pack.requirements
            )
    return tuple(sorted(results, key=_order))


def _order(result: CheckResult) -> tuple[str, str, str, str]:
    return result.jurisdiction, result.pack_id, result.key, result.via_tag or ""


def _result(
    requirement: Requirement,
    selection: PackSelection,
    scope: Scope,
    facts: Mapping[str, FactValue],
    snapshot: Snapshot,
    clock: Clock,
) -> CheckResult:
    pack = selection.pack
    outcome, compared = _judge(requirement, selection, facts, snapshot, clock)
    assumptions = _assumptions(outcome, compared, facts, snapshot)
    warnings = (*outcome.warnings, *([WarningCode.ASSUMED_FACT] if assumptions else []))
    waiver = None
    if outcome.verdict in _WAIVABLE:
        waiver = _waiver_of(requirement.key, pack, snapshot.waivers, clock)
    return CheckResult(
        key=requirement.key,
        jurisdiction=pack.jurisdiction.code,
        via_tag=scope.via_tag,
        pack_id=pack.pack_id,
        pack_version=pack.version,
        title=requirement.title,
        category=requirement.category,
        severity=requirement.severity,
        basis=requirement.basis,
        verdict=Verdict.WAIVED if waiver else outcome.verdict,
        reason_code=outcome.reason_code,
        reason=outcome.reason,
        citations=pack.citations_of(requirement),
        evidence=outcome.evidence,
        missing_facts=outcome.missing_facts,
        assumptions=assumptions,
        warnings=warnings,
        waiver=waiver,
        underlying_verdict=outcome.verdict if waiver else None,
        control=requirement.control,
        remediation=requirement.remediation or "",
        flips_at=clock.flips_at,
    )


def _judge(
    requirement: Requirement,
    selection: PackSelection,
    facts: Mapping[str, FactValue],
    snapshot: Snapshot,
    clock: Clock,
) -> tuple[Outcome, frozenset[str]]:
    """The outcome, and the facts whose values decided whether the requirement applies."""
    nothing: frozenset[str] = frozenset()
    if selection.changes_at is not None:
        clock.reached(selection.changes_at)
    if not selection.in_force or not clock.reached(starts_at(requirement.effective_from)):
        since = requirement.effective_from if selection.in_force else selection.pack.effective_from
        return _not_applicable(ReasonCode.NOT_YET_EFFECTIVE, f"applies from {since}"), nothing
    if clock.reached(ends_at(requirement.effective_to)):
        reason = f"applied until {requirement.effective_to}"
        return _not_applicable(ReasonCode.NO_LONGER_EFFECTIVE, reason), nothing

    condition = {"all": [selection.pack.applies_when, requirement.applies_when]}
    compared = facts_compared(condition)
    applies, missing = evaluate_predicate(condition, facts, snapshot.assumed)
    if applies is False:
        reason = "the condition of the requirement is not met"
        return _not_applicable(ReasonCode.CONDITION_NOT_MET, reason), compared
    if applies is None:
        code = ReasonCode.APPLICABILITY_UNDETERMINED
        reason = f"whether it applies depends on {', '.join(missing)}"
        return Outcome(Verdict.UNKNOWN, code, reason, missing_facts=missing), compared

    kind = check_kind(requirement.check_kind)
    if kind is None:
        code = ReasonCode.CHECK_KIND_UNKNOWN
        reason = f"there is no check kind {requirement.check_kind}"
        return Outcome(Verdict.UNKNOWN, code, reason), compared
    on_missing = requirement.on_missing or kind.default_on_missing
    context = CheckContext(requirement.key, snapshot, facts, on_missing, clock)
    return kind.run(requirement.params, context), compared


def _not_applicable(code: ReasonCode, reason: str) -> Outcome:
    return Outcome(Verdict.NOT_APPLICABLE, code, reason)


def _assumptions(
    outcome: Outcome,
    compared: frozenset[str],
    facts: Mapping[str, FactValue],
    snapshot: Snapshot,
) -> tuple[Assumption, ...]:
    """The assumed values that the condition or the check relied on, by path."""
    used = {
        path for path in compared if path in snapshot.assumed and not is_recorded(facts.get(path))
    }
    used |= {one.reference for one in outcome.evidence if one.type == "assumption"}
    return tuple(Assumption(path, snapshot.assumed[path]) for path in sorted(used))


def _waiver_of(key: str, pack: Pack, waivers: Iterable[Waiver], clock: Clock) -> Waiver | None:
    """The approved waiver of the requirement that lasts longest, if one has not expired."""
    fitting = [
        one for one in waivers if one.approved and one.requirement_key == key and _covers(one, pack)
    ]
    fitting.sort(key=lambda one: (one.expires_at, one.id), reverse=True)
    return next((one for one in fitting if not clock.reached(one.expires_at)), None)


def _covers(waiver: Waiver, pack: Pack) -> bool:
    if waiver.pack_id and waiver.pack_id != pack.pack_id:
        return False
    after_start = (
        not waiver.version_from or version_order(waiver.version_from) <= pack.version_order
    )
    return after_start and (
        not waiver.version_to or pack.version_order <= version_order(waiver.version_to)
    )
