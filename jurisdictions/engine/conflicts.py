"""Rules of several jurisdictions that no single arrangement keeps (regulation.md, section 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from jurisdictions.engine.packs import Pack, Requirement
from jurisdictions.engine.predicates import evaluate_predicate
from jurisdictions.engine.results import CheckResult, ReasonCode, Verdict
from jurisdictions.engine.selection import scopes_of, select_packs, tags_in_use
from jurisdictions.engine.snapshot import Snapshot, Tag

RETENTION = "retention"
HOLDERS = "holders"

_RETENTION_CHECK, _ENTRIES_CHECK = "retention_at_least", "whitelist_entries_valid"
_US_PERSON, _US = "US_PERSON", "US"
_OFFERED = frozenset({"offered_in", "admitted_to_trading_in"})


@dataclass(frozen=True)
class Conflict:
    """Two rules that contradict each other; no verdict follows from it, a decision must.

    `checks` are the keys of the rules, `jurisdictions` those that they are of. `resolution` says
    what a person can do.
    """

    kind: str
    jurisdictions: tuple[str, ...]
    checks: tuple[str, ...]
    reason: str
    resolution: str


def conflicts(
    snapshot: Snapshot, packs: Iterable[Pack], now: datetime, results: Iterable[CheckResult]
) -> tuple[Conflict, ...]:
    """The conflicts among the rules that apply to the token at `now`, given their results. Pure."""
    applied = {
        (one.pack_id, one.pack_version, one.key)
        for one in results
        if one.verdict != Verdict.NOT_APPLICABLE
        and one.reason_code != ReasonCode.APPLICABILITY_UNDETERMINED
    }
    rules = [
        _Rule(selection.pack, requirement)
        for selection in select_packs(packs, now)
        if selection.in_force
        for requirement in selection.pack.requirements
        if (selection.pack.pack_id, selection.pack.version, requirement.key) in applied
    ]
    return (*_retention_conflicts(rules), *_holder_conflicts(rules, snapshot))


class _Rule(NamedTuple):
    pack: Pack
    requirement: Requirement

    @property
    def jurisdiction(self) -> str:
        return self.pack.jurisdiction.code


class _Bound(NamedTuple):
    years: float
    rule: _Rule


def _retention_conflicts(rules: list[_Rule]) -> Iterator[Conflict]:
    """Records that one rule wants kept longer than another lets the personal data in them be."""
    lows: dict[str, list[_Bound]] = {}
    highs: dict[str, list[_Bound]] = {}
    for rule in rules:
        params = rule.requirement.params
        if rule.requirement.check_kind != _RETENTION_CHECK:
            continue
        name = params["recordClass"]
        lows.setdefault(name, []).append(_Bound(params["minYears"], rule))
        most = [params.get("personalDataMaxYears"), _personal_maximum(rule.pack, name)]
        highs.setdefault(name, []).extend(_Bound(one, rule) for one in most if one is not None)
    for name in sorted(highs.keys() & lows.keys()):
        low = max(lows[name], key=lambda one: one.years)
        high = min(highs[name], key=lambda one: one.years, default=None)
        if high is not None and low.years > high.years:
            yield Conflict(
                RETENTION,
                tuple(dict.fromkeys((low.rule.jurisdiction, high.rule.jurisdiction))),
                tuple(dict.fromkeys((low.rule.requirement.key, high.rule.requirement.key))),
                f"{name} must be kept {low.years:g} years by {low.rule.jurisdiction}; "
                f"{high.rule.jurisdiction} allows {high.years:g} for personal data",
                "Keep the records apart by the holders' jurisdiction, or record a decision.",
            )


def _personal_maximum(pack: Pack, name: str) -> float | None:
    """The years for which the pack lets personal data of a record class be kept, if it says so."""
    found = [
        row["personalData"].get("maxYears")
        for row in pack.retention or ()
        if row["recordClass"] == name
    ]
    return min((one for one in found if one is not None), default=None)


def _holder_conflicts(rules: list[_Rule], snapshot: Snapshot) -> Iterator[Conflict]:
    """Holders whom one rule shuts out of the whitelist on which another position needs them.

    Reg S excludes US persons; a Reg D offering of the same token has US holders on the same list.
    """
    tags = tags_in_use(snapshot.tags)
    for rule in rules:
        params = rule.requirement.params
        if rule.requirement.check_kind != _ENTRIES_CHECK:
            continue
        shut_out = set(params.get("excludeJurisdictions", ()))
        if _US_PERSON in params.get("excludePersons", ()):
            shut_out.add(_US)
        for tag in tags:
            if _is_offered(tag, shut_out) and not _binds(rule, tag, snapshot):
                there = [
                    one
                    for one in snapshot.whitelist.entries
                    if one.status == "Active" and _country(one.jurisdiction) in shut_out
                ]
                yield Conflict(
                    HOLDERS,
                    tuple(dict.fromkeys((rule.jurisdiction, tag.jurisdiction))),
                    (rule.requirement.key,),
                    f"{rule.requirement.key} excludes {_country(tag.jurisdiction)} from the "
                    f"whitelist; {tag.exemption} offers the token there "
                    f"({len(there)} such holders are on it)",
                    "Give each class of holders its own token or tranche, or record a decision.",
                )


def _is_offered(tag: Tag, codes: set[str]) -> bool:
    """Whether the token is known to be offered in one of the places, and how."""
    offered = not tag.roles or bool(_OFFERED & set(tag.roles))
    return offered and tag.exemption is not None and _country(tag.jurisdiction) in codes


def _binds(rule: _Rule, tag: Tag, snapshot: Snapshot) -> bool:
    """Whether the rule applies, or may apply, to the token in the legal position of that tag."""
    facts = {path: one for path, one in snapshot.facts.items() if not path.startswith("tag.")}
    condition = {"all": [rule.pack.applies_when, rule.requirement.applies_when]}
    return any(
        evaluate_predicate(condition, {**facts, **scope.tag_facts}, snapshot.assumed)[0]
        is not False
        for scope in scopes_of(rule.pack, (tag,))
    )


def _country(code: str | None) -> str:
    return (code or "").strip().upper().split("-")[0]
