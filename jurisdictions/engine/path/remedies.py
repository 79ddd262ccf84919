"""What would meet a check that is not met, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from jurisdictions.engine.checks.reviews import REVIEW_TYPE, SATISFIED
from jurisdictions.engine.path.facts import fact_target, record_facts
from jurisdictions.engine.path.problems import NoRemedy, Problem
from jurisdictions.engine.path.steps import ISSUER, OFFICER, OPERATOR, Change, Step, StepKind
from jurisdictions.engine.results import ReasonCode
from jurisdictions.engine.selection import tags_in_use
from jurisdictions.engine.snapshot import AttestationFact, AuditEventFact, WhitelistEntryFact

# A step names at most this many wallets and counts the rest.
SHOWN = 20
_MANY = 2_000
_NEW_HOLDER = "(a new holder)"
COUNTRY = "issuer.country"
_CODES = ("DE", "SG", "CH", "US")

Remedy = Callable[[Problem], list[Step]]


def remedy(problem: Problem) -> list[Step]:
    """The steps that meet the check; `NoRemedy` with the reason where none are known."""
    found = _REMEDIES.get(problem.case.requirement.check_kind)
    if found is None:
        raise NoRemedy(problem.judgement.outcome.reason)
    return found(problem)


def _attested(
    problem: Problem, kind: str, subject_type: str, subject: str, attributes: dict[str, Any]
) -> AttestationFact:
    name = ":".join(["step", kind, subject_type, subject, repr(sorted(attributes.items()))])
    return AttestationFact(
        id=name,
        subject_type=subject_type,
        subject=subject,
        attestation_type=kind,
        status="Verified",
        created_by_id="(the provider)",
        verified_by_id="(a compliance officer)",
        issued_at=problem.now,
        attributes={
            key: value[0] if isinstance(value, list | tuple) else value
            for key, value in attributes.items()
        },
    )


def _attestation_present(problem: Problem) -> list[Step]:
    params = problem.params
    types, subject = list(params["types"]), params.get("subject", "any")
    if steps := _verification(problem, set(types), subject):
        return steps
    held = params.get("minCount", 1)
    where = "token" if subject == "any" else subject
    attributes = dict(params.get("attributes", {}))
    # Different types first; above their number the last of them again.
    made = [types[min(index, len(types) - 1)] for index in range(held)]
    new = tuple(
        replace(
            _attested(problem, kind, where, "", attributes),
            id=f"step:{kind}:{where}:{sorted(attributes.items())!r}:{index}",
        )
        for index, kind in enumerate(made)
    )
    target = _attestation_target(params, types, subject, held)
    by = (ISSUER, OFFICER)
    return problem.tried(StepKind.PROVIDE_ATTESTATION, target, by, Change(attestations=new))


def _attestation_target(
    params: Any, types: list[str], subject: str, count: int, **more: Any
) -> dict[str, Any]:
    return {
        "types": types,
        "subject": subject,
        "count": count,
        "attributes": dict(params.get("attributes", {})),
        "maxAgeDays": params.get("maxAgeDays"),
        **more,
    }


def _verification(problem: Problem, types: set[str], subject: str) -> list[Step]:
    """The verification of an attestation on file, where that is all that is missing."""
    for one in sorted(problem.snapshot.attestations, key=lambda a: a.id):
        pending = one.status == "Pending" and one.attestation_type in types
        if not pending or subject not in ("any", one.subject_type):
            continue
        verified = replace(one, status="Verified", verified_by_id="(a compliance officer)")
        change = Change(attestations=(verified,))
        if problem.solved_by(change):
            target = {"attestationId": one.id, "types": [one.attestation_type]}
            return [problem.step(StepKind.VERIFY_ATTESTATION, target, (OFFICER,), change)]
    return []


def _attestation_coverage(problem: Problem) -> list[Step]:
    params, outcome = problem.params, problem.judgement.outcome
    if outcome.reason_code == ReasonCode.POPULATION_UNAVAILABLE:
        raise NoRemedy(outcome.reason)
    if outcome.reason_code == ReasonCode.POPULATION_EMPTY:
        return _add_entry(problem, holds=list(params["types"]))
    wallets = _members(problem)
    if len(wallets) > _MANY:
        raise NoRemedy(f"more than {_MANY} wallets would each need evidence")
    kind, attributes = params["types"][0], dict(params.get("attributes", {}))
    new = [_attested(problem, kind, "wallet", one, attributes) for one in wallets]
    # Only who lacks it: one wallet's evidence is tried by itself.
    lacking = _lacking(problem, wallets, new)
    target = _attestation_target(
        params, list(params["types"]), "wallet", len(lacking), **_some(lacking)
    )
    kept = tuple(one for one in new if one.subject in lacking)
    return problem.tried(
        StepKind.PROVIDE_ATTESTATION, target, (ISSUER, OFFICER), Change(attestations=kept)
    )


def _members(problem: Problem) -> list[str]:
    if problem.params["population"] == "holders":
        return sorted(set(problem.snapshot.holders or ()))
    return sorted({one.address for one in problem.snapshot.whitelist.entries})


def _lacking(problem: Problem, wallets: list[str], new: list[AttestationFact]) -> set[str]:
    """The wallets without evidence that counts, each judged as if it were the only one."""
    lacking = set()
    snapshot = problem.snapshot
    entries = {one.address: one for one in snapshot.whitelist.entries}
    held: dict[str, list[AttestationFact]] = {}
    for one in snapshot.attestations_of(problem.params["types"]):
        held.setdefault(one.subject, []).append(one)
    without: bool | None = None  # what holds of one wallet without evidence holds of all
    for wallet in wallets:
        evidence = tuple(held.get(wallet, ()))
        if not evidence and without is not None:
            if not without:
                lacking.add(wallet)
            continue
        alone = replace(
            snapshot,
            attestations=evidence,
            whitelist=replace(
                snapshot.whitelist, entries=(entries[wallet],) if wallet in entries else ()
            ),
            holders=(wallet,),
        )
        holds = problem.holds(problem.case, alone)
        if not evidence:
            without = holds
        if not holds:
            lacking.add(wallet)
    return lacking


def _some(addresses: Iterable[str]) -> dict[str, Any]:
    named = sorted(addresses)
    return {"addresses": named[:SHOWN], "addressCount": len(named)}


def _add_entry(problem: Problem, holds: list[str] | None = None) -> list[Step]:
    """A first holder on the whitelist, with the evidence that the check asks of holders."""
    tagged = [tag.jurisdiction[:2] for tag in tags_in_use(problem.snapshot.tags)]
    for code in dict.fromkeys([*(one for one in tagged if one not in ("EU", "GL")), *_CODES]):
        entry = WhitelistEntryFact(_NEW_HOLDER, True, problem.now, jurisdiction=code)
        change = Change(entries=(entry,))
        target = {"jurisdiction": code, "kycVerified": True}
        step = problem.step(StepKind.ADD_WHITELIST_ENTRY, target, (ISSUER, OFFICER), change)
        if problem.solved_by(change):
            return [step]
        if holds:
            there = replace(problem, snapshot=change.applied(problem.snapshot))
            there = replace(there, judgement=there.judge(there.case, there.snapshot))
            if there.judgement.outcome.reason_code != ReasonCode.POPULATION_EMPTY:
                return [step, *_attestation_coverage(there)]
    raise NoRemedy(problem.judgement.outcome.reason)


def _whitelist_enforced(problem: Problem) -> list[Step]:
    if problem.judgement.outcome.reason_code == ReasonCode.WHITELIST_EMPTY:
        return _add_entry(problem)
    enforcement = problem.params["enforcement"][0]
    change = Change(enforcement=enforcement)
    target = {"enforcement": enforcement}
    step = problem.step(StepKind.SET_WHITELIST_POLICY, target, (ISSUER, OFFICER), change)
    if problem.solved_by(change):
        return [step]
    there = replace(problem, snapshot=change.applied(problem.snapshot))
    return [step, *_add_entry(there)]


def _whitelist_entries(problem: Problem) -> list[Step]:
    if problem.judgement.outcome.reason_code == ReasonCode.POPULATION_EMPTY:
        return _add_entry(problem)
    params = problem.params
    excluded = set(params.get("excludeJurisdictions", ()))
    if "US_PERSON" in params.get("excludePersons", ()):
        excluded.add("US")
    demands = [*params.get("require", ())]
    demands += ["kycDatePresent"] if "maxKycAgeDays" in params else []
    demands += ["jurisdictionPresent"] if excluded else []
    return _mend(problem, excluded, demands)


def _mend(problem: Problem, excluded: set[str], demands: list[str]) -> list[Step]:
    """Remove the entries of excluded places and correct what the others lack."""
    removed, corrected = set[str](), list[WhitelistEntryFact]()
    home = next((code for code in _CODES if code not in excluded), "DE")
    for entry in problem.snapshot.whitelist.entries:
        code = (entry.jurisdiction or "").strip().upper()
        if {code, code.split("-")[0]} & excluded:
            removed.add(entry.address)
            continue
        if entry.status != "Active":
            continue
        mended = replace(
            entry,
            kyc_verified=entry.kyc_verified or "kycVerified" in demands,
            kyc_verified_at=problem.now if "kycDatePresent" in demands else entry.kyc_verified_at,
            expires_at=None if _ended(entry, problem, demands) else entry.expires_at,
            jurisdiction=entry.jurisdiction or (home if "jurisdictionPresent" in demands else None),
        )
        if mended != entry:
            corrected.append(mended)
    steps = []
    by = (ISSUER, OFFICER)
    change = Change(removed=frozenset(removed), entries=tuple(corrected))
    if not problem.solved_by(change):
        raise NoRemedy(problem.judgement.outcome.reason)
    if removed:
        target = {**_some(removed), "jurisdictions": sorted(excluded)}
        only = Change(removed=frozenset(removed))
        steps.append(problem.step(StepKind.REMOVE_WHITELIST_ENTRIES, target, by, only))
    if corrected:
        target = {**_some(one.address for one in corrected), "demands": demands}
        only = Change(entries=tuple(corrected))
        steps.append(problem.step(StepKind.CORRECT_WHITELIST_ENTRIES, target, by, only))
    return steps


def _ended(entry: WhitelistEntryFact, problem: Problem, demands: list[str]) -> bool:
    expires = entry.expires_at
    return "notExpired" in demands and expires is not None and expires <= problem.now


def _list_screening(problem: Problem) -> list[Step]:
    params, outcome = problem.params, problem.judgement.outcome
    if outcome.reason_code == ReasonCode.LIST_MISSING:
        raise NoRemedy(outcome.reason)
    listed = set(problem.snapshot.lists[params["list"]].codes)
    steps: list[Step] = []
    if outcome.missing_facts:
        code = next(one for one in _CODES if one not in listed)
        change = Change(facts={COUNTRY: code})
        target = fact_target((COUNTRY, ()), None, f"not on the list {params['list']}")
        steps = [problem.step(StepKind.RECORD_FACT, target, (ISSUER, OFFICER), change)]
        if problem.solved_by(change):
            return steps
        problem = replace(problem, snapshot=change.applied(problem.snapshot))
    if "whitelist_jurisdictions" not in params["subjects"]:
        raise NoRemedy(outcome.reason)
    return [*steps, *_mend(problem, listed, ["jurisdictionPresent"])]


def _audit_event(problem: Problem) -> list[Step]:
    if problem.judgement.outcome.missing_facts:
        return record_facts(problem)
    name, count = problem.params["eventType"], problem.params.get("minCount", 1)
    change = Change(events={name: AuditEventFact(count, problem.now)})
    target = {"event": name, "count": count}
    return problem.tried(StepKind.RECORD_EVENT, target, (ISSUER, OFFICER), change)


def _audit_trail(problem: Problem) -> list[Step]:
    outcome, audit = problem.judgement.outcome, problem.snapshot.audit
    if outcome.reason_code == ReasonCode.AUDIT_CHAIN_BROKEN:
        raise NoRemedy(outcome.reason)
    if outcome.missing_facts:
        return record_facts(problem)
    if outcome.reason_code == ReasonCode.VERIFICATION_NOT_RUN:
        change = Change(chain_verified=True)
        return problem.tried(StepKind.VERIFY_AUDIT_TRAIL, {}, (OPERATOR,), change)
    return [
        problem.step(
            StepKind.RECORD_EVENT,
            {"event": name, "count": 1},
            (ISSUER, OFFICER),
            Change(events={name: AuditEventFact(1, problem.now)}),
        )
        for name in problem.params["requiredEventTypes"]
        if name in outcome.reason or name not in audit.events
    ]


def _retention(problem: Problem) -> list[Step]:
    name = problem.params["recordClass"]
    known = [
        case for case in problem.wanted.get((f"retention.{name}", ()), ()) if case != problem.case
    ]
    years = max(float(case.requirement.params["minYears"]) for case in (*known, problem.case))
    change = Change(retention={name: years})
    target = {"recordClass": name, "years": str(years).removesuffix(".0")}
    if not all(problem.holds(case, change.applied(problem.snapshot)) for case in known):
        raise NoRemedy(f"{name}: no period satisfies every rule that applies")
    return problem.tried(StepKind.SET_RETENTION_PERIOD, target, (OPERATOR,), change)


def _deployment(problem: Problem) -> list[Step]:
    states = list(problem.params["states"])
    change = Change(deployment=states[0])
    return problem.tried(StepKind.COMPLETE_DEPLOYMENT, {"states": states}, (ISSUER,), change)


def _manual_review(problem: Problem) -> list[Step]:
    key = problem.case.requirement.key
    attributes = {"requirementKey": key, "outcome": SATISFIED}
    target = _attestation_target({"attributes": attributes}, [REVIEW_TYPE], "token", 1)
    target["question"] = problem.params["question"]
    change = Change(attestations=(_attested(problem, REVIEW_TYPE, "token", "", attributes),))
    return problem.tried(StepKind.PROVIDE_ATTESTATION, target, (OFFICER,), change)


_REMEDIES: dict[str, Remedy] = {
    "field_present": record_facts,
    "field_in": record_facts,
    "number_within": record_facts,
    "date_within": record_facts,
    "attestation_present": _attestation_present,
    "attestation_coverage": _attestation_coverage,
    "whitelist_enforced": _whitelist_enforced,
    "whitelist_entries_valid": _whitelist_entries,
    "list_screening": _list_screening,
    "audit_event_present": _audit_event,
    "audit_trail_complete": _audit_trail,
    "retention_at_least": _retention,
    "deployment_completed": _deployment,
    "manual_review": _manual_review,
}
