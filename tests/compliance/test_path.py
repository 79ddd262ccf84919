"""What a status says beside its verdict: the way out, warnings, the outlook, conflicts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Token, User
from compliance.models import TokenStatus
from compliance.services.metadata import metadata_upsert
from jurisdictions.loading import rules_load
from tests.compliance.conftest import ASSET, attest, trail_verified
from tests.factories import VOI
from whitelist.services.policies import whitelist_policy_set

Read = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.django_db


def codes(status: dict[str, Any]) -> list[str]:
    return [one["code"] for one in status["warnings"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestThePath:
    def test_a_compliant_token_has_nowhere_to_go(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        assert status_of(owner)["pathToCompliance"] == {"found": True, "steps": [], "blockers": []}

    def test_what_is_missing_is_named_and_doing_it_is_enough(
        self, compliant_token: Token, owner: User, officer: User, status_of: Read
    ) -> None:
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        metadata_upsert(
            actor=owner, asset_id=ASSET, network=VOI, changes={"verification_status": "Pending"}
        )
        path = status_of(owner)["pathToCompliance"]
        assert path == {
            "found": True,
            "blockers": [],
            "steps": [
                {
                    "kind": "change_fact",
                    "target": {
                        "fact": "metadata.verificationStatus",
                        "tags": [],
                        "value": "Verified",
                        "rule": "Verified",
                    },
                    "by": ["issuer", "compliance_officer"],
                    "unlocks": ["base.kyc_status"],
                },
                {
                    "kind": "set_whitelist_policy",
                    "target": {"enforcement": "Mandatory"},
                    "by": ["issuer", "compliance_officer"],
                    "unlocks": ["base.whitelist_enforced"],
                },
            ],
        }
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Mandatory")
        metadata_upsert(
            actor=owner, asset_id=ASSET, network=VOI, changes={"verification_status": "Verified"}
        )
        assert status_of(owner)["status"] == "Compliant"

    def test_without_a_rule_pack_there_is_none_and_it_says_so(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "BR"})
        path = status_of(owner)["pathToCompliance"]
        assert (path["found"], path["steps"]) == (False, [])
        assert {
            "key": "engine.rule_pack_available",
            "jurisdiction": "BR",
            "reason": "no rule pack is in force for BR",
        } in path["blockers"]

    def test_the_seeds_example_has_one(self, db: None, owner: User, status_of: Read) -> None:
        six = ("global-baseline", "eu-mica", "eu-aml", "eu-securities", "fatf", "us-sec")
        rules_load(activate=six)
        trail_verified()
        metadata_upsert(
            actor=owner,
            asset_id=ASSET,
            network=VOI,
            changes={
                "jurisdiction": "US,EU",
                "asset_type": "Security Token",
                "kyc_provider": "Sumsub",
                "kyc_verification_date": timezone.now() - timedelta(days=3),
                "verification_status": "Verified",
            },
        )
        status = status_of(owner)
        assert status["status"] == "NonCompliant"
        assert status["pathToCompliance"]["found"]
        answered = {
            (one["target"]["fact"], *one["target"]["tags"])
            for one in status["pathToCompliance"]["steps"]
            if one["kind"] == "record_fact"
        }
        assert answered >= {
            ("tag.classification", "EU"),
            ("tag.classification", "US"),
            ("tag.exemption", "US"),
        }


class TestWarnings:
    def test_an_owner_whom_nobody_verified(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        assert codes(status_of(owner)) == ["owner_unverified"]

    def test_expiring_evidence_shows_thirty_days_before_whether_or_not_a_verdict_flips(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        ends = compliant_token.attestations.order_by("expires_at")[0].expires_at
        assert ends is not None
        with time_machine.travel(timezone.now(), tick=False) as clock:
            assert "evidence_expiring" not in codes(status_of(owner))
            clock.move_to(ends - timedelta(days=30, microseconds=1))
            assert "evidence_expiring" not in codes(status_of(owner))
            clock.move_to(ends - timedelta(days=30))
            (warning,) = [
                o for o in status_of(owner)["warnings"] if o["code"] == "evidence_expiring"
            ]
        assert warning["checks"] == ["base.kyc_attestation"]
        assert moment(warning["at"]) == ends

    def test_the_next_evaluation_covers_warnings(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        status = status_of(owner)
        row = TokenStatus.objects.get()
        assert row.next_evaluation_at == moment(status["nextEvaluationAt"])
        assert row.next_evaluation_at < moment(status["worsensAt"])


class TestTheOutlook:
    def test_the_day_on_which_it_turns_worse_and_by_what(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        before = status_of(owner)
        assert before["foreseenUntil"] is None
        when = moment(before["worsensAt"])
        with time_machine.travel(when - timedelta(microseconds=1), tick=False) as clock:
            assert status_of(owner)["status"] == "Compliant"
            clock.move_to(when)
            after = status_of(owner)
        assert after["status"] == before["worsensTo"] != "Compliant"
        assert before["worsensBy"] == after["rationale"]

    def test_a_failing_token_does_not_turn_worse(
        self, baseline: None, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "US"})
        status = status_of(owner)
        assert status["status"] == "NonCompliant"
        assert [status[name] for name in ("worsensAt", "worsensTo", "worsensBy")] == [
            None,
            None,
            [],
        ]


def test_the_status_under_each_pack_is_shown(
    compliant_token: Token, owner: User, officer: User, status_of: Read
) -> None:
    status = status_of(owner)
    assert status["conflicts"] == []
    (framework,) = status["frameworks"]
    assert framework == {
        "packId": "global-baseline",
        "version": "2026.11.1",
        "framework": framework["framework"],
        "jurisdiction": "GLOBAL",
        "status": "Compliant",
        "requiredMet": True,
    }
    attest(owner, officer, "KYC", expires_at=timezone.now() + timedelta(days=400))
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Optional")
    (framework,) = status_of(owner)["frameworks"]
    assert (framework["status"], framework["requiredMet"]) == ("NonCompliant", False)
