"""Checks that evidence exists: on the token or its issuer, or on every holder."""

from __future__ import annotations

from jurisdictions.engine.checks.evidence import (
    EVIDENCE_PARAMS,
    EvidenceTerms,
    attestation_evidence,
    expiry_warnings,
    in_words,
    nearest,
)
from jurisdictions.engine.checks.registry import (
    POSITIVE,
    RATIO,
    WHEN_EMPTY,
    CheckContext,
    Params,
    empty_population,
    failed,
    passed,
    reaches,
    register,
    some_of,
    texts,
    undecided,
)
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict
from jurisdictions.engine.snapshot import AttestationFact


@register(
    "attestation_present",
    purpose="evidence exists on the token or its issuer",
    params={
        "types": texts(),
        "subject": {"enum": ["token", "issuer", "wallet", "any"]},
        "minCount": POSITIVE,
        **EVIDENCE_PARAMS,
    },
    required=("types",),
    default_on_missing=Verdict.FAIL,
)
def attestation_present(params: Params, context: CheckContext) -> Outcome:
    """Pass where `minCount` attestations count, of as many different types as are asked for.

    Two recovery plans are not a recovery and a redemption plan: where several types are named and
    `minCount` is above 1, the attestations must be of different types as far as there are types.
    """
    types, subject = params["types"], params.get("subject", "any")
    candidates = [
        one
        for one in context.snapshot.attestations_of(types)
        if subject in ("any", one.subject_type)
    ]
    names = " or ".join(types)
    if not candidates:
        where = "" if subject == "any" else f" on the {subject}"
        reason = f"there is no {names} attestation{where}"
        return context.without_data(ReasonCode.EVIDENCE_MISSING, reason)

    terms = EvidenceTerms.of(params)
    wanted = params.get("minCount", 1)
    counting: list[AttestationFact] = []
    shortcomings: list[ReasonCode] = []
    for candidate in terms.longest_first(candidates):
        shortcoming = terms.shortcoming(candidate, context.clock)
        if shortcoming is not None:
            shortcomings.append(shortcoming)
            continue
        counting.append(candidate)
        if _enough(counting, wanted, len(types)):
            reason = f"{len(counting)} {names} attestation{'s' * (len(counting) > 1)} on file"
            warnings = expiry_warnings(counting, terms, context.clock)
            return passed(reason, attestation_evidence(counting), warnings)

    if counting:
        reason = f"{len(counting)} of {wanted} {names} attestations count"
        return failed(ReasonCode.EVIDENCE_INSUFFICIENT, reason, attestation_evidence(counting))
    code = nearest(shortcomings)
    reason = f"the {names} attestation {in_words(code)}"
    return failed(code, reason, attestation_evidence(candidates))


def _enough(counting: list[AttestationFact], wanted: int, type_count: int) -> bool:
    different = len({one.attestation_type for one in counting})
    return len(counting) >= wanted and different >= min(wanted, type_count)


@register(
    "attestation_coverage",
    purpose="every member of a population holds evidence",
    params={
        "types": texts(),
        "population": {"enum": ["active_whitelist_entries", "holders"]},
        "minRatio": RATIO,
        "whenEmpty": WHEN_EMPTY,
        **EVIDENCE_PARAMS,
    },
    required=("types", "population"),
    default_on_missing=Verdict.FAIL,
)
def attestation_coverage(params: Params, context: CheckContext) -> Outcome:
    """Pass where at least `minRatio` of the population holds evidence that counts.

    Where everybody who lacks it lacks it for the same reason, that reason is the reason code.
    """
    population = params["population"]
    members = _members(population, context)
    if members is None:
        reason = f"the population {population} cannot be enumerated"
        return undecided(ReasonCode.POPULATION_UNAVAILABLE, reason)
    if not members:
        return empty_population(params.get("whenEmpty", "unknown"), population)

    by_wallet: dict[str, list[AttestationFact]] = {}
    for attestation in context.snapshot.attestations_of(params["types"]):
        if attestation.subject_type == "wallet":
            by_wallet.setdefault(attestation.subject, []).append(attestation)
    terms = EvidenceTerms.of(params)
    counting: list[AttestationFact] = []
    uncovered: dict[str, ReasonCode] = {}
    for member in members:
        found = _first_counting(by_wallet.get(member, []), terms, context)
        if isinstance(found, AttestationFact):
            counting.append(found)
        else:
            uncovered[member] = found

    names = " or ".join(params["types"])
    reason = f"{len(counting)} of {len(members)} hold {names} evidence that counts"
    evidence = (Evidence("population", population, len(members)), *attestation_evidence(counting))
    if reaches(len(counting), params.get("minRatio", 1), len(members)):
        return passed(reason, evidence, expiry_warnings(counting, terms, context.clock))
    reason = f"{reason}; without: {some_of(list(uncovered))}"
    if not counting and set(uncovered.values()) == {ReasonCode.EVIDENCE_MISSING}:
        return context.without_data(ReasonCode.EVIDENCE_MISSING, reason)
    causes = set(uncovered.values())
    code = causes.pop() if len(causes) == 1 else ReasonCode.COVERAGE_INSUFFICIENT
    return failed(code, reason, evidence)


def _members(population: str, context: CheckContext) -> list[str] | None:
    if population == "holders":
        holders = context.snapshot.holders
        return None if holders is None else sorted(set(holders))
    return list(dict.fromkeys(one.address for one in context.snapshot.whitelist.active))


def _first_counting(
    candidates: list[AttestationFact], terms: EvidenceTerms, context: CheckContext
) -> AttestationFact | ReasonCode:
    if not candidates:
        return ReasonCode.EVIDENCE_MISSING
    shortcomings = []
    for candidate in terms.longest_first(candidates):
        shortcoming = terms.shortcoming(candidate, context.clock)
        if shortcoming is None:
            return candidate
        shortcomings.append(shortcoming)
    return nearest(shortcomings)
