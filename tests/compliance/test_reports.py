"""Reports (seed 0): complete, reproducible, stored as generated, seen by whom they concern."""

import base64
import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import rfc8785
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import Token, User
from audit.principal import SYSTEM
from audit.services import record_event
from compliance.models import ComplianceReport
from compliance.services.metadata import metadata_upsert
from config.api.formats import utc_text
from tests.compliance.conftest import ASSET
from tests.compliance.reports import URL, generate
from tests.factories import VOI, client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db


def test_a_report_has_a_schema_status_rationale_checks_and_times(
    compliant_token: Token, owner: User
) -> None:
    report = generate(owner)
    assert report["schemaVersion"] == "1.0"
    assert report["reportType"] == "Full"
    assert report["reused"] is False
    assert report["status"] == "Compliant"
    assert (report["assetId"], report["network"]) == (ASSET, VOI)
    assert report["generatedBy"] == owner.address
    content = report["content"]
    assert content["token"]["assetId"] == str(ASSET)
    assert content["summary"]["status"] == "Compliant"
    assert content["summary"]["rationale"]
    keys = [check["key"] for check in content["checks"]]
    assert keys == sorted(keys, key=keys.index)
    assert len([key for key in keys if key.startswith("base.")]) == 15
    (kyc,) = [check for check in content["checks"] if check["key"] == "base.kyc_attestation"]
    assert kyc["verdict"] == "Pass"
    assert kyc["citations"][0]["text"] == "policy"
    assert kyc["basis"] == "policy"
    attestation = compliant_token.attestations.get(attestation_type="KYC")
    assert [item["reference"] for item in kyc["evidence"]] == [str(attestation.pk)]
    assert content["warnings"] == [
        {
            "code": "owner_unverified",
            "message": "No compliance officer has verified that this issuer owns the token.",
        }
    ]
    assert content["packVersions"] == report["content"]["packVersions"]
    assert {"id": "global-baseline", "version": "2026.11.1"} in content["packVersions"]


def test_the_digest_is_over_the_canonical_content(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    canonical = rfc8785.dumps(report["content"])
    assert report["digest"] == sha256(canonical).hexdigest()
    assert ComplianceReport.objects.get().content.encode() == canonical


def test_the_same_data_and_as_of_give_the_same_digest(
    compliant_token: Token, owner: User, officer: User
) -> None:
    as_of = utc_text(timezone.now())
    first = generate(owner, asOf=as_of)
    second = generate(officer, asOf=as_of, network="VOIMAIN")
    assert first["reportId"] != second["reportId"]
    assert first["generatedBy"] != second["generatedBy"]
    assert first["digest"] == second["digest"]
    assert first["content"] == second["content"]
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    later = generate(owner, asOf=utc_text(timezone.now()))
    assert later["digest"] != first["digest"]
    assert later["content"]["inputs"]["snapshot"] != first["content"]["inputs"]["snapshot"]


def test_another_as_of_gives_another_digest(compliant_token: Token, owner: User) -> None:
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=1)):
        digests = {
            generate(owner, asOf=utc_text(now + timedelta(minutes=n)))["digest"] for n in (1, 2)
        }
    assert len(digests) == 2


def test_a_past_that_is_not_kept_is_refused_and_says_why(
    compliant_token: Token, owner: User, outsider: User
) -> None:
    before = timezone.now()
    metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"asset_type": "Barrel"})
    body = {"assetId": ASSET, "asOf": utc_text(before)}
    response = client_for(owner).post(URL, body, format="json")
    assert response.status_code == 422
    answer = response.json()
    assert answer["errorCode"] == "BUSINESS_RULE_VIOLATION"
    (changed,) = event_bodies("compliance.metadata.updated")[-1:]
    assert "compliance.metadata.updated" in answer["errorMessage"]
    last = datetime.fromisoformat(changed["occurredAt"])
    assert utc_text(last) in answer["errorMessage"]
    assert utc_text(last) in answer["details"]["asOf"][0]
    assert not ComplianceReport.objects.exists()
    assert generate(owner, asOf=utc_text(last))["asOf"] == utc_text(last)
    assert client_for(outsider).post(URL, body, format="json").status_code == 404


