"""The compliance audit log (seed 1, sections 5 to 8)."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import Issuer, User
from audit.api.log_views import COMPLIANCE_AUDIT_LOG
from audit.api.serializers import ComplianceAuditEntrySerializer, RetentionPolicySerializer
from audit.body import EventDraft
from audit.models import AuditEvent
from audit.principal import NamedPrincipal
from audit.services import record_events
from tests.factories import VOI, client_for, event_bodies, wallet

pytestmark = pytest.mark.django_db
LIST = "/api/v1/compliance/audit-log"
CSV = f"{LIST}/export/csv"
JSON = f"{LIST}/export/json"
HEADER = (
    "Id,AssetId,Network,ActionType,PerformedBy,PerformedAt,Success,ErrorMessage,"
    "OldComplianceStatus,NewComplianceStatus,OldVerificationStatus,NewVerificationStatus,"
    "ItemCount,FilterCriteria,Notes"
)
ALICE, BOB = NamedPrincipal(wallet(1)), NamedPrincipal("bob@example.com")


def record(
    name: str = "compliance.metadata.updated",
    *,
    actor: NamedPrincipal = ALICE,
    at: datetime = datetime(2026, 1, 22, 10, 30, tzinfo=UTC),
    **content: Any,
) -> UUID:
    return record_events([EventDraft(name, **content)], actor=actor, occurred_at=at)[0]


@pytest.fixture
def log(issuer: Issuer) -> dict[str, UUID]:
    return {
        "updated": record(
            asset_id=12345,
            network=VOI,
            issuer_id=issuer.pk,
            old_status="UnderReview",
            new_status="Compliant",
            old_verification_status="Pending",
            new_verification_status="Verified",
            notes="Updated compliance metadata",
        ),
        "failed": record(
            "compliance.metadata.create_failed",
            asset_id=12345,
            network=VOI,
            issuer_id=issuer.pk,
            success=False,
            error_message="VOI network requires jurisdiction to be specified for compliance",
            at=datetime(2026, 1, 21, 10, 15, tzinfo=UTC),
        ),
        "listed": record(
            "compliance.metadata.listed",
            actor=BOB,
            item_count=7,
            filter_criteria='Network="x", ComplianceStatus=Compliant',
            at=datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        "foreign": record(
            asset_id=67890,
            network="aramidmain-v1.0",
            issuer_id=UUID(int=7),
            at=datetime(2026, 2, 1, tzinfo=UTC),
        ),
        "other category": record("audit.log.exported", at=datetime(2026, 2, 2, tzinfo=UTC)),
    }


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [entry["id"] for entry in response.json()["entries"]]


def test_an_entry_has_the_seed_fields_and_the_list_its_envelope(
    log: dict[str, UUID], auditor: User
) -> None:
    answer = client_for(auditor).get(LIST, {"assetId": 12345, "actionType": "Update"}).json()
    (entry,) = answer.pop("entries")
    assert answer == {
        "success": True,
        "totalCount": 1,
        "page": 1,
        "pageSize": 50,
        "totalPages": 1,
        "nextCursor": None,
        "retentionPolicy": {
            "minimumRetentionYears": 7,
            "regulatoryFramework": "MICA",
            "immutableEntries": True,
            "description": "Audit logs are retained for a minimum of 7 years to comply with MICA "
            "and other regulatory requirements. All entries are immutable and cannot be modified "
            "or deleted.",
        },
    }
    assert len(entry.pop("correlationId")) > 0
    assert entry == {
        "id": str(log["updated"]),
        "assetId": 12345,
        "network": VOI,
        "actionType": "Update",
        "performedBy": wallet(1),
        "performedAt": "2026-01-22T10:30:00.000000Z",
        "success": True,
        "errorMessage": None,
        "oldComplianceStatus": "UnderReview",
        "newComplianceStatus": "Compliant",
        "oldVerificationStatus": "Pending",
        "newVerificationStatus": "Verified",
        "notes": "Updated compliance metadata",
        "itemCount": None,
        "filterCriteria": None,
        "eventType": "compliance.metadata.updated",
        "referenceType": None,
        "referenceId": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["foreign", "listed", "updated", "failed"]),
        ({"assetId": "12345"}, ["updated", "failed"]),
        ({"network": "voimain-v1.0"}, ["updated", "failed"]),
        ({"network": "VOIMAIN"}, ["updated", "failed"]),
        ({"network": "voi"}, []),
        ({"actionType": "list"}, ["listed"]),
        ({"actionType": "4"}, ["listed"]),
        ({"performedBy": wallet(1).lower()}, ["foreign", "updated", "failed"]),
        ({"performedBy": "BOB@example.com"}, ["listed"]),
        ({"success": "false"}, ["failed"]),
        ({"success": "True", "assetId": "12345"}, ["updated"]),
        ({"fromDate": "2026-01-22T10:30:00Z"}, ["foreign", "listed", "updated"]),
        ({"toDate": "2026-01-22T10:30:00Z"}, ["updated", "failed"]),
        ({"toDate": "2026-01-31"}, ["listed", "updated", "failed"]),
        ({"fromDate": "2026-01-31", "toDate": "2026-01-31"}, ["listed"]),
        ({"fromDate": "2026-01-22T12:30:00+02:00", "toDate": "2026-01-22"}, ["updated"]),
    ],
)
def test_filters(
    log: dict[str, UUID], auditor: User, query: dict[str, str], expected: list[str]
) -> None:
    wanted = [str(log[name]) for name in expected]
    response = client_for(auditor).get(LIST, query)
    assert ids(response) == wanted
    assert response.json()["totalCount"] == len(wanted)
    file = json.loads(b"".join(client_for(auditor).get(JSON, query).streaming_content))
    assert [entry["id"] for entry in file["entries"]] == wanted


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"assetId": "abc"}, "assetId"),
        ({"assetId": "0"}, "assetId"),
        ({"assetId": str(2**63)}, "assetId"),
        ({"actionType": "Explode"}, "actionType"),
        ({"actionType": "99"}, "actionType"),
        ({"success": "yes"}, "success"),
        ({"fromDate": "2026-02-30"}, "fromDate"),
        ({"toDate": "yesterday"}, "toDate"),
        ({"fromDate": "2026-02-02", "toDate": "2026-02-01"}, "toDate"),
        ({"network": "x" * 51}, "network"),
        ({"performedBy": "a\x00b"}, "performedBy"),
        ({"page": "0"}, "page"),
        ({"page": "-1"}, "page"),
        ({"page": "1.5"}, "page"),
        ({"pageSize": "101"}, "pageSize"),
        ({"pageSize": "0"}, "pageSize"),
        ({"cursor": "!!"}, "cursor"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"assetID": "1"}, "assetID"),
        ({"format": "json"}, "format"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    auditor: User, query: dict[str, str], field: str
) -> None:
    response = client_for(auditor).get(LIST, query)
    assert response.status_code == 400
    body = response.json()
    assert body["errorCode"] == "VALIDATION_ERROR"
    assert list(body["details"]) == [field]


def test_a_repeated_parameter_is_a_400(auditor: User) -> None:
    response = client_for(auditor).get(f"{LIST}?assetId=1&assetId=2")
    assert response.status_code == 400
    assert response.json()["details"] == {"assetId": ["Given more than once."]}


def test_pages_and_cursor_visit_every_entry_once(auditor: User) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    expected = [str(record(item_count=number, at=moment)) for number in range(7)][::-1]
    client = client_for(auditor)
    by_page = [
        entry
        for page in (1, 2, 3)
        for entry in ids(client.get(LIST, {"page": page, "pageSize": 3}))
    ]
    assert by_page == expected
    by_cursor: list[str] = []
    query: dict[str, Any] = {"pageSize": 3}
    while True:
        response = client.get(LIST, query)
        by_cursor += ids(response)
        assert response.json()["totalCount"] == 7
        if response.json()["nextCursor"] is None:
            break
        query = {"pageSize": 3, "cursor": response.json()["nextCursor"]}
    assert by_cursor == expected
    assert client.get(LIST, {"page": 4, "pageSize": 3}).json()["entries"] == []


def test_each_sees_what_their_role_allows(
    log: dict[str, UUID], owner: User, member: User, outsider: User, officer: User, auditor: User
) -> None:
    own = [str(log["updated"]), str(log["failed"])]
    everything = [str(log[name]) for name in ("foreign", "listed", "updated", "failed")]
    for user, expected in [
        (owner, own),
        (member, own),
        (outsider, []),
        (officer, everything),
        (auditor, everything),
    ]:
        response = client_for(user).get(LIST)
        assert ids(response) == expected
        assert response.json()["totalCount"] == len(expected)
        lines = b"".join(client_for(user).get(CSV).streaming_content).decode().splitlines()
        assert len(lines) == 1 + len(expected)


@pytest.mark.parametrize("path", [LIST, CSV, JSON, f"{LIST}/retention-policy"])
def test_nobody_reads_without_signing_in(anonymous: APIClient, path: str) -> None:
    response = anonymous.get(path)
    assert response.status_code == 401
    assert response.json()["errorCode"] == "AUTHENTICATION_REQUIRED"
    assert response.headers["WWW-Authenticate"] == 'SigTx realm="BiatecTokens#ARC14", Bearer'
    (denied,) = event_bodies("security.access.denied")
    assert (denied["actor"], denied["success"]) == ("anonymous", False)


def test_csv_has_the_seed_header_quoting_and_line_ends(log: dict[str, UUID], auditor: User) -> None:
    response = client_for(auditor).get(CSV, {"toDate": "2026-01-31"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["X-Export-Truncated"] == "false"
    assert response.headers["X-Export-Total"] == "3"
    assert response.headers["Content-Disposition"].startswith(
        'attachment; filename="compliance-audit-log-'
    )
    text = b"".join(response.streaming_content).decode()
    lines = text.split("\r\n")
    assert lines[0] == HEADER
    assert lines[1] == (
        f'"{log["listed"]}",,"","List","bob@example.com","2026-01-31T23:59:59.999999Z",True,"","",'
        '"","","",7,"Network=""x"", ComplianceStatus=Compliant",""'
    )
    assert lines[2] == (
        f'"{log["updated"]}",12345,"voimain-v1.0","Update","{wallet(1)}",'
        '"2026-01-22T10:30:00.000000Z",True,"","UnderReview","Compliant","Pending","Verified",,"",'
        '"Updated compliance metadata"'
    )
    assert lines[4] == ""


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "'", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_guarded_reversibly(
    auditor: User, start: str
) -> None:
    note = f'{start}HYPERLINK("http://x","y")'
    record(notes=note)
    text = b"".join(client_for(auditor).get(CSV).streaming_content).decode()
    (row,) = list(csv.DictReader(io.StringIO(text, newline="")))
    assert row["Notes"] == f"'{note}"


@pytest.mark.parametrize("given", ["true", "TRUE"])
def test_a_trailer_proves_a_file_whole(log: dict[str, UUID], auditor: User, given: str) -> None:
    plain = b"".join(client_for(auditor).get(CSV).streaming_content)
    response = client_for(auditor).get(CSV, {"trailer": given})
    assert "Link" not in response.headers
    *before, last = b"".join(response.streaming_content).splitlines(keepends=True)
    assert b"".join(before) == plain
    assert last.decode() == f'"# END rows=4 sha256={hashlib.sha256(plain).hexdigest()}"\r\n'
    without = client_for(auditor).get(CSV, {"trailer": "false"})
    assert b"".join(without.streaming_content) == plain


@pytest.mark.parametrize("path", [LIST, JSON])
def test_a_trailer_is_of_csv_alone(auditor: User, path: str) -> None:
    assert client_for(auditor).get(path, {"trailer": "true"}).status_code == 400


def test_a_trailer_is_true_or_false(log: dict[str, UUID], auditor: User) -> None:
    before = AuditEvent.objects.count()
    response = client_for(auditor).get(CSV, {"trailer": "maybe"})
    assert response.status_code == 400
    assert response.json()["details"] == {"trailer": ["Must be true or false."]}
    assert AuditEvent.objects.count() == before


def test_a_truncated_export_says_so(auditor: User, settings: Any) -> None:
    settings.EXPORT_ROW_LIMIT = 2
    for number in range(3):
        record(item_count=number)
    response = client_for(auditor).get(CSV)
    assert response.headers["X-Export-Truncated"] == "true"
    assert response.headers["X-Export-Total"] == "3"
    assert response.headers["Link"].startswith('</api/v1/exports>; rel="create-form"')
    assert len(b"".join(response.streaming_content).splitlines()) == 3
    response = client_for(auditor).get(JSON)
    file = json.loads(b"".join(response.streaming_content))
    assert response.headers["X-Export-Truncated"] == "true"
    assert (file["truncated"], file["totalCount"], len(file["entries"])) == (True, 3, 2)


def test_an_export_that_fails_midway_says_that_it_is_incomplete(
    log: dict[str, UUID], auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*anything: object) -> Any:
        yield b"a whole record\r\n"
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("audit.log_files.csv_rows", broken)
    text = b"".join(client_for(auditor).get(CSV).streaming_content).decode()
    assert text.splitlines()[-1].startswith('"# INCOMPLETE')
    assert len(text.splitlines()) == 3
    trailed = client_for(auditor).get(CSV, {"trailer": "true"}).streaming_content
    assert b"".join(trailed).decode() == text


def test_exports_are_recorded_with_their_actor_filter_and_count(
    log: dict[str, UUID], officer: User
) -> None:
    client_for(officer).get(CSV, {"assetId": 12345})
    client_for(officer).get(JSON)
    first, second = event_bodies("audit.log.exported")[1:]
    assert (first["actor"], first["itemCount"], first["filterCriteria"]) == (
        officer.label,
        2,
        "AssetId=12345",
    )
    assert first["details"] == {"view": "compliance-audit-log", "format": "csv", "matching": 2}
    assert (second["itemCount"], second["filterCriteria"]) == (4, "No filters")


def test_the_json_export_has_the_structure_of_the_list(log: dict[str, UUID], auditor: User) -> None:
    file = json.loads(b"".join(client_for(auditor).get(JSON).streaming_content))
    listed = client_for(auditor).get(LIST).json()
    assert file["entries"] == listed["entries"]
    assert set(listed) - set(file) == {"nextCursor"}
    assert file["pageSize"] == settings.EXPORT_ROW_LIMIT


def test_retention_policy_is_the_seed_body(outsider: User) -> None:
    response = client_for(outsider).get(f"{LIST}/retention-policy")
    assert response.status_code == 200
    assert set(response.json()) == set(RetentionPolicySerializer().fields)
    assert response.json()["minimumRetentionYears"] == 7


def test_the_documented_fields_are_the_answered_ones(log: dict[str, UUID]) -> None:
    line = AuditEvent.objects.get(id=log["updated"]).body
    assert set(COMPLIANCE_AUDIT_LOG.entry(line)) == set(ComplianceAuditEntrySerializer().fields)


def test_a_log_cannot_be_written_over_the_api(
    log: dict[str, UUID], administrator: User, client_for: Callable[..., APIClient]
) -> None:
    count = AuditEvent.objects.count()
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client_for(administrator), method)(LIST, {}, format="json")
        assert response.status_code == 405
        assert response.json()["errorCode"] == "METHOD_NOT_ALLOWED"
    assert AuditEvent.objects.count() == count
