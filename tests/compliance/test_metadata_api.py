"""Compliance metadata over the API (seed 1, sections 1 to 4)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Token, User
from compliance.models import ComplianceMetadata
from tests.factories import ARAMID, VOI, client_for, event_bodies

pytestmark = pytest.mark.django_db
URL = "/api/v1/compliance"

FULL = {
    "assetId": 12345,
    "kycProvider": "Sumsub",
    "kycVerificationDate": "2026-01-21T00:00:00Z",
    "verificationStatus": "Verified",
    "jurisdiction": "US,EU",
    "regulatoryFramework": "SEC Reg D",
    "complianceStatus": "Compliant",
    "lastComplianceReview": "2026-01-15T00:00:00Z",
    "nextComplianceReview": "2026-07-15T00:00:00Z",
    "assetType": "Security Token",
    "transferRestrictions": "Accredited investors only, lock-up period 12 months",
    "maxHolders": 500,
    "requiresAccreditedInvestors": True,
    "network": "voimain-v1.0",
    "notes": "Token represents equity in XYZ Corp",
}
EXAMPLE_1 = {
    "assetId": 12345,
    "kycProvider": "Sumsub",
    "verificationStatus": "Verified",
    "jurisdiction": "US",
    "network": "voimain-v1.0",
    "requiresAccreditedInvestors": True,
    "complianceStatus": "Compliant",
}
EXAMPLE_2 = {
    "assetId": 67890,
    "network": "aramidmain-v1.0",
    "assetType": "Security Token",
    "maxHolders": 500,
    "complianceStatus": "Compliant",
    "regulatoryFramework": "MiFID II",
}
EXAMPLE_3 = {"assetId": 12345, "network": "voimain-v1.0", "complianceStatus": "Compliant"}


def post(user: User | None, body: Any, **headers: str) -> Any:
    return client_for(user, **headers).post(URL, body, format="json")


def stored(user: User, body: dict[str, Any]) -> dict[str, Any]:
    response = post(user, body)
    assert response.status_code == 200, response.content
    metadata: dict[str, Any] = response.json()["metadata"]
    return metadata


class TestUpsert:
    @time_machine.travel(datetime(2026, 1, 21, 21, 0, tzinfo=UTC), tick=False)
    def test_the_whole_request_of_the_seed_is_stored_and_answered(self, owner: User) -> None:
        metadata = stored(owner, FULL)
        row = ComplianceMetadata.objects.get()
        assert metadata == {
            **FULL,
            "id": str(row.pk),
            "createdBy": owner.address,
            "createdAt": "2026-01-21T21:00:00Z",
            "updatedAt": None,
            "updatedBy": None,
        }
        assert row.token.issuer_id in owner.writable_issuer_ids

    @pytest.mark.parametrize("body", [EXAMPLE_1, EXAMPLE_2], ids=["VOI", "Aramid"])
    def test_seed_examples(self, owner: User, body: dict[str, Any]) -> None:
        metadata = stored(owner, body)
        assert {name: metadata[name] for name in body} == body

    def test_only_the_asset_id_is_required(self, owner: User) -> None:
        metadata = stored(owner, {"assetId": 7})
        assert metadata["network"] is None
        assert (metadata["verificationStatus"], metadata["complianceStatus"]) == (
            "Pending",
            "UnderReview",
        )
        assert metadata["requiresAccreditedInvestors"] is False

    def test_a_rule_failure_is_the_seed_message_and_changes_nothing(self, owner: User) -> None:
        response = post(owner, EXAMPLE_3)
        assert response.status_code == 400
        body = response.json()
        message = "VOI network requires jurisdiction to be specified for compliance"
        assert (body["success"], body["errorMessage"]) == (False, message)
        assert body["errorCode"] == "NETWORK_RULE_VIOLATION"
        assert body["details"] == {"jurisdiction": [message]}
        assert not ComplianceMetadata.objects.exists()
        assert not Token.objects.exists()
        (event,) = event_bodies("compliance.metadata.create_failed")
        assert event["errorMessage"] == message
        assert (event["actor"], event["assetId"], event["network"], event["success"]) == (
            owner.address,
            "12345",
            VOI,
            False,
        )
        assert event["actionType"] == "Create"

    def test_every_violation_is_in_the_details(self, owner: User) -> None:
        body = {"assetId": 1, "network": VOI, "requiresAccreditedInvestors": True}
        answer = post(owner, body).json()
        assert list(answer["details"]) == ["verificationStatus", "jurisdiction"]
        assert answer["errorMessage"] == answer["details"]["verificationStatus"][0]

    def test_an_update_leaves_absent_fields_alone_and_a_null_clears(self, owner: User) -> None:
        first = stored(owner, FULL)
        second = stored(
            owner,
            {
                "assetId": 12345,
                "network": VOI,
                "kycProvider": "Onfido",
                "notes": None,
                "maxHolders": None,
            },
        )
        expected = {**first, "kycProvider": "Onfido", "notes": None, "maxHolders": None}
        assert second.pop("updatedAt") is not None
        assert second.pop("updatedBy") == owner.address
        assert second == {k: v for k, v in expected.items() if k not in ("updatedAt", "updatedBy")}

    def test_a_null_status_goes_back_to_its_default(self, owner: User) -> None:
        stored(owner, {"assetId": 5, "network": ARAMID, "verificationStatus": "Verified"})
        after = stored(owner, {"assetId": 5, "network": ARAMID, "verificationStatus": None})
        assert after["verificationStatus"] == "Pending"

    def test_rules_hold_for_the_record_after_the_update(self, owner: User) -> None:
        before = stored(owner, FULL)
        response = post(owner, {"assetId": 12345, "network": VOI, "jurisdiction": None})
        assert response.status_code == 400
        assert client_for(owner).get(f"{URL}/12345").json()["metadata"] == before

    def test_the_events_say_who_changed_what(self, owner: User) -> None:
        stored(owner, {**EXAMPLE_1, "complianceStatus": "UnderReview"})
        stored(owner, {"assetId": 12345, "complianceStatus": "Compliant", "notes": "secret text"})
        (created,) = event_bodies("compliance.metadata.created")
        assert created["newStatus"] == "UnderReview"
        assert "oldStatus" not in created
        (updated,) = event_bodies("compliance.metadata.updated")
        assert (updated["oldStatus"], updated["newStatus"]) == ("UnderReview", "Compliant")
        assert updated["actor"] == owner.address
        assert updated["details"] == {"fields": ["compliance_status", "notes"]}
        assert updated["notes"] == "Updated compliance metadata"
        assert "secret text" not in json.dumps(event_bodies())

    @pytest.mark.parametrize(
        ("field", "given", "kept"),
        [
            ("verificationStatus", "verified", "Verified"),
            ("verificationStatus", 1, "InProgress"),
            ("complianceStatus", "4", "Exempt"),
            ("complianceStatus", "NONCOMPLIANT", "NonCompliant"),
            ("assetType", "", ""),
            ("maxHolders", 2**31 - 1, 2**31 - 1),
            ("maxHolders", "12", 12),
            ("kycVerificationDate", "2026-01-21", "2026-01-21T00:00:00Z"),
            ("kycVerificationDate", "2026-01-21T01:00:00+01:00", "2026-01-21T00:00:00Z"),
            ("kycVerificationDate", "2026-01-21T00:00:00", "2026-01-21T00:00:00Z"),
            ("kycVerificationDate", "2026-01-21T00:00:00.1234567Z", "2026-01-21T00:00:00.123456Z"),
            ("kycProvider", "x" * 200, "x" * 200),
            ("notes", "ü" * 2000, "ü" * 2000),
            ("network", "ARAMIDMAIN", ARAMID),
        ],
    )
    def test_accepted_spellings(self, owner: User, field: str, given: Any, kept: Any) -> None:
        body = {"assetId": 9, "network": ARAMID, "regulatoryFramework": "MiFID II", field: given}
        assert stored(owner, body)[field] == kept

    def test_an_asset_id_may_be_quoted(self, owner: User) -> None:
        assert stored(owner, {"assetId": "9007199254740993"})["assetId"] == 9007199254740993
        assert stored(owner, {"assetId": 2**63 - 1})["assetId"] == 2**63 - 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("assetId", 0),
            ("assetId", -1),
            ("assetId", 2**63),
            ("assetId", 2**70),
            ("assetId", 1.5),
            ("assetId", True),
            ("assetId", None),
            ("assetId", "abc"),
            ("assetId", [1]),
            ("kycProvider", "x" * 201),
            ("kycProvider", 5),
            ("kycProvider", ["a"]),
            ("kycProvider", "a\x00b"),
            ("jurisdiction", "x" * 501),
            ("regulatoryFramework", "x" * 501),
            ("assetType", "x" * 201),
            ("transferRestrictions", "x" * 1001),
            ("notes", "x" * 2001),
            ("notes", {"a": 1}),
            ("network", "x" * 51),
            ("network", "voi main"),
            ("network", 7),
            ("maxHolders", 0),
            ("maxHolders", 2**31),
            ("maxHolders", 1.5),
            ("maxHolders", True),
            ("verificationStatus", "Perfect"),
            ("verificationStatus", 5),
            ("verificationStatus", True),
            ("verificationStatus", -1),
            ("complianceStatus", {}),
            ("requiresAccreditedInvestors", "yes"),
            ("requiresAccreditedInvestors", 1),
            ("kycVerificationDate", "2026-02-30"),
            ("kycVerificationDate", "0001-01-01T00:00:00+23:00"),
            ("kycVerificationDate", "tomorrow"),
            ("kycVerificationDate", 5),
            ("issuerName", "unknown field"),
            ("id", "11111111-1111-1111-1111-111111111111"),
            ("AssetId", 5),
        ],
    )
    def test_bad_values_are_a_400_that_names_the_field_and_change_nothing(
        self, owner: User, field: str, value: Any
    ) -> None:
        response = post(owner, {"assetId": 11, "network": ARAMID, field: value})
        assert response.status_code == 400, response.content
        body = response.json()
        assert body["errorCode"] == "VALIDATION_ERROR"
        assert list(body["details"]) == [field]
        assert not Token.objects.exists()
        (event,) = event_bodies("compliance.metadata.create_failed")
        # A name that the caller made up is not repeated.
        told = "unknown field" if body["details"][field] == ["Unknown field."] else field
        assert event["errorMessage"] == f"The request is not valid: {told}"

    def test_a_missing_asset_id_is_named(self, owner: User) -> None:
        body = post(owner, {}).json()
        assert body["details"] == {"assetId": ["This field is required."]}
        assert body["errorMessage"] == "assetId: This field is required."

    @pytest.mark.parametrize(
        ("raw", "status", "code"),
        [
            (b"", 400, "VALIDATION_ERROR"),
            (b"{", 400, "MALFORMED_JSON"),
            (b'{"assetId": NaN}', 400, "MALFORMED_JSON"),
            (b'{"assetId": 1, "notes": "\xff\xfe"}', 400, "MALFORMED_JSON"),
            (b'{"assetId": 1, "notes": "\\ud800"}', 400, "MALFORMED_JSON"),
            (b"[" * 5000 + b"]" * 5000, 400, "MALFORMED_JSON"),
            (b"[1, 2]", 400, "VALIDATION_ERROR"),
            (b'"text"', 400, "VALIDATION_ERROR"),
            (b"null", 400, "VALIDATION_ERROR"),
            (b'{"assetId": 1, "notes": "' + b"x" * 1_000_000 + b'"}', 413, "PAYLOAD_TOO_LARGE"),
        ],
        ids=["empty", "cut", "nan", "latin", "surrogate", "deep", "list", "text", "null", "1MB"],
    )
    def test_bodies_that_are_no_request(
        self, owner: User, raw: bytes, status: int, code: str
    ) -> None:
        response = client_for(owner).post(URL, raw, content_type="application/json")
        assert (response.status_code, response.json()["errorCode"]) == (status, code)
        assert not Token.objects.exists()

    def test_another_media_type_is_a_415(self, owner: User) -> None:
        response = client_for(owner).post(URL, b"assetId=1", content_type="text/plain")
        assert (response.status_code, response.json()["errorCode"]) == (
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        )

    def test_a_query_parameter_is_refused(self, owner: User) -> None:
        response = client_for(owner).post(f"{URL}?network=x", {"assetId": 1}, format="json")
        assert response.status_code == 400
        assert list(response.json()["details"]) == ["network"]


class TestOwnership:
    def test_the_first_writer_owns_and_others_are_refused(
        self, owner: User, outsider: User
    ) -> None:
        stored(owner, EXAMPLE_1)
        response = post(outsider, {"assetId": 12345, "network": VOI, "notes": "mine"})
        assert (response.status_code, response.json()["errorCode"]) == (403, "FORBIDDEN")
        assert ComplianceMetadata.objects.get().notes is None
        (denied,) = event_bodies("security.access.denied")
        assert (denied["actor"], denied["assetId"]) == (outsider.address, "12345")

    def test_a_viewer_and_an_auditor_write_nothing(self, member: User, auditor: User) -> None:
        for user in (member, auditor):
            assert post(user, {"assetId": 1, "network": ARAMID}).status_code == 403
        assert not Token.objects.exists()

    def test_an_officer_writes_without_taking_ownership(self, officer: User, owner: User) -> None:
        stored(officer, EXAMPLE_2)
        assert Token.objects.get().issuer is None
        stored(owner, {"assetId": 67890, "notes": "claimed"})
        assert Token.objects.get().issuer_id in owner.issuer_ids


class TestSameAssetIdOnTwoNetworks:
    @pytest.fixture(autouse=True)
    def _two(self, owner: User) -> None:
        stored(owner, {**EXAMPLE_1, "assetId": 5})
        stored(owner, {**EXAMPLE_2, "assetId": 5})

    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_without_a_network_it_is_a_409_that_names_both(self, owner: User, method: str) -> None:
        response = getattr(client_for(owner), method)(f"{URL}/5")
        assert (response.status_code, response.json()["errorCode"]) == (409, "AMBIGUOUS_ASSET")
        assert response.json()["details"] == {"network": [ARAMID, VOI]}
        assert ComplianceMetadata.objects.count() == 2

    def test_a_write_without_a_network_is_a_409(self, owner: User) -> None:
        assert post(owner, {"assetId": 5, "notes": "?"}).status_code == 409

    def test_with_a_network_each_answers_for_itself(self, owner: User) -> None:
        client = client_for(owner)
        for network in (VOI, ARAMID):
            metadata = client.get(f"{URL}/5", {"network": network}).json()["metadata"]
            assert metadata["network"] == network
        assert client.delete(f"{URL}/5", {"network": ARAMID}, format="json").status_code == 200
        assert client.get(f"{URL}/5").json()["metadata"]["network"] == VOI


def test_a_token_without_a_network_stays_reachable_beside_one_with(
    owner: User, outsider: User
) -> None:
    stored(owner, {"assetId": 6, "notes": "nameless"})
    stored(outsider, {"assetId": 6, "network": ARAMID})
    client = client_for(owner)
    assert client.get(f"{URL}/6").json()["details"] == {"network": ["(none)", ARAMID]}
    metadata = client.get(f"{URL}/6", {"network": "(none)"}).json()["metadata"]
    assert (metadata["network"], metadata["notes"]) == (None, "nameless")
    updated = stored(owner, {"assetId": 6, "network": "(none)", "notes": "again"})
    assert updated["id"] == metadata["id"]


class TestGetDeleteList:
    def test_get_is_recorded_with_the_real_actor(self, owner: User, outsider: User) -> None:
        expected = stored(owner, FULL)
        assert client_for(outsider).get(f"{URL}/12345").json() == {
            "success": True,
            "metadata": expected,
        }
        (event,) = event_bodies("compliance.metadata.read")
        assert (event["actor"], event["assetId"], event["actionType"]) == (
            outsider.address,
            "12345",
            "Read",
        )

    def test_an_unknown_asset_is_a_404_and_a_recorded_failure(self, owner: User) -> None:
        response = client_for(owner).get(f"{URL}/99")
        assert response.status_code == 404
        assert response.json()["errorMessage"] == "Compliance metadata not found for this asset"
        (event,) = event_bodies("compliance.metadata.read_failed")
        assert (event["success"], event["assetId"], event["errorMessage"]) == (
            False,
            "99",
            "Compliance metadata not found for this asset",
        )

    @pytest.mark.parametrize("tail", ["NaN", "0", str(2**63), "-1", "1.5", "1/", "1/status/"])
    def test_what_is_no_asset_id_is_a_404_in_the_envelope(self, owner: User, tail: str) -> None:
        response = client_for(owner).get(f"{URL}/{tail}")
        assert response.status_code == 404
        assert response.json()["errorCode"] == "NOT_FOUND"

    def test_delete_leaves_the_history(self, owner: User) -> None:
        stored(owner, FULL)
        response = client_for(owner).delete(f"{URL}/12345")
        assert (response.status_code, response.json()) == (200, {"success": True, "metadata": None})
        assert not ComplianceMetadata.objects.exists()
        assert client_for(owner).get(f"{URL}/12345").status_code == 404
        actions = [
            entry["eventType"]
            for entry in client_for(owner)
            .get(f"{URL}/audit-log", {"assetId": 12345, "success": "true"})
            .json()["entries"]
            if entry["eventType"].startswith("compliance.metadata.")
        ]
        assert actions == ["compliance.metadata.deleted", "compliance.metadata.created"]

    def test_delete_twice_is_a_404(self, owner: User) -> None:
        stored(owner, FULL)
        client_for(owner).delete(f"{URL}/12345")
        assert client_for(owner).delete(f"{URL}/12345").status_code == 404
        assert len(event_bodies("compliance.metadata.deleted")) == 1
        assert len(event_bodies("compliance.metadata.delete_failed")) == 1

    def test_a_foreign_token_is_not_deleted(self, owner: User, outsider: User) -> None:
        stored(owner, FULL)
        assert client_for(outsider).delete(f"{URL}/12345").status_code == 403
        assert ComplianceMetadata.objects.exists()

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, [3, 2, 1]),
            ({"complianceStatus": "compliant"}, [3, 1]),
            ({"complianceStatus": 0}, [2]),
            ({"verificationStatus": "Verified"}, [1]),
            ({"network": "voimain-v1.0"}, [1]),
            ({"network": "VOImain"}, [1]),
            ({"network": "nowhere"}, []),
            ({"complianceStatus": "Compliant", "network": ARAMID}, [3]),
        ],
    )
    def test_list_filters(
        self, owner: User, outsider: User, query: dict[str, Any], expected: list[int]
    ) -> None:
        stored(owner, {**EXAMPLE_1, "assetId": 1})
        stored(owner, {"assetId": 2, "network": ARAMID})
        stored(owner, {**EXAMPLE_2, "assetId": 3})
        body = client_for(outsider).get(URL, query).json()
        assert [row["assetId"] for row in body["metadata"]] == expected
        assert (body["totalCount"], body["pageSize"]) == (len(expected), 20)
        (event,) = event_bodies("compliance.metadata.listed")
        assert (event["actor"], event["itemCount"]) == (outsider.address, len(expected))
        if not query:
            assert event["filterCriteria"] == "No filters"
            assert event["notes"] == "Listed 3 of 3 total compliance metadata entries"

    def test_list_pages(self, owner: User) -> None:
        for asset in range(1, 6):
            stored(owner, {"assetId": asset, "network": ARAMID})
        client = client_for(owner)
        page = client.get(URL, {"page": 2, "pageSize": 2}).json()
        assert [row["assetId"] for row in page["metadata"]] == [3, 2]
        assert (page["totalCount"], page["totalPages"], page["page"]) == (5, 3, 2)
        first = client.get(URL, {"pageSize": 3}).json()
        rest = client.get(URL, {"pageSize": 3, "cursor": first["nextCursor"]}).json()
        assert [row["assetId"] for row in rest["metadata"]] == [2, 1]
        assert rest["nextCursor"] is None

    @pytest.mark.parametrize(
        "query",
        [
            {"pageSize": 101},
            {"page": 0},
            {"status": "x"},
            {"complianceStatus": "Bad"},
            {"network": "not a name"},
        ],
    )
    def test_a_bad_list_parameter_is_a_400(self, owner: User, query: dict[str, Any]) -> None:
        response = client_for(owner).get(URL, query)
        assert response.status_code == 400
        assert list(response.json()["details"]) == list(query)
        assert len(event_bodies("compliance.metadata.list_failed")) == 1


class TestConditions:
    def test_etag_304_and_412(self, owner: User) -> None:
        first = post(owner, FULL)
        etag = first.headers["ETag"]
        client = client_for(owner)
        assert client.get(f"{URL}/12345").headers["ETag"] == etag
        unchanged = client.get(f"{URL}/12345", HTTP_IF_NONE_MATCH=etag)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        update = {"assetId": 12345, "network": VOI, "notes": "second"}
        ok = client.post(URL, update, format="json", HTTP_IF_MATCH=etag)
        assert ok.status_code == 200
        assert ok.headers["ETag"] != etag
        stale = client.post(URL, {**update, "notes": "third"}, format="json", HTTP_IF_MATCH=etag)
        assert (stale.status_code, stale.json()["errorCode"]) == (412, "PRECONDITION_FAILED")
        assert client.delete(f"{URL}/12345", HTTP_IF_MATCH=etag).status_code == 412
        assert client.get(f"{URL}/12345").json()["metadata"]["notes"] == "second"
        assert client.get(f"{URL}/12345", HTTP_IF_NONE_MATCH=etag).status_code == 200

    def test_if_match_on_nothing_is_a_412(self, owner: User) -> None:
        response = post(owner, FULL, HTTP_IF_MATCH="*")
        assert response.status_code == 412
        assert not ComplianceMetadata.objects.exists()

    def test_a_repeated_request_changes_nothing_but_is_recorded(self, owner: User) -> None:
        first = stored(owner, FULL)
        again = stored(owner, FULL)
        assert again == first
        assert ComplianceMetadata.objects.get().version == 1
        (event,) = event_bodies("compliance.metadata.updated")
        assert event["details"] == {"fields": []}


def test_accept_text_html_still_answers_json(owner: User) -> None:
    stored(owner, FULL)
    for accept in ("text/html", "application/xml", "text/csv", "image/*"):
        response = client_for(owner).get(f"{URL}/12345", HTTP_ACCEPT=accept)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"


def test_the_correlation_id_ties_answer_and_event(owner: User) -> None:
    response = post(owner, FULL, HTTP_X_CORRELATION_ID="order-66.a_b")
    assert response.headers["X-Correlation-ID"] == "order-66.a_b"
    assert event_bodies("compliance.metadata.created")[0]["correlationId"] == "order-66.a_b"
    bad = client_for(owner).get(f"{URL}/99", HTTP_X_CORRELATION_ID="a b\n")
    assert bad.headers["X-Correlation-ID"] == bad.json()["correlationId"]
    assert bad.headers["X-Correlation-ID"] != "a b\n"


def test_cors_headers_are_on_errors_too(anonymous: APIClient) -> None:
    response = anonymous.get(f"{URL}/1", HTTP_ORIGIN="https://app.example.com")
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "x-correlation-id" in response.headers["Access-Control-Expose-Headers"]
