"""Reports (seed 0): complete, reproducible, stored as generated, seen by whom they concern."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import rfc8785
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import Token, User
from compliance.models import ComplianceReport
from compliance.services.metadata import metadata_upsert
from config.api.formats import utc_text
from tests.compliance.conftest import ASSET
from tests.factories import VOI, client_for, event_bodies
from whitelist.services import whitelist_policy_set

pytestmark = pytest.mark.django_db
URL = "/api/v1/compliance/reports"


def generate(user: User, **body: Any) -> dict[str, Any]:
    response = client_for(user).post(URL, {"assetId": ASSET, **body}, format="json")
    assert response.status_code == 200, response.content
    report: dict[str, Any] = response.json()["report"]
    return report


def test_a_report_has_a_schema_status_rationale_checks_and_times(
    compliant_token: Token, owner: User
) -> None:
    report = generate(owner)
    assert report["schemaVersion"] == "1.0"
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
    assert generate(owner, asOf=as_of)["digest"] != first["digest"]


def test_another_as_of_gives_another_digest(compliant_token: Token, owner: User) -> None:
    now = timezone.now()
    digests = {generate(owner, asOf=utc_text(now - timedelta(seconds=n)))["digest"] for n in (0, 1)}
    assert len(digests) == 2


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
        generate(user)
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
    first, second = generate(owner), generate(owner)
    client = client_for(owner)
    listed = client.get(URL, {"assetId": ASSET, "status": "compliant", "pageSize": 1}).json()
    assert [one["reportId"] for one in listed["reports"]] == [second["reportId"]]
    assert listed["totalCount"] == 2
    assert "content" not in listed["reports"][0]
    rest = client.get(URL, {"pageSize": 1, "cursor": listed["nextCursor"]}).json()
    assert [one["reportId"] for one in rest["reports"]] == [first["reportId"]]
    assert client.get(URL, {"status": "NonCompliant"}).json()["totalCount"] == 0
    assert client.get(URL, {"network": "aramidmain"}).json()["totalCount"] == 0
    assert client.get(URL, {"fromDate": "2999-01-01"}).json()["totalCount"] == 0


def test_an_asset_id_above_2_53_survives(baseline: None, owner: User) -> None:
    asset = 2**63 - 1
    metadata_upsert(actor=owner, asset_id=asset, network="testnet-v1.0", changes={})
    report = generate(owner, assetId=asset)
    assert report["assetId"] == asset
    assert report["content"]["token"]["assetId"] == str(asset)
    assert json.dumps(report["content"])
