"""evaluate: which packs apply, to which tags, and when."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jurisdictions.engine import (
    ENGINE_PACK_ID,
    Assumption,
    CheckResult,
    Citation,
    FactValue,
    Pack,
    PackStatus,
    ReasonCode,
    Severity,
    Snapshot,
    Tag,
    Verdict,
    WarningCode,
    aggregate,
    evaluate,
)
from tests.jurisdictions.builders import (
    EU,
    MICROSECOND,
    NOW,
    active_packs,
    attestation,
    by_key,
    midnight,
    pack,
    requirement,
    verdict_of,
)

NAMED: dict[str, FactValue] = {"issuer.legalName": "Acme"}
US = Tag("US", classification="FINANCIAL_INSTRUMENT")


def eu_pack(**changes: Any) -> Pack:
    return pack(requirement("eu.rule"), code="EU", jurisdiction=EU, **changes)


def member(code: str, classification: str | None = "UTILITY", **changes: Any) -> Tag:
    return Tag(code, classification=classification, **changes)


def of_packs(results: tuple[CheckResult, ...]) -> list[tuple[str, str, str | None]]:
    """Jurisdiction, key and tag of the results that are not the engine's own."""
    return [
        (one.jurisdiction, one.key, one.via_tag) for one in results if one.pack_id != ENGINE_PACK_ID
    ]


def test_a_result_carries_everything_that_explains_it() -> None:
    rule = requirement(
        title="Issuer identified",
        category="disclosure",
        basis="law",
        citation="Art 1",
        source="act",
        control="CTRL.ENTITY",
        remediation="Record the issuer.",
    )
    packs = [pack(rule, sources=({"id": "act", "url": "https://example.org/act"},))]
    found = by_key(evaluate(Snapshot(tags=(US,)), packs, NOW))["us.rule"]
    assert (found.jurisdiction, found.via_tag, found.severity) == ("US", "US", Severity.REQUIRED)
    assert (found.pack_id, found.pack_version) == ("us-pack", "2026.11.1")
    assert (found.title, found.category, found.basis) == ("Issuer identified", "disclosure", "law")
    assert found.citations == (Citation("Art 1", "https://example.org/act"),)
    assert (found.control, found.remediation) == ("CTRL.ENTITY", "Record the issuer.")
    assert (found.verdict, found.reason_code) == (Verdict.FAIL, ReasonCode.FACT_MISSING)
    assert found.missing_facts == ("issuer.legalName",)
    assert (found.waiver, found.underlying_verdict, found.flips_at) == (None, None, None)


def test_results_come_ordered_by_jurisdiction_pack_and_key() -> None:
    packs = [
        pack(requirement("us.b"), requirement("us.a")),
        pack(requirement("us.z"), pack_id="us-a-pack"),
        eu_pack(),
    ]
    results = evaluate(Snapshot(tags=(US, member("DE"))), packs, NOW)
    assert of_packs(results) == [
        ("EU", "eu.rule", "DE"),
        ("US", "us.z", "US"),
        ("US", "us.a", "US"),
        ("US", "us.b", "US"),
    ]
    ordered = [(one.jurisdiction, one.pack_id, one.key) for one in results]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    ("tag", "keys"),
    [
        (member("DE"), ["de.rule", "eu.rule", "global.rule"]),
        (member("FR"), ["eu.rule", "global.rule"]),
        (member("LI"), ["eu.rule", "global.rule"]),
        (member("EU", kind="supranational"), ["eu.rule", "global.rule"]),
        (member("CH"), ["global.rule"]),
        (member("DE-BY", kind="subdivision"), ["de.rule", "eu.rule", "global.rule"]),
        (member("X-DE-ZONE", kind="private"), ["global.rule"]),
        (Tag("GLOBAL", kind="global"), ["global.rule"]),
    ],
)
def test_a_tag_brings_its_own_packs_and_those_of_the_union_it_is_in(
    tag: Tag, keys: list[str]
) -> None:
    packs = [pack(code="DE"), eu_pack(), pack(code="GLOBAL", kind="global"), pack(code="US")]
    results = evaluate(Snapshot(tags=(tag,)), packs, NOW)
    assert [key for _, key, _ in of_packs(results)] == keys


def test_packs_for_every_token_apply_once_and_without_a_tag() -> None:
    packs = [pack(code="GLOBAL", kind="global"), pack(code="FATF", kind="standard_setter")]
    for tags in ((), (US, member("DE"))):
        assert of_packs(evaluate(Snapshot(tags=tags), packs, NOW)) == [
            ("FATF", "fatf.rule", None),
            ("GLOBAL", "global.rule", None),
        ]


