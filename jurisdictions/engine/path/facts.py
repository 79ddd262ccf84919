"""Steps that record a fact: what a check accepts, and the answer that a condition waits for."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

from jurisdictions.engine.packs import Requirement
from jurisdictions.engine.path.cases import Case
from jurisdictions.engine.path.problems import NoRemedy, Problem
from jurisdictions.engine.path.steps import ISSUER, OFFICER, TAG_FIELDS, Change, Step, StepKind
from jurisdictions.engine.path.values import accepted, references, rule_in_words
from jurisdictions.engine.values import is_recorded

_TRIES = 400
FactKey = tuple[str, tuple[str, ...]]


def fact_key(path: str, tags: tuple[str, ...]) -> FactKey:
    """What names a fact: its path, and for a fact of a tag the tags."""
    return path, tags if path.startswith("tag.") else ()


def fact_change(key: FactKey, value: Any) -> Change:
    """The change that records the value."""
    path, tags = key
    if path.startswith("tag."):
        return Change(tag_codes=tags, tag_fields={TAG_FIELDS[path]: value})
    return Change(facts={path: value})


def fact_target(key: FactKey, value: Any, rule: str) -> dict[str, Any]:
    """What the step says: which fact, on which tags, its value (None: free) and its rule."""
    path, tags = key
    return {"fact": path, "tags": list(tags), "value": value, "rule": rule}


def record_facts(problem: Problem) -> list[Step]:
    """Record or change the facts that the check reads, to values that it accepts.

    A value must also satisfy the checks for which an earlier step records the same fact. What
    happened and what the token legally is stay as they are recorded.
    """
    reason = None
    for paths in _choices_of_paths(problem):
        reason = _locked(paths, problem)
        if reason is None and (steps := _first_that_fits(paths, problem)):
            return steps
    raise NoRemedy(reason or problem.judgement.outcome.reason)


def _choices_of_paths(problem: Problem) -> list[tuple[str, ...]]:
    """The facts to record together, the fewest first."""
    params, facts = problem.params, problem.judgement.facts
    if "anyOf" in params:
        return [(path,) for path in params["anyOf"]]
    known = {**problem.snapshot.assumed, **facts}
    absent = tuple(
        path for path in references(problem.case.requirement) if not is_recorded(known.get(path))
    )
    own = (params["field"],) if "field" in params else ()
    alone = [absent] if absent and (not own or is_recorded(facts.get(own[0]))) else []
    return [*alone, (*absent, *own)] if own else alone


def _locked(paths: tuple[str, ...], problem: Problem) -> str | None:
    """Why one of the facts cannot be changed, or None where all can."""
    for path in paths:
        recorded = problem.judgement.facts.get(path)
        if not is_recorded(recorded) or _set_by_us(path, problem):
            continue
        if path.startswith("tag."):
            return f"{path} is recorded as {recorded}, which no step may alter"
        if problem.case.requirement.check_kind == "date_within" and not _renewable(
            path, problem.case.requirement
        ):
            return f"{problem.judgement.outcome.reason}: what happened cannot be undone"
    return None


def _set_by_us(path: str, problem: Problem) -> bool:
    if not path.startswith("tag."):
        return not is_recorded(problem.recorded.facts.get(path))
    codes = set(problem.case.tags)
    return any(
        not getattr(tag, TAG_FIELDS.get(path, "jurisdiction"))
        for tag in problem.recorded.tags
        if tag.jurisdiction in codes
    )


def _renewable(path: str, requirement: Requirement) -> bool:
    """Whether the date can come again: a review or a verification can, a first sale cannot."""
    params = requirement.params
    against_now = "now" in (params.get("notBefore"), params.get("notAfter"))
    word = path.rpartition(".")[2]
    return against_now or "maxAgeDays" in params or word.startswith(("last", "next"))


def _first_that_fits(paths: tuple[str, ...], problem: Problem) -> list[Step]:
    keys = [fact_key(path, problem.case.tags) for path in paths]
    cases = {key: (*problem.wanted.get(key, ()), problem.case) for key in keys}
    facts = problem.judgement.facts
    values = [
        [
            value
            for case in cases[key]
            for value in accepted(case.requirement, key[0], facts, problem.catalogue, problem.now)
        ]
        for key in keys
    ]
    # The value of one fact can depend on that of another: a deadline counts from a date.
    for chosen in islice(product(*values), _TRIES):
        snapshot = problem.snapshot
        for key, value in zip(keys, chosen, strict=True):
            snapshot = fact_change(key, value).applied(snapshot)
        if all(problem.holds(case, snapshot) for key in keys for case in cases[key]):
            return [
                _step(key, value, cases[key], problem)
                for key, value in zip(keys, chosen, strict=True)
            ]
    return []


def _step(key: FactKey, value: Any, cases: tuple[Case, ...], problem: Problem) -> Step:
    path = key[0]
    rules = dict.fromkeys(
        rule_in_words(case.requirement)
        if path in _own_paths(case)
        else f"as it is; {case.requirement.params.get('field', 'the check')} is measured by it"
        for case in cases
    )
    free = not any(path in _own_paths(case) and _fixed(case) for case in cases)
    new = not is_recorded(problem.judgement.facts.get(path)) or _set_by_us(path, problem)
    return problem.step(
        StepKind.RECORD_FACT if new else StepKind.CHANGE_FACT,
        fact_target(key, None if free else value, "; ".join(rules)),
        (ISSUER, OFFICER),
        fact_change(key, value),
    )


def _own_paths(case: Case) -> tuple[str, ...]:
    params = case.requirement.params
    return tuple(params.get("anyOf", ())) or (params.get("field", ""),)


def _fixed(case: Case) -> bool:
    """Whether the check asks for a certain value, rather than for any that has some form."""
    return case.requirement.check_kind in ("field_in", "number_within")
