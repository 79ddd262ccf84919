"""Golden reports: thirteen tokens that differ in what matters, an issuer, an issuance.

After a change that is meant to change them, `UPDATE_GOLDEN=1 pytest tests/compliance/
test_report_golden.py` writes them anew; read the difference before you commit it.
"""

import json
import os
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from audit.signing import public_keys
from compliance.choices import ReportType
from compliance.reports.oscal import oscal_bytes
from compliance.reports.pdf import pdf_bytes
from compliance.reports.schema import schema_document
from compliance.reports.seal import inspect
from compliance.reports.table import csv_bytes
from tests.compliance.golden_subjects import NAMES, TOKENS, golden_content, issuer_content
from tests.compliance.golden_tokens import FOLDER, golden, kept, seal


@pytest.fixture(scope="module", autouse=True)
def _updated() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        for name in NAMES:
            content = json.loads(golden_content(name).text)
            text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
            (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def deciding(name: str) -> list[tuple[str, str]]:
    return [(one["key"], one["reasonCode"]) for one in kept(name)["summary"]["rationale"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_the_golden_one(name: str) -> None:
    assert json.loads(golden_content(name).text) == kept(name)


def test_there_is_no_other_golden_report() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_sealed_and_the_same_every_time(name: str) -> None:
    content = golden_content(name)
    sealed = seal(content)
    assert sealed == seal(content)
    report = json.loads(sealed)
    for version in sorted({content.schema_version, "1.1"}):
        Draft202012Validator(schema_document(version)).validate(report)
    assert inspect(sealed, report, public_keys()).holds
    again: Any = golden_content.__wrapped__(name)
    assert (again.text, again.fingerprint) == (content.text, content.fingerprint)
    for form in (lambda: csv_bytes(report["content"]), lambda: pdf_bytes(report)):
        assert form() == form()
    assert oscal_bytes(report) == oscal_bytes(report)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("compliant", "Compliant"),
        ("jurisdiction-de", "PartiallyCompliant"),
        ("classification-financial", "PartiallyCompliant"),
        ("exemption-506c", "NonCompliant"),
        ("missing-fact", "NonCompliant"),
        ("expired-evidence", "NonCompliant"),
        ("waiver", "PartiallyCompliant"),
        ("unknown-jurisdiction", "NonCompliant"),
    ],
)
def test_the_golden_statuses_are_what_the_rules_ask_for(name: str, status: str) -> None:
    assert kept(name)["summary"]["status"] == status


def test_what_decides_is_what_the_token_differs_in() -> None:
    assert deciding("expired-evidence") == [("base.kyc_attestation", "evidence_expired")]
    assert deciding("waiver") == [("base.kyc_attestation", "evidence_expired")]
    assert deciding("missing-fact") == [("base.issuer_profile", "fact_missing")]
    unread = {code for _, code in deciding("unknown-jurisdiction")}
    assert unread == {"jurisdiction_unrecognized"}
    unclassified = ("engine.classification_recorded", "classification_missing")
    assert unclassified in deciding("jurisdiction-de")
    assert unclassified not in deciding("classification-financial")
    applying = {
        name: {one["key"] for one in kept(name)["checks"] if one["verdict"] != "NotApplicable"}
        for name in ("exemption-506c", "deadline-last-day")
    }
    assert applying["deadline-last-day"] - applying["exemption-506c"] == {
        "us.regd.form_d", "us.regd.form_d_deadline",
    }  # fmt: skip


def test_a_deadline_divides_two_days() -> None:
    verdicts = [
        {check["key"]: (check["verdict"], check["reasonCode"]) for check in kept(name)["checks"]}
        for name in ("deadline-last-day", "deadline-next-day")
    ]
    last, following = verdicts
    assert last["us.regd.form_d_deadline"] == ("Pass", "deadline_open")
    assert following["us.regd.form_d_deadline"] == ("Fail", "deadline_passed")
    assert {key for key in last if last[key] != following[key]} == {"us.regd.form_d_deadline"}


def test_a_waiver_is_printed_with_the_verdict_beneath_it() -> None:
    (check,) = [one for one in kept("waiver")["checks"] if one["verdict"] == "Waived"]
    assert check["underlyingVerdict"] == "Fail"
    assert check["waiver"]["reason"] == "The provider changes in January"
    assert check["waiver"]["expiresAt"] == "2027-02-20T12:00:00Z"
    report = json.loads(seal(golden("waiver")[1]))
    assert b"The provider changes in January" in csv_bytes(report["content"])
    assert b"Waived until 2027-02-20T12:00:00Z" in pdf_bytes(report)
    (finding,) = [
        one
        for one in json.loads(oscal_bytes(report))["assessment-results"]["results"][0]["findings"]
        if one["target"]["target-id"] == "base.kyc_attestation"
    ]
    assert finding["target"]["status"]["state"] == "not-satisfied"
    assert finding["target"]["status"]["reason"] == "other"
    assert {one["name"]: one["value"] for one in finding["props"]}["verdict"] == "Waived"


def test_mica_readiness_holds_the_checks_of_mica_alone() -> None:
    content = kept("mica-readiness")
    assert {check["pack"]["id"] for check in content["checks"]} == {"eu-mica"}
    assert content["micaReadiness"]["applies"] is True
    assert content["micaReadiness"]["counts"] != content["summary"]["counts"]
    assert {one["id"] for one in content["micaReadiness"]["packVersions"]} == {"eu-mica"}
    cited = {one["text"] for check in content["checks"] for one in check["citations"]}
    assert any("Art" in text for text in cited)


def test_an_issuer_is_as_compliant_as_its_worst_token() -> None:
    content = kept("issuer")
    summary, tokens = content["summary"], content["tokens"]
    assert [one["token"]["assetId"] for one in tokens] == ["900", "1000", "1001"]
    assert [one["summary"]["status"] for one in tokens] == [
        "Compliant", "PartiallyCompliant", "NonCompliant",
    ]  # fmt: skip
    assert summary["status"] == "NonCompliant"
    assert summary["tokens"] == {
        "Compliant": 1, "PartiallyCompliant": 1, "NonCompliant": 1, "Unknown": 0,
    }  # fmt: skip
    assert [(one["key"], one["tokens"]) for one in summary["rationale"]] == [
        ("base.kyc_attestation", 1)
    ]
    for verdict, count in summary["counts"].items():
        assert count == sum(one["summary"]["counts"][verdict] for one in tokens)
    by_code = {
        one["jurisdiction"]: (one["status"], one["tokens"]) for one in summary["jurisdictions"]
    }
    german = {one["jurisdiction"]: one["status"] for one in tokens[1]["summary"]["jurisdictions"]}
    assert by_code == {"DE": (german["DE"], 1), "GLOBAL": ("NonCompliant", 3)} | {
        code: (status, 1) for code, status in german.items() if code not in ("DE", "GLOBAL")
    }
    lacking = {one["fact"] for one in summary["missingFacts"]}
    assert lacking == {fact["fact"] for one in tokens for fact in one["summary"]["missingFacts"]}
    assert content["inputs"]["snapshots"] == sorted(one["snapshot"] for one in tokens)
    assert "token" not in content


def test_a_section_says_what_a_report_on_the_token_says() -> None:
    (section,) = [one for one in kept("issuer")["tokens"] if one["token"]["assetId"] == "1000"]
    alone = kept("jurisdiction-de")
    assert {name: section[name] for name in ("summary", "checks", "requiredChecks")} == {
        name: alone[name] for name in ("summary", "checks", "requiredChecks")
    }
    assert section["snapshot"] == alone["inputs"]["snapshot"]


def test_the_order_in_which_the_tokens_were_done_changes_nothing() -> None:
    first = issuer_content(ReportType.FULL, TOKENS)
    assert issuer_content(ReportType.FULL, TOKENS, reverse=True) == first
    fewer = dict(list(TOKENS.items())[:2])
    assert issuer_content(ReportType.FULL, fewer).fingerprint != first.fingerprint


def test_the_badge_of_an_issuer_shows_what_all_tokens_have() -> None:
    badge = kept("issuer-badge")["badge"]
    assert badge["badgeStatus"] == "Incomplete"
    assert "KYC" not in {one["evidenceType"] for one in badge["evidence"]}
    assert "AML" in {one["evidenceType"] for one in badge["evidence"]}
    missing = {one["key"]: one["tokens"] for one in badge["missingRequirements"]}
    assert missing["base.kyc_attestation"] == 1
    without = issuer_content(ReportType.COMPLIANCE_BADGE, {})
    assert json.loads(without.text)["badge"]["badgeStatus"] == "Incomplete"


def test_an_issuer_without_tokens_is_unknown() -> None:
    content = kept("issuer-without-tokens")
    assert content["summary"]["status"] == "Unknown"
    assert [one["code"] for one in content["warnings"]] == ["no_tokens"]
    assert content["micaReadiness"]["applies"] is False


def test_an_issuance_is_named_with_its_checks() -> None:
    content = kept("issuance")
    assert content["schemaVersion"] == "1.1"
    assert content["subject"]["kind"] == "Issuance"
    issued = content["issuance"]
    assert (issued["issuedAt"], issued["confirmedRound"]) == ("2026-11-02T12:00:00Z", "5")
    assert {one["verdict"] for one in issued["checks"]} == {"Pass"}
    token = {name: value for name, value in kept("compliant").items() if name != "schemaVersion"}
    assert {name: content[name] for name in token} == token


def test_the_table_of_an_issuer_names_the_token_of_every_row() -> None:
    report = json.loads(seal(golden_content("issuer")))
    lines = csv_bytes(report["content"]).decode("utf-8-sig").splitlines()
    assert lines[0].split(",")[:3] == ["AssetId", "Network", "TokenStatus"]
    assert {line.split(",")[0] for line in lines[1:]} == {"900", "1000", "1001"}
    assert len(lines) == 1 + sum(len(one["checks"]) for one in report["content"]["tokens"])


def test_every_finding_of_an_issuer_has_an_id_of_its_own() -> None:
    report = json.loads(seal(golden_content("issuer")))
    results = json.loads(oscal_bytes(report))["assessment-results"]["results"]
    assert [one["props"][0]["value"] for one in results] == [
        "NonCompliant", "Compliant", "PartiallyCompliant", "NonCompliant",
    ]  # fmt: skip
    for kind in ("observations", "findings"):
        ids = [one["uuid"] for result in results for one in result[kind]]
        assert len(ids) == len(set(ids)) > len(results)
