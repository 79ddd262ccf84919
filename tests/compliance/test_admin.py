"""Metadata, statuses and reports in the admin: through the services, with the person as actor."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Token, User
from compliance.models import ComplianceMetadata, ComplianceReport, TokenStatus
from compliance.services.metadata import metadata_upsert
from compliance.services.status import status_recalculate
from tests.factories import ARAMID, VOI, event_bodies

pytestmark = pytest.mark.django_db
METADATA = "/admin/compliance/compliancemetadata/"
STATUS = "/admin/compliance/tokenstatus/"
REPORT = "/admin/compliance/compliancereport/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form(**changes: Any) -> dict[str, Any]:
    return {
        "asset_id": 4242,
        "network": "aramidmain",
        "verification_status": "Pending",
        "compliance_status": "UnderReview",
        **changes,
    }


def test_an_officer_adds_a_record_through_the_service(officer: User) -> None:
    response = browser(officer).post(f"{METADATA}add/", form(asset_type="Receipt", max_holders=7))
    assert response.status_code == 302, response.text
    metadata = ComplianceMetadata.objects.get()
    assert (metadata.token.network, metadata.asset_type, metadata.max_holders) == (
        ARAMID,
        "Receipt",
        7,
    )
    (event,) = event_bodies("compliance.metadata.created")
    assert (event["actor"], event["source"], event["assetId"]) == (officer.label, "Admin", "4242")


def test_a_network_rule_is_a_form_error_on_its_field(officer: User) -> None:
    response = browser(officer).post(f"{METADATA}add/", form(network=VOI))
    assert response.status_code == 200
    assert "VOI network requires jurisdiction to be specified for compliance" in response.text
    assert not ComplianceMetadata.objects.exists()
    assert not Token.objects.exists()


@pytest.fixture
def metadata(officer: User) -> ComplianceMetadata:
    return metadata_upsert(
        actor=officer, asset_id=4242, network=ARAMID, changes={"asset_type": "Receipt"}
    )


def change_form(metadata: ComplianceMetadata, **changes: Any) -> dict[str, Any]:
    content = form(asset_type=metadata.asset_type, seen_version=metadata.version, **changes)
    return {name: value for name, value in content.items() if name not in ("asset_id", "network")}


def test_a_change_says_who_and_what(officer: User, metadata: ComplianceMetadata) -> None:
    url = f"{METADATA}{metadata.pk}/change/"
    response = browser(officer).post(url, change_form(metadata, compliance_status="Suspended"))
    assert response.status_code == 302, response.text
    metadata.refresh_from_db()
    assert (metadata.compliance_status, metadata.version, metadata.updated_by) == (
        "Suspended",
        2,
        officer.label,
    )
    (event,) = event_bodies("compliance.metadata.updated")
    assert event["details"] == {"fields": ["compliance_status"]}


def test_a_form_opened_before_somebody_elses_change_is_refused(
    officer: User, administrator: User, metadata: ComplianceMetadata
) -> None:
    stale = change_form(metadata, notes="mine")
    metadata_upsert(actor=administrator, asset_id=4242, network=ARAMID, changes={"notes": "theirs"})
    response = browser(officer).post(f"{METADATA}{metadata.pk}/change/", stale)
    assert response.status_code == 200
    assert "The record was changed since you read it." in response.text
    metadata.refresh_from_db()
    assert metadata.notes == "theirs"


def test_deleting_goes_through_the_service(officer: User, metadata: ComplianceMetadata) -> None:
    response = browser(officer).post(f"{METADATA}{metadata.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert not ComplianceMetadata.objects.exists()
    (event,) = event_bodies("compliance.metadata.deleted")
    assert event["actor"] == officer.label


def test_an_auditor_sees_and_changes_nothing(auditor: User, metadata: ComplianceMetadata) -> None:
    client = browser(auditor)
    url = f"{METADATA}{metadata.pk}/change/"
    assert client.get(METADATA).status_code == 200
    page = client.get(url)
    assert page.status_code == 200
    assert 'name="_save"' not in page.text
    assert client.post(url, change_form(metadata, notes="x")).status_code == 403
    assert client.post(f"{METADATA}{metadata.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{METADATA}add/", form(asset_id=1)).status_code == 403
    assert list(ComplianceMetadata.objects.values_list("notes", flat=True)) == [None]


def test_the_status_page_says_why(baseline: None, auditor: User, metadata: Any) -> None:
    row = status_recalculate(token_id=metadata.token_id)
    page = browser(auditor).get(f"{STATUS}{row.pk}/change/")
    assert page.status_code == 200
    assert "engine.jurisdiction_tagged" in page.text
    assert "the token has no jurisdiction tag" in page.text
    assert browser(auditor).get(STATUS).status_code == 200


def test_status_actions_recalculate_and_report(
    baseline: None, officer: User, metadata: ComplianceMetadata
) -> None:
    client = browser(officer)
    selected = {"_selected_action": [metadata.token_id]}
    response = client.post(STATUS, {"action": "recalculate", **selected})
    assert response.status_code == 302
    assert TokenStatus.objects.get().status == "NonCompliant"
    client.post(STATUS, {"action": "generate_report", **selected})
    report = ComplianceReport.objects.get()
    assert report.created_by == officer.label
    page = client.get(f"{REPORT}{report.pk}/change/")
    assert page.status_code == 200
    assert report.digest in page.text
    assert client.post(f"{REPORT}{report.pk}/delete/", {"post": "yes"}).status_code == 403
