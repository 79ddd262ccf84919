"""Checks of what is kept: the audit trail, single events, retention periods, the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurisdictions.engine.checks.registry import (
    FACT_PATH,
    POSITIVE,
    CheckContext,
    Params,
    fact_problems,
    failed,
    passed,
    register,
    texts,
    undecided,
)
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict
from jurisdictions.engine.values import as_day

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

_DEAD_STATES = frozenset({"Failed", "Cancelled"})


def _since_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    return fact_problems(catalogue, params["since"], "date") if "since" in params else []


@register(
    "audit_trail_complete",
    purpose="the audit trail holds the events it should, and nobody changed it",
    params={
        "requiredEventTypes": texts(),
        "chainVerified": {"type": "boolean"},
        "since": FACT_PATH,
    },
    required=("requiredEventTypes",),
    default_on_missing=Verdict.FAIL,
    param_problems=_since_problems,
)
def audit_trail_complete(params: Params, context: CheckContext) -> Outcome:
    """Pass where the chain verifies and every required event type is on record.

    Aligned to Delegated Regulation (EU) 2025/1140 Art 2(1). A verification that has not run
    leaves the check Unknown, never passed.
    """
    audit = context.snapshot.audit
    needs_chain = params.get("chainVerified", True)
    evidence = (Evidence("audit_trail", "chain_verified", audit.chain_verified),)
    if needs_chain and audit.chain_verified is False:
        reason = f"the audit trail does not verify: {audit.detail or 'no detail given'}"
        return failed(ReasonCode.AUDIT_CHAIN_BROKEN, reason, evidence)
    since = as_day(context.fact(params["since"])) if "since" in params else None
    absent = [
        name
        for name in params["requiredEventTypes"]
        if name not in audit.events
        or audit.events[name].count < 1
        or (since is not None and (as_day(audit.events[name].last_at) or since) < since)
    ]
    if absent:
        reason = f"the audit trail lacks: {', '.join(absent)}"
        return failed(ReasonCode.AUDIT_EVENTS_MISSING, reason, evidence)
    if "since" in params and since is None:
        reason = f"{params['since']} is not recorded"
        return undecided(ReasonCode.REFERENCE_MISSING, reason, evidence, (params["since"],))
    if needs_chain and audit.chain_verified is None:
        reason = "the verification of the audit trail has not run yet"
        return undecided(ReasonCode.VERIFICATION_NOT_RUN, reason, evidence)
    return passed("every required event is on record", evidence)


def _event_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    problems = _since_problems(params, catalogue)
    if params.get("minCount", 1) > 1 and ("withinDays" in params or "since" in params):
        problems.append("minCount above 1 cannot be combined with withinDays or since")
    return problems


@register(
    "audit_event_present",
    purpose="something was done, recently or since a date",
    params={
        "eventType": {"type": "string", "minLength": 1},
        "minCount": POSITIVE,
        "withinDays": POSITIVE,
        "since": FACT_PATH,
    },
    required=("eventType",),
    default_on_missing=Verdict.FAIL,
    param_problems=_event_problems,
)
def audit_event_present(params: Params, context: CheckContext) -> Outcome:
    """Pass where the event is on record as often and as recently as asked."""
    name = params["eventType"]
    event = context.snapshot.audit.events.get(name)
    if event is None or event.count < 1:
        return context.without_data(ReasonCode.EVIDENCE_MISSING, f"{name} is not on record")
    evidence = (Evidence("audit_event", name, event.count),)
    wanted = params.get("minCount", 1)
    if event.count < wanted:
        reason = f"{name} is on record {event.count} times; {wanted} are needed"
        return failed(ReasonCode.AUDIT_EVENTS_TOO_FEW, reason, evidence)
    last_day = as_day(event.last_at)
    if last_day is None:
        return undecided(ReasonCode.FACT_UNREADABLE, f"the time of {name} is unreadable", evidence)
    if "withinDays" in params and context.clock.too_old(last_day, params["withinDays"]):
        reason = f"{name} was last on {last_day}, more than {params['withinDays']} days ago"
        return failed(ReasonCode.AUDIT_EVENT_TOO_OLD, reason, evidence)
    if "since" in params:
        since = as_day(context.fact(params["since"]))
        if since is None:
            reason = f"{params['since']} is not recorded"
            return undecided(ReasonCode.REFERENCE_MISSING, reason, evidence, (params["since"],))
        if last_day < since:
            reason = f"{name} was last on {last_day}, before {since}"
            return failed(ReasonCode.AUDIT_EVENT_TOO_OLD, reason, evidence)
    return passed(f"{name} was last on {last_day}", evidence)


def _retention_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    if params.get("personalDataMaxYears", params["minYears"]) < params["minYears"]:
        return ["personalDataMaxYears is below minYears: nothing could satisfy both"]
    return []


@register(
    "retention_at_least",
    purpose="a class of records is kept long enough, and personal data not too long",
    params={
        "recordClass": {"type": "string", "minLength": 1},
        "minYears": {"type": "number", "minimum": 0, "maximum": 100},
        "personalDataMaxYears": {"type": "number", "minimum": 0, "maximum": 100},
    },
    required=("recordClass", "minYears"),
    default_on_missing=Verdict.FAIL,
    param_problems=_retention_problems,
)
def retention_at_least(params: Params, context: CheckContext) -> Outcome:
    """Pass where the configured period reaches the minimum and keeps the maximum, in years."""
    name = params["recordClass"]
    years = context.snapshot.retention.get(name)
    if years is None:
        reason = f"no retention period is configured for {name}"
        return context.without_data(ReasonCode.RETENTION_NOT_CONFIGURED, reason)
    evidence = (Evidence("retention", name, years),)
    if years < params["minYears"]:
        reason = f"{name} is kept {years:g} years; the minimum is {params['minYears']:g}"
        return failed(ReasonCode.RETENTION_TOO_SHORT, reason, evidence)
    maximum = params.get("personalDataMaxYears")
    if maximum is not None and years > maximum:
        reason = f"{name} is kept {years:g} years; the maximum is {maximum:g}"
        return failed(ReasonCode.RETENTION_TOO_LONG, reason, evidence)
    return passed(f"{name} is kept {years:g} years", evidence)


@register(
    "deployment_completed",
    purpose="the token is really deployed",
    params={"states": texts()},
    required=("states",),
    default_on_missing=Verdict.FAIL,
)
def deployment_completed(params: Params, context: CheckContext) -> Outcome:
    """Pass where the deployment has reached one of the states (seed 3, state machine)."""
    deployment = context.snapshot.deployment
    if deployment is None:
        reason = "there is no deployment record"
        return context.without_data(ReasonCode.DEPLOYMENT_MISSING, reason)
    evidence = (Evidence("deployment", deployment.id, deployment.state),)
    reason = f"the deployment is {deployment.state}"
    if deployment.state in params["states"]:
        return passed(reason, evidence)
    dead = deployment.state in _DEAD_STATES
    code = ReasonCode.DEPLOYMENT_FAILED if dead else ReasonCode.DEPLOYMENT_NOT_COMPLETED
    return failed(code, reason, evidence)
