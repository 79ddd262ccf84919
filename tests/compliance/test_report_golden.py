"""Golden reports: thirteen tokens that differ in what matters, as the engine judges them.

After a change that is meant to change them, `UPDATE_GOLDEN=1 pytest tests/compliance/
test_report_golden.py` writes them anew; read the difference before you commit it.
"""

import json
import os
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compliance.reports.oscal import oscal_bytes
from compliance.reports.pdf import pdf_bytes
from compliance.reports.schema import schema_document
from compliance.reports.seal import inspect
from compliance.reports.table import csv_bytes
from compliance.signing import public_keys
from tests.compliance.golden_tokens import FOLDER, MAKERS, golden, kept, seal

NAMES = sorted(MAKERS)


@pytest.fixture(scope="module", autouse=True)
def _updated() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        for name in NAMES:
            content = json.loads(golden(name)[1].text)
            text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
            (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def deciding(name: str) -> list[tuple[str, str]]:
    return [(one["key"], one["reasonCode"]) for one in kept(name)["summary"]["rationale"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_the_golden_one(name: str) -> None:
    assert json.loads(golden(name)[1].text) == kept(name)


def test_there_is_no_other_golden_report() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_sealed_and_the_same_every_time(name: str) -> None:
    _, content = golden(name)
    sealed = seal(content)
    assert sealed == seal(content)
    report = json.loads(sealed)
    Draft202012Validator(schema_document("1.0")).validate(report)
    assert inspect(sealed, report, public_keys()).holds
    again: Any = golden.__wrapped__(name)[1]
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
