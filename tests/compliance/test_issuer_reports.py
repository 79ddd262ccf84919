"""Reports on issuers and on issuances: one subject, one moment, sealed and replayed as any."""

import io
import json
import zipfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import Issuer, Token, User
from accounts.services import token_reassign
from compliance.models import ComplianceReport
from compliance.reports.schema import schema_document
from compliance.services.metadata import metadata_upsert
from config.api.formats import utc_text
from deployments.models import Deployment
from jurisdictions.engine.__main__ import main
from tests.compliance.conftest import ASSET, TRANSACTION
from tests.compliance.reports import URL, check, generate
from tests.compliance.test_report_schema import undescribed
from tests.factories import VOI, IssuerFactory, client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
TYPES = ("Full", "MicaReadiness", "AuditTrail", "ComplianceBadge")
OTHER = 50002


@pytest.fixture
def second_token(compliant_token: Token, owner: User) -> Token:
    """A token of the same issuer with next to nothing on record."""
    return metadata_upsert(
        actor=owner, asset_id=OTHER, network=VOI, changes={"jurisdiction": "GLOBAL"}
    ).token


def on_issuer(user: User, issuer: Issuer, **body: Any) -> dict[str, Any]:
    return generate(user, assetId=None, issuerId=str(issuer.pk), **body)


def on_issuance(user: User, **body: Any) -> dict[str, Any]:
    deployment = Deployment.objects.get()
    return generate(user, assetId=None, deploymentId=str(deployment.pk), **body)


def file_of(user: User, report: dict[str, Any]) -> bytes:
    raw: bytes = client_for(user).get(f"{URL}/{report['reportId']}/download").content
    return raw


def assert_of_schema(raw: bytes, version: str) -> None:
    schema, document = schema_document(version), json.loads(raw)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(document)] == []
    assert undescribed(schema, schema, document, "") == []


@pytest.mark.parametrize("kind", TYPES)
def test_an_issuer_has_every_type_of_report(
    second_token: Token, issuer: Issuer, owner: User, auditor: User, tmp_path: Path, kind: str
) -> None:
    report = on_issuer(owner, issuer, reportType=kind)
    assert (report["subject"], report["issuerId"]) == ("Issuer", str(issuer.pk))
    assert (report["assetId"], report["network"], report["deploymentId"]) == (None, None, None)
    assert (report["status"], report["schemaVersion"]) == ("NonCompliant", "1.1")
    content = report["content"]
    assert [one["token"]["assetId"] for one in content["tokens"]] == [str(ASSET), str(OTHER)]
    assert [one["summary"]["status"] for one in content["tokens"]] == ["Compliant", "NonCompliant"]
    assert content["summary"]["tokens"]["NonCompliant"] == 1
    raw = file_of(auditor, report)
    assert_of_schema(raw, "1.1")
    assert check(owner, raw)["valid"] is True
    for form in ("csv", "pdf", "oscal"):
        download = client_for(owner).get(f"{URL}/{report['reportId']}/download?format={form}")
        assert download.status_code == 200
        assert download.headers["X-Content-SHA256"] == sha256(download.content).hexdigest()
    bundle = client_for(owner).get(f"{URL}/{report['reportId']}/bundle").content
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle)
    assert main(["replay", str(path)]) == 0
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        names = archive.namelist()
    assert sum(name.startswith("snapshots/") for name in names) == 2


def test_a_full_report_holds_each_token_as_its_own_report_does(
    second_token: Token, issuer: Issuer, owner: User
) -> None:
    moment = utc_text(timezone.now())
    whole = on_issuer(owner, issuer, asOf=moment)["content"]
    for section, asset in zip(whole["tokens"], (ASSET, OTHER), strict=True):
        alone = generate(owner, assetId=asset, asOf=moment)["content"]
        same = section.keys() & alone.keys()
        assert {"checks", "summary", "micaReadiness", "attestations", "auditTrail"} <= same
        assert {name: section[name] for name in same} == {name: alone[name] for name in same}
        assert section["snapshot"] == alone["inputs"]["snapshot"]
    assert whole["inputs"]["packs"] == alone["inputs"]["packs"]
    assert {one["evaluatedAt"] for one in whole["tokens"][0]["checks"]} == {whole["asOf"]}


def test_nothing_has_changed_and_then_something_has(
    second_token: Token, issuer: Issuer, owner: User
) -> None:
    first, again = on_issuer(owner, issuer), on_issuer(owner, issuer)
    assert (again["reused"], again["reportId"]) == (True, first["reportId"])
    whitelist_policy_set(actor=owner, token=second_token, enforcement="Mandatory")
    assert on_issuer(owner, issuer)["reused"] is False
    (one, _) = event_bodies("compliance.report.generated")
    assert one["issuerId"] == str(issuer.pk)
    assert "assetId" not in one


