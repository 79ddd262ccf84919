"""The check of jurisdiction codes against a maintained list."""

from __future__ import annotations

from collections.abc import Iterator

from jurisdictions.engine.checks.registry import (
    CheckContext,
    Params,
    failed,
    passed,
    register,
    some_of,
    texts,
    undecided,
)
from jurisdictions.engine.clock import age_ends
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict, WarningCode

_ISSUER_COUNTRY = "issuer.country"


@register(
    "list_screening",
    purpose="jurisdictions are checked against a maintained list",
    params={
        "list": {"type": "string", "minLength": 1},
        "subjects": texts(choices=("token_tags", "issuer_country", "whitelist_jurisdictions")),
        "onHit": {"enum": ["fail", "warn"]},
    },
    required=("list", "subjects"),
    default_on_missing=Verdict.UNKNOWN,
)
def list_screening(params: Params, context: CheckContext) -> Outcome:
    """Pass where no subject's code, nor the country it lies in, is on the list.

    With `onHit` warn a hit passes with a warning (FATF does not ask for more on its grey list).
    A code that is not recorded leaves the check to `on_missing`; a list older than its maximum
    age keeps the verdict and warns `list_stale`.
    """
    screening = context.snapshot.lists.get(params["list"])
    if screening is None:
        return undecided(ReasonCode.LIST_MISSING, f"the list {params['list']} is not loaded")
    codes, absent, missing_facts = set[str](), list[str](), list[str]()
    for subject in params["subjects"]:
        for code in _codes(subject, context):
            if code:
                codes.add(code.strip().upper())
            else:
                absent.append(subject)
                missing_facts += [_ISSUER_COUNTRY] * (subject == "issuer_country")
    hits = sorted(code for code in codes if {code, code.split("-")[0]} & screening.codes)
    evidence = (Evidence("list", screening.id, screening.as_of),)
    warnings: tuple[WarningCode, ...] = ()
    if screening.max_age_days is not None and (
        age_ends(screening.as_of, screening.max_age_days) <= context.clock.now
    ):
        warnings = (WarningCode.LIST_STALE,)
    hit_text = f"{some_of(hits)} {'is' if len(hits) == 1 else 'are'} on: {screening.title}"
    if hits and params.get("onHit", "fail") == "fail":
        return failed(ReasonCode.LIST_HIT, hit_text, evidence, warnings)
    if hits:
        warnings = (*warnings, WarningCode.LIST_HIT)
    if absent:
        reason = f"not recorded: the codes of {', '.join(dict.fromkeys(absent))}"
        return Outcome(
            context.on_missing,
            ReasonCode.SUBJECT_MISSING,
            reason,
            evidence,
            tuple(missing_facts),
            warnings,
        )
    if hits:
        return passed(hit_text, evidence, warnings, ReasonCode.LIST_HIT)
    return passed(f"no subject is on: {screening.title}", evidence, warnings)


def _codes(subject: str, context: CheckContext) -> Iterator[str | None]:
    """The codes of a subject; None stands for one that is not recorded."""
    if subject == "issuer_country":
        value = context.fact(_ISSUER_COUNTRY)
        yield value if isinstance(value, str) else None
    elif subject == "token_tags":
        tags = [tag for tag in context.snapshot.tags if tag.recognized]
        yield from (tag.jurisdiction for tag in tags)
        if not tags:
            yield None
    else:
        for entry in context.snapshot.whitelist.entries:
            if entry.status == "Active":
                yield entry.jurisdiction
