"""A check that is not met, and what a remedy may ask while it looks for a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jurisdictions.engine.path.cases import Case, Judgement
from jurisdictions.engine.path.steps import Change, Step, StepKind
from jurisdictions.engine.snapshot import Snapshot

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue


class NoRemedy(Exception):
    """No step is known that would meet the check; the text says why."""


@dataclass(frozen=True)
class Problem:
    """One case that stands in the way, over the snapshot with the steps found so far.

    `recorded` is the snapshot as it really is. `wanted` holds, for each fact that a step records,
    the cases that a value of it must satisfy. `judge` judges a case over a snapshot and counts.
    """

    case: Case
    judgement: Judgement
    snapshot: Snapshot
    recorded: Snapshot
    now: datetime
    catalogue: FactCatalogue
    judge: Callable[[Case, Snapshot], Judgement]
    wanted: Mapping[tuple[str, tuple[str, ...]], Sequence[Case]] = field(default_factory=dict)

    @property
    def params(self) -> Mapping[str, Any]:
        """The params of the check."""
        return self.case.requirement.params

    def solved_by(self, change: Change) -> bool:
        """Whether the case is met once the change is made."""
        return self.holds(self.case, change.applied(self.snapshot))

    def holds(self, case: Case, snapshot: Snapshot) -> bool:
        """Whether a case does not stand in the way over that snapshot."""
        return not case.stands_in_the_way(self.judge(case, snapshot))

    def step(
        self, kind: StepKind, target: Mapping[str, Any], by: tuple[str, ...], change: Change
    ) -> Step:
        """A step that the case asks for."""
        return Step(kind, target, by, (self.case.requirement.key,), change)

    def tried(
        self, kind: StepKind, target: Mapping[str, Any], by: tuple[str, ...], change: Change
    ) -> list[Step]:
        """The step, if it really meets the check; otherwise `NoRemedy`."""
        if not self.solved_by(change):
            raise NoRemedy(self.judgement.outcome.reason)
        return [self.step(kind, target, by, change)]