def test_a_past_moment_gives_the_digest_that_was_given_then(
    second_token: Token, issuer: Issuer, owner: User
) -> None:
    moment = utc_text(timezone.now())
    then = on_issuer(owner, issuer, asOf=moment)
    whitelist_policy_set(actor=owner, token=second_token, enforcement="Mandatory")
    assert on_issuer(owner, issuer, asOf=moment)["digest"] == then["digest"]
    assert on_issuer(owner, issuer)["digest"] != then["digest"]


def test_the_tokens_of_a_past_moment_are_not_guessed(
    second_token: Token, issuer: Issuer, owner: User, officer: User
) -> None:
    moment = utc_text(timezone.now())
    token_reassign(actor=officer, token=second_token, issuer=IssuerFactory.create())
    body = {"issuerId": str(issuer.pk), "asOf": moment}
    refused = client_for(owner).post(URL, body, format="json")
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["asOf"])
    content = on_issuer(owner, issuer)["content"]
    assert [one["token"]["assetId"] for one in content["tokens"]] == [str(ASSET)]


def test_an_issuer_without_tokens_has_a_report(outsider: User) -> None:
    (issuer_id,) = outsider.issuer_ids
    report = generate(outsider, assetId=None, issuerId=str(issuer_id))
    assert (report["status"], report["content"]["tokens"]) == ("Unknown", [])
    assert_of_schema(file_of(outsider, report), "1.1")


def test_the_trail_holds_the_events_of_the_issuer_and_its_tokens_alone(
    second_token: Token, issuer: Issuer, owner: User, outsider: User
) -> None:
    metadata_upsert(actor=outsider, asset_id=60001, network=VOI, changes={"jurisdiction": "GLOBAL"})
    client_for(outsider).get(f"/api/v1/compliance/{ASSET}/status/history")
    content = on_issuer(owner, issuer, reportType="AuditTrail")["content"]
    assets = {event["assetId"] for event in content["events"]}
    assert assets == {str(ASSET), str(OTHER), None}
    names = [event["eventType"] for event in content["events"]]
    assert "accounts.issuer.updated" in names
    assert names.count("accounts.token.registered") == 2
    assert outsider.label not in {event["actor"] for event in content["events"]}
    assert content["trail"]["total"] == len(content["events"])
    changes = content["auditTrail"]["changes"]
    assert changes["total"] >= sum(
        one["auditTrail"]["changes"]["total"] for one in content["tokens"]
    )
    bounded = on_issuer(owner, issuer, reportType="AuditTrail", fromDate="2999-01-01")["content"]
    assert bounded["events"] == []


@pytest.mark.parametrize("kind", TYPES)
def test_an_issuance_has_every_type_of_report(
    compliant_token: Token, owner: User, tmp_path: Path, kind: str
) -> None:
    deployment = Deployment.objects.get()
    report = on_issuance(owner, reportType=kind)
    assert (report["subject"], report["deploymentId"]) == ("Issuance", str(deployment.pk))
    assert (report["assetId"], report["network"], report["issuerId"]) == (ASSET, VOI, None)
    issuance = report["content"]["issuance"]
    assert issuance["transactionId"] == TRANSACTION
    assert issuance["confirmedRound"] == "5"
    assert issuance["issuedAt"] == utc_text(deployment.completed_at)
    assert [step["to"] for step in issuance["transitions"]] == ["Completed"]
    assert [event["eventType"] for event in issuance["events"]] == [
        "deployments.deployment.imported"
    ]
    assert [one["verdict"] for one in issuance["checks"]] == ["Pass"]
    raw = file_of(owner, report)
    assert_of_schema(raw, "1.1")
    assert check(owner, raw)["valid"] is True
    for form in ("csv", "pdf", "oscal"):
        url = f"{URL}/{report['reportId']}/download?format={form}"
        assert client_for(owner).get(url).status_code == 200
    path = tmp_path / "bundle.zip"
    path.write_bytes(client_for(owner).get(f"{URL}/{report['reportId']}/bundle").content)
    assert main(["replay", str(path)]) == 0


def test_an_issuance_is_no_report_on_the_token(compliant_token: Token, owner: User) -> None:
    token = generate(owner)
    issuance = on_issuance(owner)
    assert issuance["reused"] is False
    assert on_issuance(owner)["reportId"] == issuance["reportId"]
    assert generate(owner)["reportId"] == token["reportId"]
    assert token["content"].keys() == issuance["content"].keys() - {"subject", "issuance"}


