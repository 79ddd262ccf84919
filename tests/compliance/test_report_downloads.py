"""Downloads: four forms of a stored report, the same bytes every time, each with its SHA-256."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import override_settings
from prometheus_client import REGISTRY

from accounts.models import Token, User
from compliance.models import ComplianceReport
from compliance.reports.table import CHECK_COLUMNS, EVENT_COLUMNS, EVIDENCE_COLUMNS
from tests.compliance.reports import URL, generate
from tests.factories import client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
FORMATS = ("json", "csv", "pdf", "oscal")
TYPES = ("Full", "MicaReadiness", "AuditTrail", "ComplianceBadge")


def fetch(user: User, report_id: str, form: str | None = None, **headers: str) -> Any:
    query = {} if form is None else {"format": form}
    return client_for(user).get(f"{URL}/{report_id}/download", query, **headers)


def rows_of(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_every_type_is_the_same_to_the_byte(
    compliant_token: Token, owner: User, auditor: User, kind: str, form: str
) -> None:
    report = generate(owner, reportType=kind)
    first = fetch(owner, report["reportId"], form)
    assert first.status_code == 200, first.content
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    second = fetch(auditor, report["reportId"], form.upper())
    assert second.content == first.content
    digest = sha256(first.content).hexdigest()
    for response in (first, second):
        assert response.headers["X-Content-SHA256"] == digest
        assert response.headers["ETag"] == f'"{digest}"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    ending = "oscal.json" if form == "oscal" else form
    name = f"compliance-report-{report['reportId']}.{ending}"
    assert first.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    types = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
    assert first.headers["Content-Type"] == types.get(form, "application/json")


def test_json_is_the_default_and_the_sealed_file(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    raw = fetch(owner, report["reportId"]).content
    assert raw == fetch(owner, report["reportId"], "json").content
    assert json.loads(raw)["signature"] == report["signature"]
    assert json.loads(raw)["content"] == report["content"]


@pytest.mark.parametrize("form", ["xml", "0", "json,csv", " pdf2"])
def test_another_form_is_refused(compliant_token: Token, owner: User, form: str) -> None:
    report = generate(owner)
    response = fetch(owner, report["reportId"], form)
    assert response.status_code == 400
    assert list(response.json()["details"]) == ["format"]
    assert "json, csv, pdf, oscal" in response.json()["errorMessage"]
    assert event_bodies("compliance.report.exported") == []
    (failure,) = event_bodies("compliance.report.export_failed")
    assert failure["referenceId"] == report["reportId"]


def test_an_unknown_parameter_is_refused(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    path = f"{URL}/{report['reportId']}"
    assert client_for(owner).get(f"{path}/download?fmt=csv").status_code == 400
    assert client_for(owner).get(f"{path}/bundle?format=zip").status_code == 400


@pytest.mark.parametrize("path", ["download", "bundle"])
def test_who_may_download(
    compliant_token: Token,
    owner: User,
    member: User,
    outsider: User,
    officer: User,
    auditor: User,
    path: str,
) -> None:
    report = generate(owner)
    url = f"{URL}/{report['reportId']}/{path}"
    for user in (owner, member, officer, auditor):
        assert client_for(user).get(url).status_code == 200
    hidden = client_for(outsider).get(url)
    assert (hidden.status_code, hidden.json()["errorCode"]) == (404, "NOT_FOUND")
    (denied,) = event_bodies("security.access.denied")
    assert denied["actor"] == outsider.address
    assert client_for(None).get(url).status_code == 401
    assert client_for(owner).get(f"{URL}/{uuid4()}/{path}").status_code == 404


def test_every_download_is_an_event_and_counted(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    checks = len(report["content"]["checks"])
    labels = {"view": "compliance-report", "format": "csv"}
    before = REGISTRY.get_sample_value("assayer_exported_rows_total", labels) or 0
    response = fetch(owner, report["reportId"], "csv")
    assert REGISTRY.get_sample_value("assayer_exported_rows_total", labels) == before + checks
    (event,) = event_bodies("compliance.report.exported")
    assert (event["referenceType"], event["referenceId"]) == ("report", report["reportId"])
    assert event["actor"] == owner.address
    assert event["itemCount"] == checks
    assert event["details"] == {
        "format": "csv",
        "sha256": response.headers["X-Content-SHA256"],
        "bytes": len(response.content),
    }
    held = fetch(owner, report["reportId"], "csv", HTTP_IF_NONE_MATCH=response.headers["ETag"])
    assert (held.status_code, held.content) == (304, b"")
    assert len(event_bodies("compliance.report.exported")) == 1
    (read,) = event_bodies("compliance.report.read")
    assert read["details"]["format"] == "csv"
    other = fetch(owner, report["reportId"], "pdf", HTTP_IF_NONE_MATCH=response.headers["ETag"])
    assert other.status_code == 200


@override_settings(RATE_LIMIT_EXPORT="2/m")
def test_downloads_are_limited(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    assert fetch(owner, report["reportId"]).status_code == 200
    limited = client_for(owner).get(f"{URL}/{report['reportId']}/bundle")
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) >= 1


def test_a_report_from_before_there_were_seals_has_no_file(
    compliant_token: Token, owner: User
) -> None:
    old = ComplianceReport.objects.create(
        token=compliant_token,
        schema_version="1.0",
        status="Compliant",
        as_of=datetime.now(UTC),
        content="{}",
        digest=sha256(b"{}").hexdigest(),
        created_by="before",
    )
    client = client_for(owner)
    for path in ("download", "bundle"):
        response = client.get(f"{URL}/{old.pk}/{path}")
        assert (response.status_code, response.json()["errorCode"]) == (409, "CONFLICT")
    assert client.get(f"{URL}/{old.pk}").json()["report"]["signature"] is None


def test_csv_has_a_row_a_check(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    raw = fetch(owner, report["reportId"], "csv").content
    assert raw.endswith(b"\r\n")
    header, *rows = rows_of(raw)
    assert tuple(header) == CHECK_COLUMNS
    checks = report["content"]["checks"]
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(one["Key"], one["Verdict"]) for one in shown] == [
        (check["key"], check["verdict"]) for check in checks
    ]
    (kyc,) = [one for one in shown if one["Key"] == "base.kyc_attestation"]
    assert (kyc["Basis"], kyc["Confidence"], kyc["Citation"]) == ("policy", "high", "policy")
    attestation = compliant_token.attestations.get(attestation_type="KYC")
    assert kyc["Evidence"] == f"attestation {attestation.pk}"
    assert kyc["EvaluatedAt"] == report["asOf"]


def test_csv_of_an_audit_trail_has_a_row_an_event(compliant_token: Token, owner: User) -> None:
    report = generate(owner, reportType="AuditTrail")
    header, *rows = rows_of(fetch(owner, report["reportId"], "csv").content)
    assert tuple(header) == EVENT_COLUMNS
    events = report["content"]["events"]
    assert [row[0] for row in rows] == [event["id"] for event in events]
    assert {row[header.index("Success")] for row in rows} == {"True"}
    assert {row[header.index("AssetId")] for row in rows} == {str(compliant_token.asset_id)}
    badge = generate(owner, reportType="ComplianceBadge")
    header, *rows = rows_of(fetch(owner, badge["reportId"], "csv").content)
    assert tuple(header) == EVIDENCE_COLUMNS
    assert "KYC" in [row[0] for row in rows]


def test_csv_is_guarded_against_formulas(
    compliant_token: Token, owner: User, officer: User
) -> None:
    from compliance.reports.table import csv_bytes

    content = json.loads(fetch(owner, generate(owner)["reportId"]).content)["content"]
    content["checks"][0]["reason"] = '=HYPERLINK("x")'
    assert b'"\'=HYPERLINK(""x"")"' in csv_bytes(content)


def pages_of(raw: bytes) -> int:
    found = re.search(rb"/Count (\d+)", raw)
    assert found is not None
    return int(found[1])


def test_pdf_is_dated_paginated_and_says_how_to_check_it(
    compliant_token: Token, owner: User
) -> None:
    report = generate(owner)
    raw = fetch(owner, report["reportId"], "pdf").content
    assert raw.startswith(b"%PDF-1.")
    made = datetime.fromisoformat(report["generatedAt"])
    assert f"/CreationDate (D:{made:%Y%m%d%H%M%S}+00'00')".encode() in raw
    pages = pages_of(raw)
    assert pages > 1
    for number in range(1, pages + 1):
        assert f"(Page {number} of {pages})".encode() in raw
    for text in (
        report["reportId"], report["digest"], "Compliant", "Checks: GLOBAL", "base.kyc_attestation",
        "policy; confidence high", "/.well-known/assayer-keys.json", "global-baseline",
    ):  # fmt: skip
        assert text.encode() in raw, text
    for line in (report["signature"], report["keyId"]):
        assert line[:20].encode() in raw


def test_pdf_shows_what_its_fonts_lack_by_code_point(compliant_token: Token, owner: User) -> None:
    compliant_token.name = "Gold 黄金 <b>&amp;</b>"
    compliant_token.save(update_fields=["name"])
    report = generate(owner)
    raw = fetch(owner, report["reportId"], "pdf").content
    shown = b"".join(re.findall(rb"\((.*?)\) Tj", raw))
    assert b"Gold [U+9EC4][U+91D1] <b>&amp;</b>" in shown


def test_oscal_says_satisfied_or_not_and_keeps_the_verdict(
    compliant_token: Token, owner: User
) -> None:
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    report = generate(owner)
    assert report["status"] == "NonCompliant"
    raw = fetch(owner, report["reportId"], "oscal").content
    results = json.loads(raw)["assessment-results"]
    (result,) = results["results"]
    checks = [one for one in report["content"]["checks"] if one["verdict"] != "NotApplicable"]
    overall, *findings = result["findings"]
    assert overall["target"]["target-id"] == "overall-status"
    assert overall["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    assert len(findings) == len(checks) == len(result["observations"]) - 1
    states = {"Pass": ("satisfied", "pass"), "Fail": ("not-satisfied", "fail")}
    for check, finding in zip(checks, findings, strict=True):
        assert finding["target"]["target-id"] == check["key"]
        status = finding["target"]["status"]
        expected = states.get(check["verdict"], ("not-satisfied", "other"))
        assert (status["state"], status["reason"]) == expected
        verdicts = [one for one in finding["props"] if one["name"] == "verdict"]
        assert verdicts == [
            {"name": "verdict", "ns": "urn:assayer:oscal", "value": check["verdict"]}
        ]
    assert results["import-ap"]["href"] == f"#{results['back-matter']['resources'][0]['uuid']}"
    ids = [UUID(text) for text in re.findall(rb'"uuid":"([^"]+)"', raw) for text in [text.decode()]]
    assert {one.version for one in ids} == {5}
    assert len(ids) == len(set(ids))
