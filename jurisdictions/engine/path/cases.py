"""One requirement in one legal position of the token, judged over a hypothetical snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from jurisdictions.engine.checks import CheckContext, check_kind
from jurisdictions.engine.clock import Clock
from jurisdictions.engine.packs import Pack, Requirement
from jurisdictions.engine.predicates import Predicate, evaluate_predicate, facts_named
from jurisdictions.engine.results import Outcome, ReasonCode, Severity, Verdict
from jurisdictions.engine.selection import scopes_of, tags_in_use
from jurisdictions.engine.snapshot import Snapshot
from jurisdictions.engine.values import FactValue

_MET = (Verdict.PASS, Verdict.NOT_APPLICABLE)
_NOT_BROUGHT = Outcome(Verdict.NOT_APPLICABLE, ReasonCode.CONDITION_NOT_MET, "it does not apply")


def keeps_from_compliant(severity: Severity, verdict: Verdict) -> bool:
    """Whether one such check alone keeps a token from Compliant (regulation.md, section 10)."""
    if severity == Severity.RECOMMENDED:
        return verdict == Verdict.FAIL
    return verdict not in _MET


@dataclass(frozen=True)
class Judgement:
    """The outcome of one case over `facts`; `undecided` are those that leave it open."""

    outcome: Outcome
    undecided: tuple[str, ...] = ()
    facts: Mapping[str, FactValue] = field(default_factory=dict)


class View:
    """A snapshot with what every case reads of it, put together once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._plain = {
            path: one for path, one in snapshot.facts.items() if not path.startswith("tag.")
        }
        self._tags = tags_in_use(snapshot.tags)
        self._positions: dict[str, list[Position]] = {}

    def positions(self, pack: Pack) -> list[Position]:
        """The legal positions of the token in which the pack is evaluated."""
        found = self._positions.get(pack.pack_id)
        if found is None:
            found = [
                Position(
                    frozenset(scope.via_tag.split(",") if scope.via_tag else ()),
                    {**self._plain, **scope.tag_facts},
                )
                for scope in scopes_of(pack, self._tags)
            ]
            self._positions[pack.pack_id] = found
        return found


class Position(NamedTuple):
    """The tags that bring a pack, and the facts as its requirements read them."""

    tags: frozenset[str]
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, eq=False)
class Case:
    """One requirement for the tags that bring it; `tags` is empty where every token has it."""

    pack: Pack
    requirement: Requirement
    tags: tuple[str, ...]

    @cached_property
    def named(self) -> frozenset[str]:
        """The facts that decide whether the requirement applies."""
        return facts_named(self.condition)

    @cached_property
    def condition(self) -> Predicate:
        """When the requirement applies."""
        return {"all": [self.pack.applies_when, self.requirement.applies_when]}

    def judged(self, view: View, now: datetime) -> Judgement:
        """What the engine would answer, but for waivers: a path does without them.

        Where the token has several legal positions for the same tag, the first that is not met.
        """
        found = Judgement(_NOT_BROUGHT)
        for position in view.positions(self.pack):
            if not position.tags.isdisjoint(self.tags) or not (position.tags or self.tags):
                found = self._judged_on(position.facts, view.snapshot, now)
                if self.stands_in_the_way(found):
                    break
        return found

    def _judged_on(
        self, facts: Mapping[str, FactValue], snapshot: Snapshot, now: datetime
    ) -> Judgement:
        applies, missing = evaluate_predicate(self.condition, facts, snapshot.assumed)
        if applies is False:
            return Judgement(_NOT_BROUGHT, facts=facts)
        if applies is None:
            code = ReasonCode.APPLICABILITY_UNDETERMINED
            reason = f"whether it applies depends on {', '.join(missing)}"
            outcome = Outcome(Verdict.UNKNOWN, code, reason, missing_facts=missing)
            return Judgement(outcome, missing, facts)
        kind = check_kind(self.requirement.check_kind)
        if kind is None:
            reason = f"there is no check kind {self.requirement.check_kind}"
            outcome = Outcome(Verdict.UNKNOWN, ReasonCode.CHECK_KIND_UNKNOWN, reason)
            return Judgement(outcome, facts=facts)
        on_missing = self.requirement.on_missing or kind.default_on_missing
        context = CheckContext(self.requirement.key, snapshot, facts, on_missing, Clock(now))
        return Judgement(kind.run(self.requirement.params, context), facts=facts)

    def stands_in_the_way(self, judgement: Judgement) -> bool:
        """Whether the case so judged keeps the token from Compliant."""
        return keeps_from_compliant(self.requirement.severity, judgement.outcome.verdict)
