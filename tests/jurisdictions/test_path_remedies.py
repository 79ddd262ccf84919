"""pathToCompliance: what each kind of check says would satisfy it."""

from dataclasses import replace
from typing import Any

import pytest

from jurisdictions.engine import AuditEventFact, AuditFacts, Snapshot, WhitelistFacts
from tests.jurisdictions.builders import NOW, attestation, days, entry
from tests.jurisdictions.test_engine_properties import LISTS
from tests.jurisdictions.test_path import NAMED, rules, token, walked


def one_step(snapshot: Snapshot, kind: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (step,) = walked(snapshot, rules((kind, params))).steps
    assert step.unlocks == ("us.r0",)
    return str(step.kind), dict(step.target)


def blocked(snapshot: Snapshot, kind: str, params: dict[str, Any]) -> str:
    path = walked(snapshot, rules((kind, params)))
    (blocker,) = path.blockers
    assert (blocker.key, blocker.jurisdiction) == ("us.r0", "US")
    return blocker.reason


class TestEachKindSaysWhatWouldSatisfyIt:
    @pytest.mark.parametrize(
        ("kind", "params", "value", "rule"),
        [
            ("field_present", {"field": "token.isin"}, None, "recorded as it is"),
            (
                "field_present",
                {"field": "issuer.lei", "checksum": "lei"},
                None,
                "a valid LEI",
            ),
            (
                "field_present",
                {"field": "whitePaper.publishedUrl", "pattern": "^https://"},
                None,
                "of the form ^https://",
            ),
            (
                "field_in",
                {"field": "metadata.verificationStatus", "values": ["Verified"]},
                "Verified",
                "Verified",
            ),
            (
                "field_in",
                {"field": "token.grantsInterest", "values": [True], "mode": "none"},
                False,
                "none of true",
            ),
            ("number_within", {"field": "offering.lockupDays", "min": 365}, 365, "at least 365"),
            ("number_within", {"field": "token.holderCount", "max": 1999}, 1999, "at most 1999"),
            (
                "date_within",
                {"field": "metadata.nextComplianceReview", "notBefore": "now"},
                None,
                "not before now",
            ),
        ],
    )
    def test_a_fact_is_recorded(
        self, kind: str, params: dict[str, Any], value: object, rule: str
    ) -> None:
        assert one_step(token(), kind, params) == (
            "record_fact",
            {"fact": params["field"], "tags": [], "value": value, "rule": rule},
        )

    def test_a_recorded_fact_is_changed_where_it_can_change(self) -> None:
        late = token(facts={**NAMED, "metadata.nextComplianceReview": "2020-01-01"})
        check = {"field": "metadata.nextComplianceReview", "notBefore": "now"}
        assert one_step(late, "date_within", check)[0] == "change_fact"

    def test_what_happened_cannot_be_undone(self) -> None:
        facts = {
            **NAMED,
            "offering.formDFiledAt": "2026-10-17",
            "offering.firstSaleDate": "2026-10-01",
        }
        check = {"field": "offering.formDFiledAt", "notAfter": "offering.firstSaleDate",
                 "offset": {"n": 15, "unit": "days"}}  # fmt: skip
        assert "what happened cannot be undone" in blocked(token(facts=facts), "date_within", check)

    def test_what_the_token_legally_is_is_never_altered(self) -> None:
        check = {"field": "tag.classification", "values": ["UTILITY"]}
        assert "no step may alter" in blocked(token(), "field_in", check)

    def test_a_number_is_measured_by_others_that_are_recorded_with_it(self) -> None:
        check = {"field": "reserve.valueEur", "min": 10,
                 "minFrom": [{"field": "reserve.holderClaimsEur", "ratio": 1}]}  # fmt: skip
        path = walked(token(), rules(("number_within", check)))
        assert {one.target["fact"] for one in path.steps} == {
            "reserve.valueEur",
            "reserve.holderClaimsEur",
        }

    def test_one_value_satisfies_all_the_checks_of_the_fact(self) -> None:
        bounds = [
            ("number_within", {"field": "offering.lockupDays", "min": low}) for low in (181, 365)
        ]
        (step,) = walked(token(), rules(*bounds)).steps
        assert step.target["value"] == 365
        assert step.unlocks == ("us.r0", "us.r1")

    def test_contradicting_bounds_have_no_path(self) -> None:
        low = ("number_within", {"field": "offering.lockupDays", "min": 365})
        high = ("number_within", {"field": "offering.lockupDays", "max": 10})
        path = walked(token(), rules(low, high))
        assert [one.key for one in path.blockers] == ["us.r1"]

    def test_evidence_is_provided(self) -> None:
        check = {"types": ["RecoveryPlan", "RedemptionPlan"], "minCount": 2, "subject": "issuer",
                 "attributes": {"authority": ["BAFIN", "AMF"]}, "maxAgeDays": 30}  # fmt: skip
        assert one_step(token(), "attestation_present", check) == (
            "provide_attestation",
            {
                "types": ["RecoveryPlan", "RedemptionPlan"],
                "subject": "issuer",
                "count": 2,
                "attributes": {"authority": ["BAFIN", "AMF"]},
                "maxAgeDays": 30,
            },
        )

    def test_pending_evidence_is_verified_by_an_officer(self) -> None:
        pending = attestation(status="Pending", verified_by_id=None)
        path = walked(
            token(attestations=(pending,)),
            rules(("attestation_present", {"types": ["WhitePaper"]})),
        )
        assert [(str(one.kind), one.by) for one in path.steps] == [
            ("verify_attestation", ("compliance_officer",))
        ]
        assert path.steps[0].target["attestationId"] == "a1"

    def test_only_the_holders_without_evidence_need_it(self) -> None:
        held = attestation(subject_type="wallet", subject="W1", attestation_type="Accreditation")
        listed = WhitelistFacts("Mandatory", (entry("W1"), entry("W2"), entry("W3")))
        kind, target = one_step(
            token(whitelist=listed, attestations=(held,)),
            "attestation_coverage",
            {"types": ["Accreditation"], "population": "active_whitelist_entries"},
        )
        assert (kind, target["addresses"], target["addressCount"]) == (
            "provide_attestation",
            ["W2", "W3"],
            2,
        )

    def test_without_holders_a_first_one_is_added_with_the_evidence(self) -> None:
        check = {"types": ["AML"], "population": "active_whitelist_entries"}
        path = walked(token(), rules(("attestation_coverage", check)))
        assert [str(one.kind) for one in path.steps] == [
            "add_whitelist_entry",
            "provide_attestation",
        ]

    def test_holders_that_cannot_be_counted_have_no_path(self) -> None:
        check = {"types": ["AML"], "population": "holders"}
        assert "cannot be enumerated" in blocked(token(), "attestation_coverage", check)

    def test_the_policy_is_set(self) -> None:
        assert one_step(token(), "whitelist_enforced", {"enforcement": ["Mandatory"]}) == (
            "set_whitelist_policy",
            {"enforcement": "Mandatory"},
        )

    def test_entries_are_removed_and_corrected(self) -> None:
        entries = (
            entry("A", jurisdiction="US"),
            entry("B", jurisdiction=None),
            entry("C", kyc_verified=False),
            entry("D", expires_at=NOW - days(1)),
            entry("E"),
        )
        check = {"require": ["kycVerified", "notExpired"], "excludePersons": ["US_PERSON"]}
        path = walked(
            token(whitelist=WhitelistFacts("Mandatory", entries)),
            rules(("whitelist_entries_valid", check)),
        )
        assert {str(one.kind): one.target["addresses"] for one in path.steps} == {
            "remove_whitelist_entries": ["A"],
            "correct_whitelist_entries": ["B", "C", "D"],
        }

    def test_a_listed_holder_is_removed_and_a_listed_tag_has_no_path(self) -> None:
        holders = WhitelistFacts("Mandatory", (entry("A", jurisdiction="IR"), entry("B")))
        check = {"list": "fatf.call_for_action", "subjects": ["whitelist_jurisdictions"]}
        assert one_step(token(whitelist=holders, lists=LISTS), "list_screening", check) == (
            "remove_whitelist_entries",
            {"addresses": ["A"], "addressCount": 1, "jurisdictions": ["IR"]},
        )
        assert "not loaded" in blocked(token(), "list_screening", check)
        tagged = replace(token(lists=LISTS), facts={**NAMED, "issuer.country": "IR"})
        check = {"list": "fatf.call_for_action", "subjects": ["issuer_country"]}
        assert "IR is on" in blocked(tagged, "list_screening", check)

    def test_events_are_recorded_and_the_trail_verified(self) -> None:
        check = {"requiredEventTypes": ["TokenDeployed", "MetadataUpserted"]}
        done = AuditFacts({"TokenDeployed": AuditEventFact(1, NOW)}, None)
        path = walked(token(audit=done), rules(("audit_trail_complete", check)))
        assert [(str(one.kind), one.target.get("event")) for one in path.steps] == [
            ("record_event", "MetadataUpserted"),
            ("verify_audit_trail", None),
        ]
        broken = token(audit=AuditFacts({}, False))
        assert "does not verify" in blocked(broken, "audit_trail_complete", check)
        assert one_step(token(), "audit_event_present", {"eventType": "X", "minCount": 2}) == (
            "record_event",
            {"event": "X", "count": 2},
        )

    def test_the_longest_retention_period_is_set_once(self) -> None:
        periods = [
            ("retention_at_least", {"recordClass": "kyc_aml", "minYears": years})
            for years in (10, 5, 8)
        ]
        (step,) = walked(token(), rules(*periods)).steps
        assert (str(step.kind), dict(step.target), step.by) == (
            "set_retention_period",
            {"recordClass": "kyc_aml", "years": "10"},
            ("operator",),
        )

    def test_a_retention_that_nothing_satisfies_has_no_path(self) -> None:
        low = ("retention_at_least", {"recordClass": "k", "minYears": 8})
        high = (
            "retention_at_least",
            {"recordClass": "k", "minYears": 5, "personalDataMaxYears": 5},
        )
        path = walked(token(), rules(high, low))
        assert [one.reason for one in path.blockers] == [
            "k: no period satisfies every rule that applies"
        ]

    def test_the_deployment_is_completed_and_a_review_made(self) -> None:
        states = {"states": ["Completed"]}
        assert one_step(token(), "deployment_completed", states) == ("complete_deployment", states)
        kind, target = one_step(token(), "manual_review", {"question": "Was it looked at?"})
        assert (kind, target["types"], target["attributes"]) == (
            "provide_attestation",
            ["ManualReview"],
            {"requirementKey": "us.r0", "outcome": "satisfied"},
        )