def test_members_with_one_legal_position_bring_the_union_once() -> None:
    snapshot = Snapshot(tags=(member("FR"), member("DE"), member("EU", kind="supranational")))
    assert of_packs(evaluate(snapshot, [eu_pack()], NOW)) == [("EU", "eu.rule", "DE,EU,FR")]


@pytest.mark.parametrize(
    "changes",
    [{"classification": "ART"}, {"exemption": "MICA_4_3"}, {"offering_kind": "PUBLIC_OFFER"}],
)
def test_members_with_two_legal_positions_bring_it_twice(changes: dict[str, Any]) -> None:
    snapshot = Snapshot(tags=(member("FR"), replace(member("DE"), **changes)))
    assert of_packs(evaluate(snapshot, [eu_pack()], NOW)) == [
        ("EU", "eu.rule", "DE"),
        ("EU", "eu.rule", "FR"),
    ]


def test_tag_facts_come_from_the_tag_and_the_jurisdiction_from_the_pack() -> None:
    def applies(fact: str, op: str, value: object) -> str:
        rule = requirement("eu.rule", applies_when={"fact": fact, "op": op, "value": value})
        tag = member("DE", roles=("offered_in",), exemption="NONE", offering_kind="PUBLIC_OFFER")
        packs = [pack(rule, code="EU", jurisdiction=EU)]
        return verdict_of(evaluate(Snapshot(NAMED, (tag,)), packs, NOW), "eu.rule")[0]

    assert applies("tag.jurisdiction", "eq", "EU") == "Pass"
    assert applies("tag.classification", "eq", "UTILITY") == "Pass"
    assert applies("tag.exemption", "eq", "NONE") == "Pass"
    assert applies("tag.offeringKind", "eq", "PUBLIC_OFFER") == "Pass"
    assert applies("tag.role", "contains", "offered_in") == "Pass"
    assert applies("tag.role", "contains", "issuer_home") == "NotApplicable"


def test_a_tag_fact_among_the_other_facts_is_ignored() -> None:
    rule = requirement("x.rule", params={"field": "tag.exemption"})
    packs = [pack(rule), pack(rule, code="GLOBAL", kind="global")]
    results = evaluate(Snapshot({"tag.exemption": "NONE"}, (US,)), packs, NOW)
    assert [one.verdict for one in results if one.key == "x.rule"] == [Verdict.FAIL, Verdict.FAIL]


def test_an_explicit_tag_beats_a_derived_one() -> None:
    derived = Tag("US", source="Derived")
    results = evaluate(Snapshot(NAMED, (derived, US)), [pack()], NOW)
    assert verdict_of(results, "engine.classification_recorded")[0] == "Pass"
    assert of_packs(results) == [("US", "us.rule", "US")]


@pytest.mark.parametrize(
    ("pack_condition", "rule_condition", "facts", "expected"),
    [
        (True, True, {"a.b": 1}, ("Pass", "satisfied")),
        (True, False, {"a.b": 1}, ("NotApplicable", "condition_not_met")),
        (False, True, {"a.b": 1}, ("NotApplicable", "condition_not_met")),
        (True, True, {}, ("Unknown", "applicability_undetermined")),
        (None, False, {"a.b": 1}, ("NotApplicable", "condition_not_met")),
        (None, True, {"a.b": 1}, ("Unknown", "applicability_undetermined")),
    ],
)
def test_applicability_is_the_condition_of_the_pack_and_of_the_rule(
    pack_condition: bool | None,
    rule_condition: bool,
    facts: dict[str, FactValue],
    expected: tuple[str, str],
) -> None:
    def condition(holds: bool | None) -> dict[str, Any]:
        if holds is None:
            return {"fact": "x.y", "op": "eq", "value": 1}
        return {"fact": "a.b", "op": "eq", "value": 1 if holds else 2}

    packs = [
        pack(
            requirement(applies_when=condition(rule_condition)),
            applies_when=condition(pack_condition),
        )
    ]
    results = evaluate(Snapshot({**NAMED, **facts}, (US,)), packs, NOW)
    assert verdict_of(results, "us.rule") == expected


def test_undetermined_applicability_names_the_facts_that_decide() -> None:
    condition = {
        "all": [
            {"fact": "a.b", "op": "eq", "value": 1},
            {"fact": "tag.exemption", "op": "eq", "value": "NONE"},
        ]
    }
    results = evaluate(Snapshot(tags=(US,)), [pack(requirement(applies_when=condition))], NOW)
    assert by_key(results)["us.rule"].missing_facts == ("a.b", "tag.exemption")