@pytest.mark.parametrize(
    ("name", "fields", "refused"),
    [
        ("jurisdictions.pack.activated", {}, True),
        ("accounts.issuer.updated", {"issuer_id": "own"}, True),
        ("accounts.issuer.updated", {"issuer_id": "other"}, False),
        ("whitelist.policy.changed", {"asset_id": ASSET + 1, "network": VOI}, False),
        ("whitelist.policy.changed", {"asset_id": ASSET, "network": "aramidmain-v1.0"}, False),
        ("compliance.metadata.read", {"asset_id": ASSET, "network": VOI}, False),
    ],
)
def test_only_what_the_status_depends_on_closes_the_past(
    compliant_token: Token, owner: User, name: str, fields: dict[str, Any], refused: bool
) -> None:
    before = utc_text(timezone.now())
    if "issuer_id" in fields:
        own = fields["issuer_id"] == "own"
        fields = {"issuer_id": compliant_token.issuer_id if own else uuid4()}
    record_event(name, actor=SYSTEM, **fields)
    response = client_for(owner).post(URL, {"assetId": ASSET, "asOf": before}, format="json")
    assert response.status_code == (422 if refused else 200)


def test_an_identical_request_is_answered_with_the_stored_report(
    compliant_token: Token, owner: User, officer: User
) -> None:
    first = generate(owner)
    again = generate(officer)
    assert (again["reportId"], again["reused"]) == (first["reportId"], True)
    assert {**again, "reused": False} == first
    assert ComplianceReport.objects.count() == 1
    (reused,) = event_bodies("compliance.report.reused")
    assert (reused["actor"], reused["referenceId"]) == (officer.address, first["reportId"])
    assert len(event_bodies("compliance.report.generated")) == 1


@pytest.mark.parametrize("change", ["data", "type", "period", "asOf", "time", "key"])
def test_another_request_is_answered_with_another_report(
    compliant_token: Token, owner: User, settings: Any, change: str
) -> None:
    first = generate(owner)
    body: dict[str, Any] = {}
    moment = timezone.now()
    if change == "data":
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    elif change == "type":
        body = {"reportType": "MicaReadiness"}
    elif change == "period":
        body = {"fromDate": "2020-01-01"}
    elif change == "asOf":
        body = {"asOf": utc_text(timezone.now())}
    elif change == "time":  # past the next review: its check fails now, and nobody recorded it
        moment += timedelta(days=171)
    elif change == "key":
        settings.REPORT_SIGNING_KEY = base64.b64encode(b"k" * 32).decode()
    with time_machine.travel(moment):
        second = generate(owner, **body)
    assert second["reportId"] != first["reportId"]
    assert second["reused"] is False


