"""Check kinds by name: the function that judges, and the schema of its params."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema import Draft202012Validator, ValidationError

from jurisdictions.engine.clock import Clock
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict, WarningCode
from jurisdictions.engine.snapshot import Snapshot
from jurisdictions.engine.values import FactValue, is_recorded

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

Params: TypeAlias = Mapping[str, Any]

# A report names at most this many subjects or attestations of a check, and counts the rest.
EVIDENCE_LIMIT = 20


@dataclass(frozen=True)
class CheckContext:
    """What a check sees: the snapshot, the facts of the tag in question, and the clock.

    `on_missing` is the verdict when the data that the check inspects is absent.
    """

    requirement_key: str
    snapshot: Snapshot
    facts: Mapping[str, FactValue]
    on_missing: Verdict
    clock: Clock

    def fact(self, path: str) -> FactValue:
        """The recorded value, else the catalogue's assumption, else None."""
        value = self.facts.get(path)
        return value if is_recorded(value) else self.snapshot.assumed.get(path)

    def fact_evidence(self, *paths: str) -> tuple[Evidence, ...]:
        """The facts as evidence; an assumed value says that it is one."""
        return tuple(
            Evidence(
                type="fact" if is_recorded(self.facts.get(path)) else "assumption",
                reference=path,
                value=self.fact(path),
            )
            for path in paths
            if is_recorded(self.fact(path))
        )

    def without_data(
        self, reason_code: ReasonCode, reason: str, missing_facts: tuple[str, ...] = ()
    ) -> Outcome:
        """The answer where the data the check inspects is absent."""
        return Outcome(self.on_missing, reason_code, reason, missing_facts=missing_facts)


def passed(
    reason: str,
    evidence: tuple[Evidence, ...] = (),
    warnings: tuple[WarningCode, ...] = (),
    reason_code: ReasonCode = ReasonCode.SATISFIED,
) -> Outcome:
    """The answer that the data shows the requirement met."""
    return Outcome(Verdict.PASS, reason_code, reason, evidence, warnings=warnings)


def failed(
    reason_code: ReasonCode,
    reason: str,
    evidence: tuple[Evidence, ...] = (),
    warnings: tuple[WarningCode, ...] = (),
    missing_facts: tuple[str, ...] = (),
) -> Outcome:
    """The answer that the data shows the requirement not met."""
    return Outcome(Verdict.FAIL, reason_code, reason, evidence, missing_facts, warnings)


def undecided(
    reason_code: ReasonCode,
    reason: str,
    evidence: tuple[Evidence, ...] = (),
    missing_facts: tuple[str, ...] = (),
) -> Outcome:
    """The answer that nobody can tell, whatever `on_missing` says."""
    return Outcome(Verdict.UNKNOWN, reason_code, reason, evidence, missing_facts)


Run: TypeAlias = Callable[[Params, CheckContext], Outcome]
ParamProblems: TypeAlias = Callable[[Params, "FactCatalogue"], list[str]]


@dataclass(frozen=True)
class CheckKind:
    """A way of checking: `default_on_missing` is its verdict without data (design section 4)."""

    name: str
    purpose: str
    params_schema: Mapping[str, Any]
    default_on_missing: Verdict
    run: Run
    param_problems: ParamProblems


_KINDS: dict[str, CheckKind] = {}


def _no_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    return []


def register(
    name: str,
    *,
    purpose: str,
    params: Mapping[str, Any],
    required: tuple[str, ...] = (),
    default_on_missing: Verdict,
    param_problems: ParamProblems = _no_problems,
) -> Callable[[Run], Run]:
    """Register the decorated function as the check kind `name`.

    `params` maps each param to its JSON Schema; `param_problems` adds what a schema cannot say.
    """

    def add(run: Run) -> Run:
        if name in _KINDS:
            raise ValueError(f"the check kind {name} is registered twice")
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": dict(params),
            "required": list(required),
            "additionalProperties": False,
        }
        _KINDS[name] = CheckKind(name, purpose, schema, default_on_missing, run, param_problems)
        return run

    return add


def check_kind(name: str) -> CheckKind | None:
    """The check kind of that name, or None where there is none."""
    return _KINDS.get(name)


def check_kind_names() -> tuple[str, ...]:
    """The names of all check kinds, in order."""
    return tuple(sorted(_KINDS))


def validate_params(kind: str, params: object, catalogue: FactCatalogue) -> list[str]:
    """What is wrong with a requirement's params: their form, an unknown fact, a wrong type."""
    known = check_kind(kind)
    if known is None:
        return [f"there is no check kind {kind}"]
    problems = schema_problems(params, known.params_schema)
    if problems or not isinstance(params, Mapping):
        return problems
    return known.param_problems(params, catalogue)


def schema_problems(document: object, schema: Mapping[str, Any]) -> list[str]:
    """What violates the JSON Schema, each with the place where."""
    return [f"{place}: {error.message}" for place, error in schema_errors(document, schema)]


def schema_errors(
    document: object, schema: Mapping[str, Any]
) -> Iterator[tuple[str, ValidationError]]:
    """The violations of the JSON Schema with their places, ordered by place."""
    for error in sorted(
        Draft202012Validator(schema).iter_errors(document), key=lambda e: e.json_path
    ):
        yield error.json_path.removeprefix("$."), error


def fact_problems(catalogue: FactCatalogue, path: str, *types: str) -> list[str]:
    """What speaks against reading the fact in a check that needs one of the types."""
    definition = catalogue.get(path)
    if definition is None:
        return [f"there is no fact {path}"]
    if types and definition.type not in types:
        return [f"{path} is of type {definition.type}; this check needs {' or '.join(types)}"]
    return []


FACT_PATH = {"type": "string", "pattern": r"^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)+$"}
POSITIVE = {"type": "integer", "minimum": 1, "maximum": 36_525}
RATIO = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
WHEN_EMPTY = {"enum": ["pass", "unknown", "not_applicable"]}


def texts(*, choices: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The schema of a list of at least one text, or of some choices."""
    items: dict[str, Any] = (
        {"enum": list(choices)} if choices else {"type": "string", "minLength": 1}
    )
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


def reaches(count: int, ratio: float, total: int) -> bool:
    """Whether the count is at least the ratio of the total, without the error of binary floats."""
    return count >= Decimal(str(ratio)) * total


def empty_population(when_empty: str, population: str) -> Outcome:
    """The answer where there is nobody to check, as the requirement's `whenEmpty` says."""
    reason = f"{population} has no members"
    code = ReasonCode.POPULATION_EMPTY
    if when_empty == "pass":
        return passed(reason, reason_code=code)
    if when_empty == "not_applicable":
        return Outcome(Verdict.NOT_APPLICABLE, code, reason)
    return undecided(code, reason)


def some_of(names: list[str]) -> str:
    """The first names and how many more there are."""
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