def test_an_assumed_fact_is_on_record_as_one() -> None:
    condition = {"fact": "token.dltVenue", "op": "eq", "value": True}
    packs = [pack(requirement(applies_when=condition))]
    assumed: dict[str, FactValue] = {"token.dltVenue": False}
    found = by_key(evaluate(Snapshot(tags=(US,), assumed=assumed), packs, NOW))["us.rule"]
    assert found.verdict == Verdict.NOT_APPLICABLE
    assert found.assumptions == (Assumption("token.dltVenue", False),)
    assert found.warnings == (WarningCode.ASSUMED_FACT,)
    recorded = Snapshot({"token.dltVenue": True, **NAMED}, (US,), assumed=assumed)
    found = by_key(evaluate(recorded, packs, NOW))["us.rule"]
    assert (found.verdict, found.assumptions, found.warnings) == (Verdict.PASS, (), ())


def test_a_check_kind_nobody_knows_is_unknown() -> None:
    results = evaluate(Snapshot(tags=(US,)), [pack(requirement(check_kind="oracle"))], NOW)
    assert verdict_of(results, "us.rule") == ("Unknown", "check_kind_unknown")


def test_without_a_tag() -> None:
    results = evaluate(Snapshot(), [pack()], NOW)
    assert verdict_of(results, "engine.jurisdiction_tagged") == ("Fail", "jurisdiction_missing")
    assert verdict_of(results, "engine.tags_recognised")[0] == "NotApplicable"
    assert len(results) == 2


def test_a_text_that_was_not_understood_fails_and_keeps_its_words() -> None:
    lost = Tag("", recognized=False, raw_text="Europe", source="Derived")
    results = evaluate(Snapshot(tags=(US, lost)), [pack()], NOW)
    assert verdict_of(results, "engine.jurisdiction_tagged")[0] == "Pass"
    found = by_key(results)["engine.tags_recognised"]
    assert (found.verdict, found.reason) == (Verdict.FAIL, "not understood: 'Europe'")
    assert found.warnings == (WarningCode.JURISDICTION_TEXT_UNPARSED,)
    only_lost = evaluate(Snapshot(tags=(lost,)), [pack()], NOW)
    assert verdict_of(only_lost, "engine.jurisdiction_tagged") == (
        "Fail",
        "jurisdiction_unrecognized",
    )


def test_a_tag_without_a_pack_in_force_is_unknown() -> None:
    results = evaluate(Snapshot(tags=(member("BR"),)), [pack()], NOW)
    assert verdict_of(results, "engine.rule_pack_available") == ("Unknown", "rule_pack_missing")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (member("US", None), ("Unknown", "classification_missing")),
        (member("US"), ("Pass", "satisfied")),
        (Tag("GLOBAL", kind="global"), ("NotApplicable", "classification_not_needed")),
    ],
)
def test_classification_recorded(tag: Tag, expected: tuple[str, str]) -> None:
    results = evaluate(Snapshot(tags=(tag,)), [], NOW)
    assert verdict_of(results, "engine.classification_recorded") == expected


def test_every_tag_of_a_jurisdiction_must_be_classified() -> None:
    tags = (member("US"), member("US", None, offering_kind="NONE"))
    results = evaluate(Snapshot(tags=tags), [], NOW)
    assert verdict_of(results, "engine.classification_recorded")[0] == "Unknown"


@pytest.mark.parametrize(
    ("asset_type", "classification", "warned"),
    [
        ("Security Token", "UTILITY", True),
        ("Security Token", "FINANCIAL_INSTRUMENT", False),
        ("Utility", "UTILITY", False),
    ],
)
def test_a_security_classified_as_something_else_is_warned_of(
    asset_type: str, classification: str, warned: bool
) -> None:
    snapshot = Snapshot({"metadata.assetType": asset_type}, (member("US", classification),))
    found = by_key(evaluate(snapshot, [], NOW))["engine.classification_recorded"]
    assert found.verdict == Verdict.PASS
    assert found.warnings == ((WarningCode.CLASSIFICATION_INCONSISTENT,) if warned else ())


@pytest.mark.parametrize(
    ("status", "effective_to", "evaluated"),
    [
        (PackStatus.ACTIVE, None, True),
        (PackStatus.ACTIVE, "2026-11-22", True),
        (PackStatus.ACTIVE, "2026-11-21", False),
        (PackStatus.SUPERSEDED, "2026-11-22", True),
        (PackStatus.SUPERSEDED, "2026-11-21", False),
        (PackStatus.SUPERSEDED, None, False),
        (PackStatus.DRAFT, None, False),
        (PackStatus.IN_REVIEW, None, False),
        (PackStatus.RETIRED, None, False),
    ],
)
def test_only_packs_in_force_are_evaluated(
    status: PackStatus, effective_to: str | None, evaluated: bool
) -> None:
    end = date.fromisoformat(effective_to) if effective_to else None
    results = evaluate(Snapshot(tags=(US,)), [pack(status=status, effective_to=end)], NOW)
    assert bool(of_packs(results)) is evaluated
    available = verdict_of(results, "engine.rule_pack_available")[0]
    assert available == ("Pass" if evaluated else "Unknown")


