"""The four checks that guard the honesty of an evaluation (regulation.md section 10).

They are about what we know, not about what the token does, so no waiver covers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from jurisdictions.engine.results import (
    ENGINE_PACK_ID,
    ENGINE_VERSION,
    CheckResult,
    Citation,
    Evidence,
    Outcome,
    ReasonCode,
    Severity,
    Verdict,
    WarningCode,
)
from jurisdictions.engine.selection import PackSelection, brings, tags_in_use
from jurisdictions.engine.snapshot import Snapshot, Tag

_EVERYWHERE = "GLOBAL"
_CLASSIFICATION = "tag.classification"
_NOT_A_PLACE = frozenset({"global", "standard_setter"})
_SECURITIES = frozenset({"FINANCIAL_INSTRUMENT", "FUND_UNIT", "SECURITISATION"})

_PER_TAG = ("engine.rule_pack_available", "engine.classification_recorded")

# Key: title, remediation.
_WORDS = {
    "engine.jurisdiction_tagged": (
        "The token is tagged with a jurisdiction",
        "Tag the token with the jurisdictions it is offered in.",
    ),
    "engine.tags_recognised": (
        "Every jurisdiction named for the token was understood",
        "Replace the text by jurisdiction codes, such as US or DE.",
    ),
    "engine.rule_pack_available": (
        "Rules are loaded for the jurisdiction",
        "Activate a rule pack for the jurisdiction.",
    ),
    "engine.classification_recorded": (
        "The token's legal classification in the jurisdiction is recorded",
        "Record the classification on the jurisdiction tag.",
    ),
}


def engine_results(
    snapshot: Snapshot, selections: Sequence[PackSelection]
) -> Iterator[CheckResult]:
    """The results of the engine checks: two for the token, two for each of its tags."""
    tags = tags_in_use(snapshot.tags)
    yield _result("engine.jurisdiction_tagged", _EVERYWHERE, _jurisdiction_tagged(snapshot, tags))
    yield _result("engine.tags_recognised", _EVERYWHERE, _tags_recognised(snapshot))
    by_code: dict[str, list[Tag]] = {}
    for tag in tags:
        by_code.setdefault(tag.jurisdiction, []).append(tag)
    for code, same in by_code.items():
        own = [one for one in selections if brings(same[0], one.pack)]
        flips_at = min((one.changes_at for one in own if one.changes_at), default=None)
        available = _rule_pack_available(code, own)
        yield _result("engine.rule_pack_available", code, available, flips_at)
        recorded = _classification_recorded(same, snapshot)
        yield _result("engine.classification_recorded", code, recorded)


def _jurisdiction_tagged(snapshot: Snapshot, tags: tuple[Tag, ...]) -> Outcome:
    if tags:
        codes = ", ".join(dict.fromkeys(tag.jurisdiction for tag in tags))
        return Outcome(Verdict.PASS, ReasonCode.SATISFIED, f"tagged {codes}")
    code, reason = ReasonCode.JURISDICTION_MISSING, "the token has no jurisdiction tag"
    if snapshot.tags:
        code = ReasonCode.JURISDICTION_UNRECOGNIZED
        reason = "no jurisdiction tag of the token was understood"
    return Outcome(Verdict.FAIL, code, reason)


def _tags_recognised(snapshot: Snapshot) -> Outcome:
    raw_texts = sorted({tag.raw_text for tag in snapshot.tags if not tag.recognized})
    if raw_texts:
        return Outcome(
            Verdict.FAIL,
            ReasonCode.JURISDICTION_UNRECOGNIZED,
            f"not understood: {', '.join(repr(text) for text in raw_texts)}",
            tuple(Evidence("tag", text) for text in raw_texts),
            warnings=(WarningCode.JURISDICTION_TEXT_UNPARSED,),
        )
    if not snapshot.tags:
        reason = "the token has no jurisdiction tag"
        return Outcome(Verdict.NOT_APPLICABLE, ReasonCode.JURISDICTION_MISSING, reason)
    return Outcome(Verdict.PASS, ReasonCode.SATISFIED, "every tag was understood")


def _rule_pack_available(code: str, own: list[PackSelection]) -> Outcome:
    names = [f"{one.pack.pack_id} {one.pack.version}" for one in own if one.in_force]
    if names:
        return Outcome(Verdict.PASS, ReasonCode.SATISFIED, f"in force: {', '.join(names)}")
    reason = f"no rule pack is in force for {code}"
    return Outcome(Verdict.UNKNOWN, ReasonCode.RULE_PACK_MISSING, reason)


def _classification_recorded(same: list[Tag], snapshot: Snapshot) -> Outcome:
    code = same[0].jurisdiction
    if same[0].kind in _NOT_A_PLACE:
        reason = f"{code} is no jurisdiction in which a token is classified"
        return Outcome(Verdict.NOT_APPLICABLE, ReasonCode.CLASSIFICATION_NOT_NEEDED, reason)
    recorded = [tag.classification for tag in same if tag.classification]
    if len(recorded) < len(same):
        reason = f"what the token legally is in {code} is not recorded"
        missing = (_CLASSIFICATION,)
        code_missing = ReasonCode.CLASSIFICATION_MISSING
        return Outcome(Verdict.UNKNOWN, code_missing, reason, missing_facts=missing)
    evidence = tuple(Evidence("fact", _CLASSIFICATION, one) for one in recorded)
    return Outcome(
        Verdict.PASS,
        ReasonCode.SATISFIED,
        f"classified as {', '.join(recorded)} in {code}",
        evidence,
        warnings=_consistency_warnings(recorded, snapshot),
    )


def _consistency_warnings(recorded: list[str], snapshot: Snapshot) -> tuple[WarningCode, ...]:
    asset_type = snapshot.facts.get("metadata.assetType")
    called_security = isinstance(asset_type, str) and "security" in asset_type.casefold()
    inconsistent = called_security and not _SECURITIES.issuperset(recorded)
    return (WarningCode.CLASSIFICATION_INCONSISTENT,) if inconsistent else ()


def _result(
    key: str, jurisdiction: str, outcome: Outcome, flips_at: datetime | None = None
) -> CheckResult:
    title, remediation = _WORDS[key]
    about_tag = jurisdiction if key in _PER_TAG else None
    return CheckResult(
        key=key,
        jurisdiction=jurisdiction,
        via_tag=about_tag,
        pack_id=ENGINE_PACK_ID,
        pack_version=ENGINE_VERSION,
        title=title,
        category="scope",
        severity=Severity.REQUIRED,
        basis="policy",
        verdict=outcome.verdict,
        reason_code=outcome.reason_code,
        reason=outcome.reason,
        citations=(Citation("Platform policy: an evaluation says what it does not know"),),
        evidence=outcome.evidence,
        missing_facts=outcome.missing_facts,
        warnings=outcome.warnings,
        remediation=remediation,
        flips_at=flips_at,
    )
