"""The check for obligations that no data can show: a person looked and decided."""

from __future__ import annotations

from jurisdictions.engine.checks.evidence import (
    EvidenceTerms,
    attestation_evidence,
    expiry_warnings,
    in_words,
    nearest,
)
from jurisdictions.engine.checks.registry import (
    POSITIVE,
    CheckContext,
    Params,
    failed,
    passed,
    register,
)
from jurisdictions.engine.results import Outcome, ReasonCode, Verdict

REVIEW_TYPE = "ManualReview"
SATISFIED = "satisfied"
_DEFAULT_MAX_AGE_DAYS = 365


@register(
    "manual_review",
    purpose="an obligation that is not reducible to data was reviewed by a person",
    params={"question": {"type": "string", "minLength": 1}, "maxAgeDays": POSITIVE},
    required=("question",),
    default_on_missing=Verdict.UNKNOWN,
)
def manual_review(params: Params, context: CheckContext) -> Outcome:
    """Pass where the newest review of this requirement that counts found it satisfied.

    A review is a verified ManualReview attestation whose attributes name the requirement
    (`requirementKey`) and the `outcome`; after `maxAgeDays` (365) it no longer counts.
    """
    terms = EvidenceTerms(max_age_days=params.get("maxAgeDays", _DEFAULT_MAX_AGE_DAYS))
    reviews = [
        one
        for one in context.snapshot.attestations_of([REVIEW_TYPE])
        if one.attributes.get("requirementKey") == context.requirement_key
        and one.subject_type in ("token", "issuer")
    ]
    if not reviews:
        reason = f"no review is on file for: {params['question']}"
        return context.without_data(ReasonCode.REVIEW_MISSING, reason)
    shortcomings = []
    for review in sorted(reviews, key=lambda one: (one.issued_at, one.id), reverse=True):
        shortcoming = terms.shortcoming(review, context.clock)
        if shortcoming is not None:
            shortcomings.append(shortcoming)
            continue
        evidence = attestation_evidence([review])
        if review.attributes.get("outcome") == SATISFIED:
            warnings = expiry_warnings([review], terms, context.clock)
            return passed("the latest review found it satisfied", evidence, warnings)
        reason = "the latest review did not find it satisfied"
        return failed(ReasonCode.REVIEW_NOT_SATISFIED, reason, evidence)
    code = nearest(shortcomings)
    return failed(code, f"the review on file {in_words(code)}", attestation_evidence(reviews))