def test_an_issuance_was_not_on_record_before_it_was_recorded(
    compliant_token: Token, owner: User
) -> None:
    deployment = Deployment.objects.get()
    before = deployment.created_at - timedelta(seconds=1)
    body = {"deploymentId": str(deployment.pk), "asOf": before.isoformat()}
    refused = client_for(owner).post(URL, body, format="json")
    assert refused.status_code in (400, 422)
    assert list(refused.json()["details"]) == ["asOf"]
    assert not ComplianceReport.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "assetId"),
        ({"assetId": None, "issuerId": None}, "assetId"),
        ({"assetId": ASSET, "issuerId": str(uuid4())}, "issuerId"),
        ({"assetId": ASSET, "deploymentId": str(uuid4())}, "deploymentId"),
        ({"issuerId": str(uuid4()), "deploymentId": str(uuid4())}, "deploymentId"),
        ({"issuerId": str(uuid4()), "network": VOI}, "network"),
        ({"issuerId": 5}, "issuerId"),
        ({"issuerId": "x"}, "issuerId"),
        ({"issuerId": "\u0000"}, "issuerId"),
        ({"deploymentId": [str(uuid4())]}, "deploymentId"),
        ({"assetId": ASSET, "background": "yes"}, "background"),
    ],
)
def test_exactly_one_subject(
    compliant_token: Token, owner: User, body: dict[str, Any], field: str
) -> None:
    response = client_for(owner).post(URL, body, format="json")
    assert (response.status_code, list(response.json()["details"])) == (400, [field])
    assert not ComplianceReport.objects.exists()


def test_who_sees_the_report_is_who_sees_the_subject(
    second_token: Token,
    issuer: Issuer,
    owner: User,
    member: User,
    outsider: User,
    auditor: User,
) -> None:
    of_issuer, of_issuance = on_issuer(owner, issuer), on_issuance(owner)
    for body in (
        {"issuerId": str(issuer.pk)},
        {"deploymentId": str(Deployment.objects.get().pk)},
    ):
        refused = client_for(outsider).post(URL, body, format="json")
        assert (refused.status_code, refused.json()["errorCode"]) == (404, "NOT_FOUND")
    assert len(event_bodies("security.access.denied")) == 2
    for report in (of_issuer, of_issuance):
        for suffix in ("", "/download", "/bundle"):
            url = f"{URL}/{report['reportId']}{suffix}"
            assert client_for(outsider).get(url).status_code == 404
            for user in (member, auditor):
                assert client_for(user).get(url).status_code == 200
    for name in ("issuerId", "deploymentId"):
        missing = client_for(owner).post(URL, {name: str(uuid4())}, format="json")
        assert missing.status_code == 404


def test_the_list_finds_reports_by_their_subject(
    second_token: Token, issuer: Issuer, owner: User, outsider: User
) -> None:
    generate(owner)
    of_issuer, of_issuance = on_issuer(owner, issuer), on_issuance(owner)
    client = client_for(owner)
    for query, wanted in (
        ({"issuerId": str(issuer.pk)}, [of_issuer]),
        ({"deploymentId": str(Deployment.objects.get().pk)}, [of_issuance]),
        ({"issuerId": str(uuid4())}, []),
    ):
        listed = client.get(URL, query).json()
        assert [one["reportId"] for one in listed["reports"]] == [one["reportId"] for one in wanted]
    assert client.get(URL).json()["totalCount"] == 3
    assert client_for(outsider).get(URL).json()["totalCount"] == 0
    assert client.get(URL, {"issuerId": "x"}).status_code == 400


def test_a_row_has_one_subject_and_never_changes(
    second_token: Token, issuer: Issuer, owner: User
) -> None:
    on_issuer(owner, issuer)
    row = ComplianceReport.objects.get()
    for changes in (
        {"token": second_token},
        {"issuer": None},
        {"deployment": Deployment.objects.get()},
    ):
        fields = {"issuer": issuer, **changes}
        wrong = ComplianceReport(
            **fields, schema_version="1.1", status="Unknown", as_of=row.as_of, content="{}"
        )
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save(force_insert=True)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ComplianceReport.objects.update(status="Compliant")


def test_a_report_on_a_token_stays_of_1_0(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    assert (report["schemaVersion"], report["subject"]) == ("1.0", "Token")
    raw = file_of(owner, report)
    assert_of_schema(raw, "1.0")
    assert_of_schema(raw, "1.1")
    for version in ("1.0", "1.1"):
        assert client_for(owner).get(f"{URL}/schema/{version}").status_code == 200
