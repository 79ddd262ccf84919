"""The search for a path: remedy by remedy, until the engine itself answers Compliant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jurisdictions.engine.aggregation import Status, aggregate
from jurisdictions.engine.evaluate import evaluate
from jurisdictions.engine.packs import Pack
from jurisdictions.engine.path.cases import Case, Judgement, View, keeps_from_compliant
from jurisdictions.engine.path.facts import FactKey, fact_change, fact_key, fact_target
from jurisdictions.engine.path.problems import NoRemedy, Problem
from jurisdictions.engine.path.remedies import remedy
from jurisdictions.engine.path.steps import ISSUER, OFFICER, Blocker, Path, Step, StepKind, after
from jurisdictions.engine.path.values import answers, compared_with
from jurisdictions.engine.results import ENGINE_PACK_ID, CheckResult, Severity, Verdict
from jurisdictions.engine.selection import select_packs, tags_in_use
from jurisdictions.engine.snapshot import Snapshot

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

_CLASSIFICATION = "tag.classification"
_CLASSIFIED = "engine.classification_recorded"
# What an asset type says about what the token is; nothing else is read into it.
_CLUES = {"security": "FINANCIAL_INSTRUMENT", "utility": "UTILITY"}
_ANSWER_RULE = "answer as it is; the path holds for this answer"


@dataclass(frozen=True)
class Bounds:
    """How long a search may go on: evaluations of the token, single judgements, steps."""

    evaluations: int = 6
    judgements: int = 6_000
    steps: int = 100


class _Exhausted(Exception):
    """A bound was reached."""


def path_to_compliance(
    snapshot: Snapshot,
    packs: Iterable[Pack],
    now: datetime,
    catalogue: FactCatalogue,
    *,
    results: tuple[CheckResult, ...] | None = None,
    bounds: Bounds | None = None,
) -> Path:
    """A small set of steps after which the engine answers Compliant at `now`; verified by it.

    Pure (issue 3, section 2). Where no such set is found the path says which checks stand in the
    way and why: what the token legally is, what happened, and rules that are not loaded are never
    guessed. `results` are those of the snapshot, where they are known already.
    """
    return _Search(snapshot, tuple(packs), now, catalogue, bounds or Bounds()).run(results)


class _Search:
    def __init__(
        self,
        snapshot: Snapshot,
        packs: tuple[Pack, ...],
        now: datetime,
        catalogue: FactCatalogue,
        bounds: Bounds,
    ) -> None:
        self.recorded = self.snapshot = snapshot
        self.packs, self.now, self.catalogue, self.bounds = packs, now, catalogue, bounds
        in_force = [one.pack for one in select_packs(packs, now) if one.in_force]
        self.rules = {
            (one.pack_id, rule.key): (one, rule) for one in in_force for rule in one.requirements
        }
        self.view = View(snapshot)
        self.steps: dict[tuple[str, ...], Step] = {}
        self.wanted: dict[FactKey, list[Case]] = {}
        self.evaluations = self.judgements = 0

    def run(self, results: tuple[CheckResult, ...] | None) -> Path:
        try:
            return self._search(results)
        except _Exhausted as bound:
            return self._nothing([Blocker("", "", str(bound))])

    def _search(self, results: tuple[CheckResult, ...] | None) -> Path:
        while True:
            if results is None:
                results = self._evaluated()
            unmet = [one for one in results if keeps_from_compliant(one.severity, one.verdict)]
            if not unmet:
                if aggregate(results, self.now).status == Status.COMPLIANT:
                    return self._found()
                reason = "no rule that is in force says anything about the token"
                return self._nothing([Blocker("", "", reason)])
            before = dict(self.steps)
            if blockers := self._advance(results, unmet):
                return self._nothing(blockers)
            if self.steps == before:
                return self._nothing([_blocker(one, one.reason) for one in unmet])
            # What is evaluated next is what the steps make of the record, and nothing else.
            self.snapshot = after(self.recorded, self.steps.values())
            results = None

    def _evaluated(self) -> tuple[CheckResult, ...]:
        if self.evaluations == self.bounds.evaluations:
            raise _Exhausted(f"no path was found in {self.evaluations} evaluations")
        self.evaluations += 1
        return evaluate(self.snapshot, self.packs, self.now)

    def _found(self) -> Path:
        steps = tuple(self.steps.values())
        return Path(True, steps, (), self.evaluations, self.judgements)

    def _nothing(self, blockers: list[Blocker]) -> Path:
        return Path(False, (), tuple(blockers), self.evaluations, self.judgements)

    def _advance(self, results: tuple[CheckResult, ...], unmet: list[CheckResult]) -> list[Blocker]:
        """Take every step that is known for the unmet checks; the checks for which none is."""
        engine = [one for one in unmet if one.pack_id == ENGINE_PACK_ID]
        blockers = [_blocker(one, one.reason) for one in engine if one.key != _CLASSIFIED]
        cases = [case for one in unmet for case in self._cases(one)]
        unclassified = [one for one in engine if one.key == _CLASSIFIED]
        blockers += [one for each in unclassified for one in self._classify(each.via_tags, cases)]
        if blockers:
            return blockers
        # An advice that cannot be judged yet keeps nobody back, but an answer may make it fail.
        advised = [
            one
            for one in results
            if one.verdict == Verdict.UNKNOWN and one.severity == Severity.RECOMMENDED
        ]
        blockers += self._answer(cases, [case for one in advised for case in self._cases(one)])
        if blockers:
            return blockers
        for case in cases:
            judgement = self._judge(case, self.snapshot)
            if judgement.undecided:
                continue  # an answer raised a new question: the next round asks it
            if not case.stands_in_the_way(judgement):
                self._credit(case, judgement)
                continue
            problem = Problem(
                case,
                judgement,
                self.snapshot,
                self.recorded,
                self.now,
                self.catalogue,
                self._judge,
                self.wanted,
            )
            try:
                for step in remedy(problem):
                    self._take(step, case)
            except NoRemedy as none:
                blockers.append(
                    Blocker(case.requirement.key, case.pack.jurisdiction.code, str(none))
                )
        return blockers

    def _cases(self, result: CheckResult) -> list[Case]:
        found = self.rules.get((result.pack_id, result.key))
        return [Case(*found, result.via_tags)] if found else []

    def _judge(self, case: Case, snapshot: Snapshot) -> Judgement:
        self.judgements += 1
        if self.judgements > self.bounds.judgements:
            raise _Exhausted(f"no path was found in {self.bounds.judgements} judgements")
        if snapshot is not self.view.snapshot:
            self.view = View(snapshot)
        return case.judged(self.view, self.now)

    def _take(self, step: Step, case: Case) -> None:
        if len(self.steps) == self.bounds.steps:
            raise _Exhausted(f"the path would have more than {self.bounds.steps} steps")
        # A step that is taken again, with another value, comes after what it was changed for.
        same = self.steps.pop(step.identity, None)
        unlocks = dict.fromkeys((*(same.unlocks if same else ()), *step.unlocks))
        self.steps[step.identity] = replace(step, unlocks=tuple(unlocks))
        if "fact" in step.target:
            key = fact_key(step.target["fact"], tuple(step.target["tags"]))
            self.wanted.setdefault(key, []).append(case)
        if "recordClass" in step.target:
            key = (f"retention.{step.target['recordClass']}", ())
            self.wanted.setdefault(key, []).append(case)
        self.snapshot = step.change.applied(self.snapshot)

    def _credit(self, case: Case, judgement: Judgement) -> None:
        """Add a check that earlier steps met along the way to what they unlock."""
        for identity, step in self.steps.items():
            if case.requirement.key not in step.unlocks and _serves(step, case, judgement):
                unlocks = (*step.unlocks, case.requirement.key)
                self.steps[identity] = replace(step, unlocks=unlocks)

    def _answer(self, cases: list[Case], advised: list[Case]) -> list[Blocker]:
        """Answer the facts for which conditions wait, the one first for which most do."""
        blockers: list[Blocker] = []
        done: set[FactKey] = set()
        undecided = {case: self._judge(case, self.snapshot).undecided for case in cases}
        while True:
            waiting: dict[FactKey, list[Case]] = {}
            for case, paths in undecided.items():
                for path in paths:
                    waiting.setdefault(fact_key(path, case.tags), []).append(case)
            open_keys = [key for key in waiting if key not in done]
            if not open_keys:
                return blockers
            key = min(open_keys, key=lambda one: (-len(waiting[one]), one))
            done.add(key)
            if key[0] == _CLASSIFICATION:
                blockers += self._classify(key[1], cases)
            else:
                value = self._best_answer(key, [*cases, *advised])
                self._take_answer(key, value, cases)
            for case in cases:
                if key[0] in case.named:
                    undecided[case] = self._judge(case, self.snapshot).undecided

    def _classify(self, tags: tuple[str, ...], cases: list[Case]) -> list[Blocker]:
        """Take over what the record already says the token is; a guess would decide the law."""
        value = self._clue()
        if value is None:
            codes = ", ".join(tags)
            reason = f"what the token legally is in {codes} is not recorded, and nothing says it"
            return [Blocker(_CLASSIFIED, codes, reason)]
        self._take_answer((_CLASSIFICATION, tags), value, cases, also=(_CLASSIFIED,))
        return []

    def _clue(self) -> str | None:
        recorded = {tag.classification for tag in tags_in_use(self.recorded.tags)} - {None}
        if len(recorded) == 1:
            return recorded.pop()
        text = self.recorded.facts.get("metadata.assetType")
        said = text.casefold() if isinstance(text, str) else ""
        found = {value for word, value in _CLUES.items() if word in said}
        return found.pop() if len(found) == 1 else None

    def _take_answer(
        self, key: FactKey, value: Any, cases: list[Case], also: tuple[str, ...] = ()
    ) -> None:
        waited = [one.requirement.key for one in _with_tags(cases, key[1]) if key[0] in one.named]
        step = Step(
            StepKind.RECORD_FACT,
            fact_target(key, list(value) if isinstance(value, tuple) else value, _ANSWER_RULE),
            (ISSUER, OFFICER),
            tuple(dict.fromkeys((*also, *waited))),
            fact_change(key, value),
        )
        self.steps.setdefault(step.identity, step)
        self.snapshot = step.change.applied(self.snapshot)

    def _best_answer(self, key: FactKey, cases: list[Case]) -> Any:
        """The answer under which the fewest of the rules that wait for it are left unmet."""
        about = [
            case
            for case in _with_tags(cases, key[1])
            if key[0] in case.named or case.requirement.params.get("field") == key[0]
        ]
        asked = [
            value
            for case in about
            if case.requirement.params.get("field") == key[0]
            for value in case.requirement.params.get("values", ())
        ]
        named = compared_with([case.condition for case in about], key[0])
        candidates = answers(
            key[0], list(dict.fromkeys([*named, *asked])), self.catalogue, self.now
        )

        best, fewest = candidates[0], len(about) + 1
        for value in candidates:
            there = fact_change(key, value).applied(self.snapshot)
            unmet = 0
            for case in about:
                unmet += case.stands_in_the_way(self._judge(case, there))
                if unmet >= fewest:
                    break
            if unmet < fewest:
                best, fewest = value, unmet
            if not fewest:
                break
        return best


def _with_tags(cases: Iterable[Case], tags: tuple[str, ...]) -> list[Case]:
    """The cases that one of the tags brings; all of them where no tags are given."""
    return [case for case in cases if not tags or set(tags) & set(case.tags)]


def _blocker(result: CheckResult, reason: str) -> Blocker:
    return Blocker(result.key, result.jurisdiction, reason)


def _serves(step: Step, case: Case, judgement: Judgement) -> bool:
    """Whether the step is what the met check rests on."""
    change, seen = step.change, {one.reference for one in judgement.outcome.evidence}
    fact = step.target.get("fact")
    return bool(
        fact in seen
        or (fact in case.named and bool(_with_tags([case], tuple(step.target["tags"]))))
        or seen & {one.id for one in change.attestations}
        or (change.enforcement and "enforcement" in seen)
        or seen & set(change.retention)
        or seen & set(change.events)
    )
