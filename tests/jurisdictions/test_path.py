"""pathToCompliance: a path, once taken, really leads there; without one, it says why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jurisdictions.engine import (
    AuditFacts,
    CheckResult,
    Pack,
    Severity,
    Snapshot,
    Tag,
    Verdict,
    Waiver,
    aggregate,
    evaluate,
)
from jurisdictions.engine.path import Bounds, Path, after, path_to_compliance
from tests.jurisdictions.builders import (
    NOW,
    active_packs,
    catalogue,
    pack,
    requirement,
)
from tests.jurisdictions.test_engine_properties import LISTS, Drawer

US = Tag("US", classification="FINANCIAL_INSTRUMENT")
NAMED = {"issuer.legalName": "Acme"}
SIX = ("GLOBAL-BASELINE", "EU-MICA", "EU-AML", "EU-SECURITIES", "FATF", "US-SEC")


def status(snapshot: Snapshot, packs: Any) -> str:
    return str(aggregate(evaluate(snapshot, packs, NOW), NOW).status)


def walked(snapshot: Snapshot, *packs: Pack, **more: Any) -> Path:
    """The path, after making sure that it leads to Compliant or that it says why there is none."""
    path = path_to_compliance(snapshot, packs, NOW, catalogue(), **more)
    if path.found:
        assert status(after(snapshot, path.steps), packs) == "Compliant"
        assert path.blockers == ()
    else:
        assert path.steps == ()
        assert all(one.reason for one in path.blockers)
        assert path.blockers
    return path


def rules(*checks: tuple[str, dict[str, Any]], **changes: Any) -> Pack:
    """A US pack with one rule that the token meets and these checks."""
    own = [
        requirement(
            f"us.r{number}", check_kind=kind, params=params, **{"on_missing": None, **changes}
        )
        for number, (kind, params) in enumerate(checks)
    ]
    return pack(requirement("us.named"), *own)


def token(**changes: Any) -> Snapshot:
    return replace(Snapshot(facts=NAMED, tags=(US,)), **changes)


def test_a_compliant_token_has_an_empty_path() -> None:
    path = walked(token(), rules())
    assert (path.found, path.steps, path.evaluations) == (True, (), 1)


class TestConditions:
    def test_the_answer_with_the_fewest_duties_is_shown_as_an_answer(self) -> None:
        rule = requirement(
            "us.asks",
            check_kind="attestation_present",
            params={"types": ["Licence"]},
            applies_when={"fact": "issuer.roles", "op": "contains", "value": "casp"},
            on_missing=None,
        )
        (step,) = walked(token(), pack(requirement("us.named"), rule)).steps
        assert dict(step.target) == {
            "fact": "issuer.roles",
            "tags": [],
            "value": [],
            "rule": "answer as it is; the path holds for this answer",
        }

    def test_a_classification_is_taken_from_the_record_or_not_at_all(self) -> None:
        unknown = token(tags=(Tag("US"),))
        path = walked(unknown, rules())
        assert [one.key for one in path.blockers] == ["engine.classification_recorded"]
        said = replace(unknown, facts={**NAMED, "metadata.assetType": "Security Token"})
        (step,) = walked(said, rules()).steps
        assert (step.target["value"], step.target["tags"]) == ("FINANCIAL_INSTRUMENT", ["US"])

    def test_registration_is_never_proposed(self) -> None:
        said = token(
            tags=(Tag("US"), Tag("EU", "supranational")),
            facts={**NAMED, "metadata.assetType": "Security Token"},
            lists=LISTS,
            retention={"compliance_audit_event": 7.0},
            audit=AuditFacts({}, True),
            assumed=catalogue().assumed,
        )
        path = walked(said, *active_packs(*SIX))
        exemptions = [
            o.target["value"] for o in path.steps if o.target.get("fact") == "tag.exemption"
        ]
        assert path.found
        assert exemptions
        assert "REGISTERED" not in exemptions


class TestNoPath:
    def test_a_jurisdiction_without_a_pack(self) -> None:
        path = walked(token(tags=(Tag("BR", classification="UTILITY"),)), rules())
        assert [one.key for one in path.blockers] == ["engine.rule_pack_available"]

    def test_a_token_without_a_tag_and_one_that_was_not_understood(self) -> None:
        for tags, key in (
            ((), "engine.jurisdiction_tagged"),
            ((US, Tag("", recognized=False, raw_text="Narnia")), "engine.tags_recognised"),
        ):
            assert [one.key for one in walked(token(tags=tags), rules()).blockers] == [key]

    def test_rules_that_say_nothing(self) -> None:
        path = walked(token(), pack(requirement("us.advice", severity=Severity.RECOMMENDED)))
        assert [one.reason for one in path.blockers] == [
            "no rule that is in force says anything about the token"
        ]

    def test_the_bounds_are_kept_and_named(self) -> None:
        for bounds, word in (
            (Bounds(evaluations=1), "1 evaluations"),
            (Bounds(judgements=1), "1 judgements"),
            (Bounds(steps=0), "0 steps"),
        ):
            snapshot = token(facts={})
            path = walked(
                snapshot, rules(("field_present", {"field": "token.isin"})), bounds=bounds
            )
            assert word in path.blockers[0].reason

    def test_a_waiver_is_no_way(self) -> None:
        waived = token(facts={}, waivers=(Waiver("us.named", NOW + timedelta(days=9), True),))
        (step,) = walked(waived, rules()).steps
        assert step.target["fact"] == "issuer.legalName"


def test_advice_that_is_not_followed_is_on_the_path_and_unknown_advice_is_not() -> None:
    follow = requirement("us.advice", severity=Severity.RECOMMENDED, params={"field": "token.isin"})
    unknown = replace(follow, key="us.unknown", on_missing=Verdict.UNKNOWN)
    (step,) = walked(token(), pack(requirement("us.named"), follow, unknown)).steps
    assert step.unlocks == ("us.advice",)


def hopeful(seed: int) -> Snapshot:
    """A drawn token of which nothing is beyond repair."""
    drawer = Drawer(seed)
    snapshot = drawer.snapshot()
    places = [("US", "country"), ("DE", "country"), ("EU", "supranational"), ("GLOBAL", "global")]
    chosen = drawer.random.sample(places, drawer.random.randint(1, 3))
    named = drawer.random.choice(["FINANCIAL_INSTRUMENT", "UTILITY", "OTHER_FUNGIBLE"])
    recorded = [path for path in snapshot.facts if not path.startswith(("offering", "whitePaper"))]
    return replace(
        snapshot,
        facts={path: snapshot.facts[path] for path in recorded} | {"issuer.country": "DE"},
        tags=tuple(Tag(*place, classification=named) for place in chosen),
        audit=replace(snapshot.audit, chain_verified=True),
        lists=LISTS,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_a_path_that_is_taken_leads_to_compliant(seed: int) -> None:
    snapshot = hopeful(seed)
    path = walked(snapshot, *active_packs(*SIX))
    keys = {one.key for one in unmet(evaluate(snapshot, active_packs(*SIX), NOW))}
    assert path.evaluations <= Bounds().evaluations
    assert path.judgements <= Bounds().judgements
    if path.found and keys:
        assert keys & {key for step in path.steps for key in step.unlocks}
        again = path_to_compliance(
            after(snapshot, path.steps), active_packs(*SIX), NOW, catalogue()
        )
        assert (again.found, again.steps) == (True, ())


def unmet(results: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [one for one in results if one.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]


def test_most_hopeful_tokens_have_a_path() -> None:
    """A property that only ever sees dead ends would prove nothing."""
    found = [walked(hopeful(seed), *active_packs(*SIX)).found for seed in range(60)]
    assert sum(found) >= 30


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_the_path_is_the_same_for_the_same_token(seed: int) -> None:
    drawer = Drawer(seed)
    snapshot, packs = drawer.snapshot(), drawer.packs()
    first = walked(snapshot, *packs)
    known = evaluate(snapshot, packs, NOW)
    again = path_to_compliance(snapshot, packs, NOW, catalogue(), results=known)
    assert (again.found, again.steps, again.blockers) == (first.found, first.steps, first.blockers)