def test_a_later_version_takes_over_on_its_day() -> None:
    old = pack(requirement("us.old"), effective_from=date(2026, 1, 1))
    new = pack(requirement("us.new"), version="2026.12.1", effective_from=date(2026, 12, 1))
    change = midnight("2026-12-01")
    snapshot = Snapshot(NAMED, (US,))
    before = evaluate(snapshot, [new, old], NOW)
    assert of_packs(before) == [("US", "us.old", "US")]
    assert by_key(before)["us.old"].flips_at == change
    assert aggregate(before, NOW).next_evaluation_at == change
    assert evaluate(snapshot, [new, old], change - MICROSECOND) == before
    after = evaluate(snapshot, [new, old], change)
    assert of_packs(after) == [("US", "us.new", "US")]
    assert aggregate(after, change).next_evaluation_at is None


def test_versions_compare_as_numbers() -> None:
    nine, ten = (pack(requirement(f"us.v{n}"), version=f"2026.11.{n}") for n in (9, 10))
    assert of_packs(evaluate(Snapshot(tags=(US,)), [ten, nine], NOW)) == [("US", "us.v10", "US")]


def test_a_pack_to_come_announces_its_rules() -> None:
    coming = pack(effective_from=date(2027, 10, 25))
    results = evaluate(Snapshot(NAMED, (US,)), [coming], NOW)
    assert verdict_of(results, "us.rule") == ("NotApplicable", "not_yet_effective")
    assert verdict_of(results, "engine.rule_pack_available") == ("Unknown", "rule_pack_missing")
    assert aggregate(results, NOW).next_evaluation_at == midnight("2027-10-25")


@pytest.mark.parametrize(
    ("effective", "expected", "flips_at"),
    [
        ({"effective_from": date(2026, 11, 22)}, ("Pass", "satisfied"), None),
        (
            {"effective_from": date(2026, 11, 23)},
            ("NotApplicable", "not_yet_effective"),
            "2026-11-23",
        ),
        ({"effective_to": date(2026, 11, 22)}, ("Pass", "satisfied"), "2026-11-23"),
        ({"effective_to": date(2026, 11, 21)}, ("NotApplicable", "no_longer_effective"), None),
    ],
)
def test_a_requirement_has_its_own_effective_dates(
    effective: dict[str, Any], expected: tuple[str, str], flips_at: str | None
) -> None:
    results = evaluate(Snapshot(NAMED, (US,)), [pack(requirement(**effective))], NOW)
    assert verdict_of(results, "us.rule") == expected
    assert by_key(results)["us.rule"].flips_at == (flips_at and midnight(flips_at))


def test_now_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        evaluate(Snapshot(tags=(US,)), [pack()], NOW.replace(tzinfo=None))


def test_one_missing_filing_is_one_failure() -> None:
    """The fixture D of regulation.md section 10: Form D on day 19, and nothing else wrong."""
    facts: dict[str, FactValue] = {
        "offering.firstSaleDate": "2026-10-01",
        "offering.formDFiledAt": "2026-10-20",
    }
    tag = Tag("US", classification="FINANCIAL_INSTRUMENT", exemption="US_REG_D_506C")
    results = evaluate(Snapshot(facts, (tag,)), active_packs("US-SEC"), NOW)
    found = by_key(results)["us.regd.form_d_deadline"]
    assert (found.verdict, found.reason) == (
        Verdict.FAIL,
        "offering.formDFiledAt 2026-10-20 is after 2026-10-16",
    )


@pytest.mark.parametrize(("years", "verdict"), [(7.0, "Fail"), (10.0, "Pass")])
def test_old_white_papers_are_kept_ten_years(years: float, verdict: str) -> None:
    """The fixtures E and F of regulation.md section 10 (MiCA Art 12(9))."""
    tag = member("DE", exemption="NONE", offering_kind="PUBLIC_OFFER")
    snapshot = Snapshot(
        {"whitePaper.publishedAt": "2026-01-01", "offering.tradingIntentAnnounced": False},
        (tag,),
        retention={"white_paper_versions": years},
        attestations=(attestation(),),
    )
    results = evaluate(snapshot, active_packs("EU-MICA"), NOW)
    assert verdict_of(results, "mica.t2.old_versions_retained")[0] == verdict