def test_a_stored_report_stays_as_it_was_generated(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    client = client_for(owner)
    response = client.get(f"{URL}/{report['reportId']}")
    assert response.json() == {"success": True, "report": report}
    assert (
        client.get(
            f"{URL}/{report['reportId']}", HTTP_IF_NONE_MATCH=response.headers["ETag"]
        ).status_code
        == 304
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ComplianceReport.objects.update(status="Unknown")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ComplianceReport.objects.all().delete()


def test_generating_and_reading_are_recorded(compliant_token: Token, owner: User) -> None:
    report = generate(owner)
    client_for(owner).get(f"{URL}/{report['reportId']}")
    (generated,) = event_bodies("compliance.report.generated")
    assert generated["referenceId"] == report["reportId"]
    assert generated["actor"] == owner.address
    assert generated["details"]["digest"] == report["digest"]
    (read,) = event_bodies("compliance.report.read")
    assert (read["referenceId"], read["assetId"]) == (report["reportId"], str(ASSET))


def test_who_may_generate_and_read(
    compliant_token: Token,
    owner: User,
    member: User,
    outsider: User,
    officer: User,
    auditor: User,
) -> None:
    report = generate(owner)
    for user in (owner, member, officer, auditor):
        generate(user, asOf=utc_text(timezone.now()))
        assert client_for(user).get(f"{URL}/{report['reportId']}").status_code == 200
    before = ComplianceReport.objects.count()
    client = client_for(outsider)
    refused = client.post(URL, {"assetId": ASSET}, format="json")
    assert (refused.status_code, refused.json()["errorCode"]) == (404, "NOT_FOUND")
    hidden = client.get(f"{URL}/{report['reportId']}")
    assert hidden.status_code == 404
    assert hidden.json()["errorMessage"] == "Report not found or access denied"
    assert ComplianceReport.objects.count() == before
    denied = event_bodies("security.access.denied")
    assert [one["actor"] for one in denied] == [outsider.address, outsider.address]
    assert client.get(URL).json()["reports"] == []
    assert client_for(None).get(URL).status_code == 401


def test_an_unknown_report_is_a_plain_404(owner: User) -> None:
    response = client_for(owner).get(f"{URL}/{uuid4()}")
    assert response.status_code == 404
    assert event_bodies("security.access.denied") == []
    assert len(event_bodies("compliance.report.read_failed")) == 1
    assert client_for(owner).get(f"{URL}/not-a-uuid").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "assetId"),
        ({"assetId": 0}, 400, "assetId"),
        ({"assetId": ASSET, "asOf": "2999-01-01T00:00:00Z"}, 400, "asOf"),
        ({"assetId": ASSET, "asOf": "yesterday"}, 400, "asOf"),
        ({"assetId": ASSET, "tokens": []}, 400, "tokens"),
        ({"assetId": ASSET, "network": "a b"}, 400, "network"),
        ({"assetId": ASSET, "reportType": "Everything"}, 400, "reportType"),
        ({"assetId": ASSET, "reportType": 4}, 400, "reportType"),
        ({"assetId": ASSET, "fromDate": "2026-01-02", "toDate": "2026-01-01"}, 400, "toDate"),
        (
            {"assetId": ASSET, "reportType": "ComplianceBadge", "fromDate": "2026-01-02"},
            400,
            "fromDate",
        ),
        ({"assetId": ASSET, "reportType": 0, "toDate": "2026-01-02"}, 400, "toDate"),
    ],
)
def test_bad_requests(
    compliant_token: Token, owner: User, body: dict[str, Any], status: int, field: str
) -> None:
    response = client_for(owner).post(URL, body, format="json")
    assert response.status_code == status
    assert list(response.json()["details"]) == [field]
    assert not ComplianceReport.objects.exists()
    assert len(event_bodies("compliance.report.generation_failed")) == 1


def test_listing_filters_and_pages(compliant_token: Token, owner: User) -> None:
    first, second = generate(owner), generate(owner, asOf=utc_text(timezone.now()))
    client = client_for(owner)
    listed = client.get(URL, {"assetId": ASSET, "status": "compliant", "pageSize": 1}).json()
    assert [one["reportId"] for one in listed["reports"]] == [second["reportId"]]
    assert listed["totalCount"] == 2
    assert "content" not in listed["reports"][0]
    rest = client.get(URL, {"pageSize": 1, "cursor": listed["nextCursor"]}).json()
    assert [one["reportId"] for one in rest["reports"]] == [first["reportId"]]
    assert client.get(URL, {"status": "NonCompliant"}).json()["totalCount"] == 0
    assert client.get(URL, {"reportType": "full"}).json()["totalCount"] == 2
    assert client.get(URL, {"reportType": "0"}).json()["totalCount"] == 0
    assert client.get(URL, {"network": "aramidmain"}).json()["totalCount"] == 0
    assert client.get(URL, {"fromDate": "2999-01-01"}).json()["totalCount"] == 0


def test_an_asset_id_above_2_53_survives(baseline: None, owner: User) -> None:
    asset = 2**63 - 1
    metadata_upsert(actor=owner, asset_id=asset, network="testnet-v1.0", changes={})
    report = generate(owner, assetId=asset)
    assert report["assetId"] == asset
    assert report["content"]["token"]["assetId"] == str(asset)
    assert json.dumps(report["content"])
