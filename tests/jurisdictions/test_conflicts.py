"""Conflicts between jurisdictions, and when a status turns worse by itself."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jurisdictions.engine import (
    Assumption,
    Pack,
    ScreeningList,
    Severity,
    Snapshot,
    Tag,
    WhitelistFacts,
    aggregate,
    evaluate,
)
from jurisdictions.engine.conflicts import Conflict, conflicts
from jurisdictions.engine.outlook import (
    WORST_FIRST,
    Outlook,
    outlook,
    warnings_change_at,
    warnings_of,
)
from tests.jurisdictions.builders import (
    MICROSECOND,
    NOW,
    active_packs,
    attestation,
    days,
    entry,
    midnight,
    pack,
    requirement,
)
from tests.jurisdictions.test_engine_properties import SEEDS, Drawer

US = Tag("US", classification="FINANCIAL_INSTRUMENT")


def found(snapshot: Snapshot, *packs: Pack) -> tuple[Conflict, ...]:
    return conflicts(snapshot, packs, NOW, evaluate(snapshot, packs, NOW))


def keeps(key: str, **params: Any) -> Any:
    return requirement(
        key, check_kind="retention_at_least", params={"recordClass": "kyc", **params}
    )


class TestRetention:
    def test_a_minimum_above_a_personal_data_maximum(self) -> None:
        low = pack(keeps("us.low", minYears=8))
        high = pack(keeps("de.high", minYears=5, personalDataMaxYears=5), code="DE")
        (conflict,) = found(Snapshot(tags=(US, Tag("DE"))), low, high)
        assert (conflict.kind, conflict.jurisdictions) == ("retention", ("US", "DE"))
        assert conflict.checks == ("us.low", "de.high")
        assert conflict.reason == "kyc must be kept 8 years by US; DE allows 5 for personal data"

    def test_the_maximum_of_the_packs_own_table_counts(self) -> None:
        table = ({"recordClass": "kyc", "minYears": 5, "personalData": {"maxYears": 5}},)
        high = pack(keeps("de.high", minYears=5), code="DE", retention=table)
        low = pack(keeps("us.low", minYears=6))
        assert [one.kind for one in found(Snapshot(tags=(US, Tag("DE"))), low, high)] == [
            "retention"
        ]

    @pytest.mark.parametrize("years", [4, 5])
    def test_no_conflict_up_to_the_maximum(self, years: int) -> None:
        low = pack(keeps("us.low", minYears=years))
        high = pack(keeps("de.high", minYears=3, personalDataMaxYears=5), code="DE")
        assert found(Snapshot(tags=(US, Tag("DE"))), low, high) == ()

    def test_a_rule_that_does_not_apply_or_may_not_makes_none(self) -> None:
        low = pack(keeps("us.low", minYears=8))
        asks = {"fact": "issuer.roles", "op": "contains", "value": "casp"}
        high = keeps("de.high", minYears=5, personalDataMaxYears=5)
        packs = (low, pack(replace(high, applies_when=asks), code="DE"))
        both = Snapshot(tags=(US, Tag("DE")))
        assert found(both, *packs) == ()
        assert found(replace(both, facts={"issuer.roles": ("issuer",)}), *packs) == ()
        assert len(found(replace(both, facts={"issuer.roles": ("casp",)}), *packs)) == 1

    def test_the_real_packs_of_dubai_and_the_union(self) -> None:
        both = Snapshot(
            facts={"issuer.roles": ("casp",)}, tags=(Tag("AE-DU", "subdivision"), Tag("DE"))
        )
        (conflict,) = found(both, *active_packs("AE-VARA", "EU-AML"))
        assert conflict.checks == ("ae.vara.records_8y", "euaml.records_min")


class TestHolders:
    REG_S = replace(US, exemption="US_REG_S")
    REG_D = replace(US, exemption="US_REG_D_506C")

    def test_reg_s_and_reg_d_on_the_same_whitelist(self) -> None:
        listed = WhitelistFacts("Mandatory", (entry("A", jurisdiction="US"), entry("B")))
        snapshot = Snapshot(tags=(self.REG_S, self.REG_D), whitelist=listed)
        (conflict,) = found(snapshot, *active_packs("US-SEC"))
        assert (conflict.kind, conflict.checks) == ("holders", ("us.regs.no_us_persons",))
        assert "US_REG_D_506C offers the token there (1 such holders" in conflict.reason

    @pytest.mark.parametrize(
        "tags",
        [
            (REG_S,),
            (REG_D,),
            (REG_S, Tag("DE", exemption="EU_PR_1_4_QUALIFIED")),
            (REG_S, replace(REG_D, exemption=None)),
            (REG_S, replace(REG_D, roles=("holder_residence",))),
        ],
        ids=["reg s", "reg d", "elsewhere", "not recorded how", "not offered there"],
    )
    def test_otherwise_there_is_none(self, tags: tuple[Tag, ...]) -> None:
        assert found(Snapshot(tags=tags), *active_packs("US-SEC")) == ()


class TestOutlook:
    def compliant(self, **more: Any) -> Snapshot:
        held = attestation(expires_at=NOW + days(10))
        return Snapshot(tags=(US,), attestations=(held,), **more)

    RULE = pack(requirement(check_kind="attestation_present", params={"types": ["WhitePaper"]}))

    def look(self, snapshot: Snapshot, *packs: Pack, **more: Any) -> Outlook:
        return outlook(snapshot, packs, NOW, aggregate(evaluate(snapshot, packs, NOW), NOW), **more)

    def test_it_turns_worse_when_its_evidence_expires(self) -> None:
        seen = self.look(self.compliant(), self.RULE)
        assert (seen.at, seen.status) == (NOW + days(10), "NonCompliant")
        assert [one.key for one in seen.rationale] == ["us.rule"]

    def test_a_flip_that_does_not_make_it_worse_is_passed_over(self) -> None:
        review = requirement(
            "us.advice",
            severity=Severity.RECOMMENDED,
            check_kind="date_within",
            params={"field": "metadata.kycVerificationDate", "notAfter": "now"},
        )
        both = pack(*self.RULE.requirements, review)
        ahead = self.compliant(facts={"metadata.kycVerificationDate": "2026-11-25"})
        seen = self.look(ahead, both)
        assert (seen.at, seen.status) == (NOW + days(10), "NonCompliant")
        bounded = self.look(ahead, both, max_flips=1)
        assert (bounded.at, bounded.looked_until) == (None, NOW + days(10))

    def test_nothing_is_worse_than_non_compliant_and_nothing_comes_without_a_flip(self) -> None:
        assert self.look(Snapshot(tags=(US,)), self.RULE) == Outlook()
        lasting = Snapshot(tags=(US,), attestations=(attestation(),))
        assert self.look(lasting, self.RULE) == Outlook()

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(SEEDS, st.floats(0, 1))
    def test_up_to_then_it_is_no_worse(self, seed: int, fraction: float) -> None:
        drawer = Drawer(seed)
        snapshot, packs = drawer.snapshot(), drawer.packs()
        now = aggregate(evaluate(snapshot, packs, NOW), NOW)
        seen = outlook(snapshot, packs, NOW, now)
        rank = WORST_FIRST.index(now.status)
        if seen.at is not None:
            then = aggregate(evaluate(snapshot, packs, seen.at), seen.at)
            assert then.status == seen.status
            assert WORST_FIRST.index(then.status) < rank
        end = (seen.at or seen.looked_until or NOW + days(9_000)) - MICROSECOND
        for moment in (NOW + (end - NOW) * fraction, end):
            later = aggregate(evaluate(snapshot, packs, moment), moment)
            assert WORST_FIRST.index(later.status) >= rank


class TestWarnings:
    def test_each_code_is_said_once_with_its_checks(self) -> None:
        rules = [
            requirement(
                f"us.{word}", check_kind="attestation_present", params={"types": ["WhitePaper"]}
            )
            for word in ("a", "b")
        ]
        held = attestation(expires_at=NOW + days(30))
        (warning,) = warnings_of(
            evaluate(Snapshot(tags=(US,), attestations=(held,)), [pack(*rules)], NOW)
        )
        assert (warning.code, warning.checks, warning.at) == (
            "evidence_expiring",
            ("us.a", "us.b"),
            NOW + days(30),
        )

    def test_a_contradicting_classification_and_an_assumption(self) -> None:
        asks = {"fact": "token.dltVenue", "op": "eq", "value": False}
        snapshot = Snapshot(
            facts={"metadata.assetType": "Security Token"},
            tags=(Tag("US", classification="UTILITY"),),
            assumed={"token.dltVenue": False},
        )
        results = evaluate(snapshot, [pack(requirement(applies_when=asks))], NOW)
        assert {one.code: one.facts for one in warnings_of(results)} == {
            "assumed_fact": ("token.dltVenue",),
            "classification_inconsistent": (),
        }
        assert Assumption("token.dltVenue", False) in results[-1].assumptions

    def test_a_warning_begins_thirty_days_before_the_end(self) -> None:
        snapshot = Snapshot(
            tags=(US,),
            attestations=(attestation(expires_at=NOW + days(100)),),
            lists={"l": ScreeningList("l", "l", date(2026, 11, 1), frozenset(), 100)},
        )
        rule = requirement(check_kind="attestation_present", params={"types": ["WhitePaper"]})

        def begins(snapshot: Snapshot, now: Any = NOW) -> Any:
            return warnings_change_at(snapshot, evaluate(snapshot, [pack(rule)], now), now)

        assert begins(snapshot) == NOW + days(70)
        before, then = NOW + days(70) - MICROSECOND, NOW + days(70)
        assert warnings_of(evaluate(snapshot, [pack(rule)], before)) == ()
        assert [o.code for o in warnings_of(evaluate(snapshot, [pack(rule)], then))] == [
            "evidence_expiring"
        ]
        assert begins(snapshot, then) == midnight("2027-02-10")
        assert begins(Snapshot(tags=(US,))) is None
