"""What each type of report holds, by which names it is asked for, and what it leaves out."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Token, User
from audit.merkle import leaf_hash
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.services import record_event
from compliance import report_material
from compliance.services.metadata import metadata_upsert
from config.api.formats import utc_text
from tests.compliance.conftest import ASSET
from tests.compliance.reports import URL, generate
from tests.factories import VOI, client_for
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (None, "Full"),
        ("Full", "Full"),
        ("full", "Full"),
        ("TokenCompliance", "Full"),
        ("tokencompliance", "Full"),
        (3, "Full"),
        ("MICAREADINESS", "MicaReadiness"),
        (0, "MicaReadiness"),
        ("0", "MicaReadiness"),
        ("auditTrail", "AuditTrail"),
        (1, "AuditTrail"),
        (2, "ComplianceBadge"),
        (" complianceBadge ", "ComplianceBadge"),
    ],
)
def test_a_type_is_named_in_any_case_or_by_the_older_integer(
    compliant_token: Token, owner: User, asked: Any, kind: str
) -> None:
    report = generate(owner, reportType=asked)
    assert report["reportType"] == report["content"]["reportType"] == kind
    listed = client_for(owner).get(URL).json()["reports"]
    assert [one["reportType"] for one in listed] == [kind]


def test_a_full_report_says_which_attestations_are_present_and_required(
    compliant_token: Token, owner: User
) -> None:
    attestations = {
        one["attestationType"]: one for one in generate(owner)["content"]["attestations"]
    }
    assert attestations["KYC"]["present"] is True
    assert attestations["KYC"]["counts"]["Verified"] == 1
    assert attestations["KYC"]["requiredBy"] == ["base.kyc_attestation"]
    row = compliant_token.attestations.get(attestation_type="KYC")
    assert attestations["KYC"]["validUntil"] == utc_text(row.expires_at)
    assert attestations["KYB"]["present"] is False
    assert sum(attestations["KYB"]["counts"].values()) == 0
    assert attestations["AML"]["present"] is True


def test_a_full_report_says_what_the_audit_trail_holds(compliant_token: Token, owner: User) -> None:
    trail = generate(owner)["content"]["auditTrail"]
    assert (trail["complete"], trail["chainVerified"], trail["missingEvents"]) == (True, True, [])
    assert [one["name"] for one in trail["evidenceEvents"]] == ["MetadataUpserted", "TokenDeployed"]
    changes = trail["changes"]
    counts = {one["eventType"]: one["count"] for one in changes["byType"]}
    assert counts["attestations.attestation.verified"] == 2
    assert changes["total"] == sum(counts.values())
    assert "compliance.report.generated" not in counts
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    later = generate(owner)["content"]["auditTrail"]["changes"]
    assert later["total"] == changes["total"] + 1
    assert later["lastAt"] > changes["lastAt"]


def test_a_full_report_groups_what_is_required_by_jurisdiction_rule(
    compliant_token: Token, owner: User
) -> None:
    content = generate(owner)["content"]
    (group,) = content["requiredChecks"]
    assert group["jurisdiction"] == "GLOBAL"
    rules = {one["id"]: one for one in group["rules"]}
    assert rules["global-baseline"]["framework"] == "PLATFORM"
    expected = [
        check["key"]
        for check in content["checks"]
        if check["severity"] == "required" and check["verdict"] != "NotApplicable"
    ]
    assert [one["key"] for one in group["checks"]] == expected
    assert {one["verdict"] for one in group["checks"]} == {"Pass"}


def test_a_full_report_names_the_next_best_facts(baseline: None, owner: User) -> None:
    metadata_upsert(actor=owner, asset_id=ASSET, network="testnet-v1.0", changes={})
    content = generate(owner)["content"]
    facts = content["nextBestFacts"]
    assert facts
    assert [one["fact"] for one in facts] == [
        one["fact"] for one in content["summary"]["missingFacts"][:10]
    ]
    assert [one["unlocksChecks"] for one in facts] == sorted(
        (one["unlocksChecks"] for one in facts), reverse=True
    )
    assert all(one["type"] for one in facts)


def test_checks_carry_time_confidence_and_waiver(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    for check in report["content"]["checks"]:
        assert check["evaluatedAt"] == report["asOf"]
        assert check["waiver"] is None
        assert check["confidence"] == ("high" if check["key"].startswith("base.") else None)


def test_mica_readiness_without_mica_says_why(compliant_token: Token, owner: User) -> None:
    content = generate(owner, reportType="MicaReadiness")["content"]
    readiness = content["micaReadiness"]
    assert (readiness["applies"], readiness["status"]) == (False, "Unknown")
    assert readiness["note"] == "No MiCA rule pack is in force."
    assert content["checks"] == []
    assert content["summary"]["status"] == "Compliant"
    assert not {"score", "readinessScore"} & set(readiness)


def test_an_audit_trail_lists_every_event_of_the_token(compliant_token: Token, owner: User) -> None:
    client_for(owner).get(f"/api/v1/compliance/{ASSET}")
    content = generate(owner, reportType="AuditTrail")["content"]
    rows = AuditEvent.objects.filter(asset_id=ASSET, network=VOI).order_by("-occurred_at", "-seq")
    expected = [row for row in rows if row.name != "compliance.report.generated"]
    assert [one["id"] for one in content["events"]] == [str(row.id) for row in expected]
    assert [one["leafHash"] for one in content["events"]] == [
        leaf_hash(row.body.encode()).hex() for row in expected
    ]
    assert content["events"][0]["eventType"] == "compliance.metadata.read"
    assert content["events"][-1]["eventType"] == "accounts.token.registered"
    trail = content["trail"]
    assert (trail["total"], trail["listed"]) == (len(expected), len(expected))
    assert (trail["truncated"], trail["withheld"]) == (False, 0)
    assert {one["eventType"]: one["count"] for one in trail["byType"]} == {
        name: [row.name for row in expected].count(name) for name in {row.name for row in expected}
    }
    assert trail["lastAt"] == utc_text(expected[0].occurred_at)
    assert "checks" not in content
    assert [one["code"] for one in content["warnings"]] == ["owner_unverified"]


def test_an_audit_trail_is_bounded_by_its_period_both_ends_included(
    compliant_token: Token, owner: User
) -> None:
    moments = sorted(
        AuditEvent.objects.filter(asset_id=ASSET).values_list("occurred_at", flat=True)
    )
    first, last = moments[2], moments[5]
    content = generate(
        owner, reportType="AuditTrail", fromDate=utc_text(first), toDate=utc_text(last)
    )["content"]
    assert content["period"] == {"from": utc_text(first), "to": utc_text(last)}
    listed = [one["occurredAt"] for one in content["events"]]
    expected = [moment for moment in moments if first <= moment <= last]
    assert len(listed) == len(expected) == content["trail"]["total"]
    changes = content["auditTrail"]["changes"]
    assert changes["total"] <= len(expected)
    assert changes["firstAt"] >= utc_text(first)
    today = timezone.now().date().isoformat()
    whole = generate(owner, reportType="AuditTrail", fromDate=today, toDate=today)["content"]
    assert whole["trail"]["total"] >= len(moments) - 2
    assert whole["period"]["to"] == f"{today}T23:59:59.999999Z"


def test_an_audit_trail_of_a_finished_period_is_reused_and_has_one_digest(
    compliant_token: Token, owner: User, officer: User
) -> None:
    end = utc_text(timezone.now())
    first = generate(owner, reportType="AuditTrail", toDate=end)
    assert generate(officer, reportType="AuditTrail", toDate=end)["reused"] is True
    as_of = utc_text(timezone.now())
    digests = {generate(one, reportType=1, asOf=as_of)["digest"] for one in (owner, officer)}
    assert len(digests) == 1
    assert first["digest"] not in digests


def test_an_audit_trail_that_is_cut_says_so(
    compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_material, "EVENT_LIMIT", 3)
    content = generate(owner, reportType="AuditTrail")["content"]
    trail = content["trail"]
    assert trail["truncated"] is True
    assert trail["listed"] == len(content["events"]) == 3
    assert trail["total"] == sum(one["count"] for one in trail["byType"]) > 3
    assert content["events"][0]["occurredAt"] == max(one["occurredAt"] for one in content["events"])
    (warning,) = [one for one in content["warnings"] if one["code"] == "events_truncated"]
    assert f"the newest 3 of {trail['total']} events" in warning["message"]


def test_an_audit_trail_withholds_what_was_recorded_for_another_issuer(
    compliant_token: Token, owner: User, officer: User, outsider: User
) -> None:
    (other,) = outsider.issuer_ids
    record_event(
        "compliance.metadata.read", actor=SYSTEM, asset_id=ASSET, network=VOI, issuer_id=other
    )
    record_event("security.access.denied", actor=SYSTEM, asset_id=ASSET, network=VOI)
    for user in (officer, owner):
        content = generate(user, reportType="AuditTrail", asOf=utc_text(timezone.now()))["content"]
        assert content["trail"]["withheld"] == 2
        assert "security.access.denied" not in {one["eventType"] for one in content["events"]}
        assert "events_withheld" in [one["code"] for one in content["warnings"]]


def test_a_badge_names_the_evidence_and_what_is_missing(
    compliant_token: Token, owner: User
) -> None:
    content = generate(owner, reportType="ComplianceBadge")["content"]
    badge = content["badge"]
    assert (badge["badgeStatus"], badge["missingRequirements"]) == ("Eligible", [])
    evidence = {one["evidenceType"]: one for one in badge["evidence"]}
    assert set(evidence) == {
        "AML", "KYC", "MetadataUpserted", "TokenDeployed", "VerifiedAuditTrail", "WhitelistPolicy",
    }  # fmt: skip
    kyc = compliant_token.attestations.get(attestation_type="KYC")
    assert evidence["KYC"]["references"] == [str(kyc.pk)]
    assert "checks" not in content
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    badge = generate(owner, reportType="ComplianceBadge")["content"]["badge"]
    assert badge["badgeStatus"] == "Incomplete"
    assert [one["key"] for one in badge["missingRequirements"]] == ["base.whitelist_enforced"]


def test_expired_evidence_is_not_present(compliant_token: Token, owner: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=301)):
        full = generate(owner)["content"]
        badge = generate(owner, reportType="ComplianceBadge")["content"]["badge"]
    kyc = {one["attestationType"]: one for one in full["attestations"]}["KYC"]
    assert (kyc["present"], kyc["counts"]["Expired"], kyc["counts"]["Verified"]) == (False, 1, 0)
    assert kyc["validUntil"] is None
    assert "KYC" not in {one["evidenceType"] for one in badge["evidence"]}
