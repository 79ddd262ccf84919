"""The enterprise audit, the audit trail, and the trails of one token (seeds 0 and 2)."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import Issuer, Token, User
from audit import summary
from audit.actions import ACTION_WORDS, ShownAction
from audit.api.serializers import (
    EnterpriseAuditEntrySerializer,
    EventsSummarySerializer,
    TrailEntrySerializer,
)
from audit.body import EventDraft
from audit.choices import ActionType, Category
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from audit.principal import NamedPrincipal
from audit.services import record_events
from tests.factories import VOI, TokenFactory, client_for, event_bodies, wallet
from whitelist.choices import LogAction
from whitelist.log_entries import ACTIONS

pytestmark = pytest.mark.django_db
EVERY = "/api/v1/enterprise-audit/export"
TRAIL = "/api/v1/audit-trail"
ISSUER = "/api/v1/issuer/audit-trail"
NOON = datetime(2026, 1, 22, 12, tzinfo=UTC)
ALICE = NamedPrincipal(wallet(1))
HEADER = (
    "Id,AssetId,Network,Category,ActionType,PerformedBy,PerformedAt,Success,ErrorMessage,"
    "AffectedAddress,OldStatus,NewStatus,Notes,ToAddress,TransferAllowed,DenialReason,Amount,Role,"
    "ItemCount,SourceSystem,CorrelationId,PayloadHash"
)


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(asset_id=12345, network=VOI, issuer=issuer)


@pytest.fixture
def log(token: Token) -> dict[str, UUID]:
    """One event of every kind of the registry about the token, a minute apart, oldest first."""
    drafts = [
        EventDraft(name, success=not name.endswith("_failed"), **token.event_fields)
        for name in sorted(EVENT_TYPES)
    ]
    ids = {}
    for number, draft in enumerate(drafts):
        moment = NOON + timedelta(minutes=number)
        (ids[draft.name],) = record_events([draft], actor=ALICE, occurred_at=moment)
    return ids


def get(user: User, path: str = EVERY, **query: Any) -> dict[str, Any]:
    response = client_for(user).get(path, query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def kinds(answer: dict[str, Any]) -> set[str]:
    return {entry["eventType"] for entry in answer["entries"]}


def every(user: User, path: str = EVERY, **query: Any) -> set[str]:
    """Return the kinds of all events of the filter, page by page."""
    found: set[str] = set()
    number, pages = 0, 1
    while number < pages:
        number += 1
        answer = get(user, path, page=number, pageSize=100, **query)
        pages = answer["totalPages"]
        found |= kinds(answer)
    assert answer["totalCount"] == len(found)
    return found


def test_an_entry_has_the_shape_of_the_seed(member: User, token: Token) -> None:
    draft = EventDraft(
        "whitelist.entry.created",
        **token.event_fields,
        affected_address=wallet(7),
        new_status="Active",
        notes="KYC verified user",
        details={"role": "Admin"},
    )
    (event_id,) = record_events([draft], actor=ALICE, occurred_at=NOON)
    answer = get(member)
    (entry,) = answer["entries"]
    line = AuditEvent.objects.get(id=event_id).body
    assert entry == {
        "id": str(event_id),
        "assetId": 12345,
        "network": VOI,
        "category": "Whitelist",
        "actionType": "Add",
        "performedBy": wallet(1),
        "performedAt": "2026-01-22T12:00:00.000000Z",
        "success": True,
        "errorMessage": None,
        "affectedAddress": wallet(7),
        "oldStatus": None,
        "newStatus": "Active",
        "notes": "KYC verified user",
        "toAddress": None,
        "transferAllowed": None,
        "denialReason": None,
        "amount": None,
        "role": "Admin",
        "itemCount": None,
        "sourceSystem": entry["sourceSystem"],
        "correlationId": entry["correlationId"],
        "payloadHash": sha256(line.encode()).hexdigest(),
        "eventType": "whitelist.entry.created",
        "referenceType": None,
        "referenceId": None,
    }
    assert set(entry) == set(EnterpriseAuditEntrySerializer().fields)
    assert answer["retentionPolicy"]["minimumRetentionYears"] == 7
    assert set(answer["summary"]) == set(EventsSummarySerializer().fields)
    (shown,) = get(member, TRAIL)["entries"]
    assert shown["tokenId"] == {"assetId": 12345, "network": VOI}
    assert (shown["actor"], shown["timestamp"]) == (wallet(1), entry["performedAt"])
    assert shown["payloadHash"] == entry["payloadHash"]
    assert set(shown) == set(TrailEntrySerializer().fields)


class TestFilters:
    def test_every_category_is_found_and_only_blacklist_is_empty(
        self, auditor: User, log: dict[str, UUID]
    ) -> None:
        for position, category in enumerate(Category):
            expected = {name for name, kind in EVENT_TYPES.items() if kind.category == category}
            assert every(auditor, category=category.lower()) == expected
            assert every(auditor, TRAIL, category=position) == expected
            assert bool(expected) == (category != Category.BLACKLIST)

    @pytest.mark.parametrize("word", ShownAction.values)
    def test_actions_by_our_words_and_by_older_ones(
        self, auditor: User, log: dict[str, UUID], word: str
    ) -> None:
        expected = {
            name
            for name, kind in EVENT_TYPES.items()
            if word in (ACTION_WORDS[name], str(kind.action_type))
        }
        assert expected
        assert every(auditor, actionType=word.upper()) == expected
        assert every(auditor, TRAIL, actionType=word) == expected

    def test_severity_event_type_and_references(self, auditor: User, log: dict[str, UUID]) -> None:
        warnings = {name for name, kind in EVENT_TYPES.items() if str(kind.severity) == "Warning"}
        assert every(auditor, TRAIL, severity="warning") == warnings
        name = "compliance.metadata.updated"
        assert every(auditor, TRAIL, eventType=name.upper()) == {name}
        refused = client_for(auditor).get(TRAIL, {"eventType": "compliance.metadata.%"})
        assert list(refused.json()["details"]) == ["eventType"]
        about = EventDraft("compliance.report.generated", reference_type="report", reference_id="7")
        record_events([about], actor=ALICE)
        assert get(auditor, TRAIL, referenceId="7", referenceType="report")["totalCount"] == 1
        assert get(auditor, TRAIL, referenceId="8")["totalCount"] == 0

    def test_tokens_actors_dates_and_success(
        self, auditor: User, issuer: Issuer, log: dict[str, UUID]
    ) -> None:
        everything = set(EVENT_TYPES)
        failed = {name for name in everything if name.endswith("_failed")}
        assert every(auditor, success="false") == failed
        assert every(auditor, success="true", assetId=12345) == everything - failed
        assert get(auditor, assetId=12346)["totalCount"] == 0
        assert every(auditor, network="VOIMAIN", performedBy=wallet(1).lower()) == everything
        assert get(auditor, TRAIL, actor=wallet(2))["totalCount"] == 0
        assert every(auditor, TRAIL, issuerId=str(issuer.pk)) == everything
        assert get(auditor, TRAIL, issuerId=str(uuid4()))["totalCount"] == 0
        first = sorted(everything)[:3]
        until = (NOON + timedelta(minutes=2)).isoformat()
        assert every(auditor, toDate=until, fromDate="2026-01-22") == set(first)

    def test_an_address_on_either_side(self, auditor: User, token: Token) -> None:
        sides: list[dict[str, Any]] = [
            {"affected_address": wallet(7)},
            {"affected_address": wallet(8), "to_address": wallet(7)},
            {"affected_address": wallet(8), "to_address": wallet(9)},
        ]
        drafts = [EventDraft("whitelist.transfer.validated", **side) for side in sides]
        first, second, _ = record_events(drafts, actor=ALICE)
        found = get(auditor, affectedAddress=wallet(7).lower())["entries"]
        assert {entry["id"] for entry in found} == {str(first), str(second)}


class TestSummary:
    def test_it_is_of_the_whole_filter(self, auditor: User, log: dict[str, UUID]) -> None:
        other = EventDraft("compliance.metadata.read", asset_id=7, network="aramidmain-v1.0")
        record_events([other], actor=ALICE, occurred_at=NOON - timedelta(days=1))
        for _ in range(2):  # once counted, once from what was kept
            answer = get(auditor, pageSize=1)
            told = answer["summary"]
            of = {
                category: sum(kind.category == category for kind in EVENT_TYPES.values())
                for category in Category
            }
            of[Category.COMPLIANCE] += 1
            assert told["byCategory"] == {str(category): count for category, count in of.items()}
            assert (
                told["whitelistEvents"] == of[Category.WHITELIST] + of[Category.TRANSFER_VALIDATION]
            )
            assert told["blacklistEvents"] == 0
            assert told["complianceEvents"] == of[Category.COMPLIANCE]
            assert told["tokenIssuanceEvents"] == of[Category.TOKEN_ISSUANCE]
            failed = sum(name.endswith("_failed") for name in EVENT_TYPES)
            assert told["failedOperations"] == failed
            assert told["successfulOperations"] == len(EVENT_TYPES) + 1 - failed
            assert told["dateRange"]["earliestEvent"].startswith("2026-01-21T12:00:00")
            assert told["networks"] == ["aramidmain-v1.0", VOI]
            assert (told["assets"], told["assetsTruncated"]) == ([7, 12345], False)
            assert answer["totalCount"] == len(EVENT_TYPES) + 1

    def test_of_nothing(self, auditor: User) -> None:
        told = get(auditor, assetId=99)["summary"]
        assert (told["dateRange"], told["assets"], told["networks"]) == (None, [], [])
        assert (told["successfulOperations"], told["failedOperations"]) == (0, 0)

    def test_many_assets_are_cut_and_it_says_so(
        self, auditor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(summary, "MOST_ASSETS", 3)
        for batch in ((9, 8, 7), (6, 9), (1,)):
            drafts = [EventDraft("compliance.metadata.read", asset_id=asset) for asset in batch]
            record_events(drafts, actor=ALICE)
            told = get(auditor)["summary"]
        assert (told["assets"], told["assetsTruncated"]) == ([1, 6, 7], True)


class TestFiles:
    def test_csv_has_the_22_columns_in_order(self, auditor: User, log: dict[str, UUID]) -> None:
        response = client_for(auditor).get(f"{EVERY}/csv", {"category": "Whitelist"})
        assert response.status_code == 200
        name = response.headers["Content-Disposition"]
        assert 'filename="enterprise-audit-log-' in name
        text = b"".join(response).decode()
        assert text.partition("\r\n")[0] == HEADER
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        listed = get(auditor, category="Whitelist", pageSize=100)["entries"]
        assert [row["PayloadHash"] for row in rows] == [entry["payloadHash"] for entry in listed]
        assert {row["ActionType"] for row in rows} == {
            "Add",
            "Update",
            "Remove",
            "Export",
            "Import",
        }
        (event,) = event_bodies("audit.log.exported")[-1:]
        assert event["details"]["view"] == "enterprise-audit-log"
        assert event["filterCriteria"] == "Category=Whitelist"

    def test_json_is_the_list_as_a_file(self, auditor: User, log: dict[str, UUID]) -> None:
        listed = get(auditor, category="Account", pageSize=100)
        response = client_for(auditor).get(f"{EVERY}/json", {"category": "Account"})
        file = json.loads(b"".join(response))
        assert file["entries"] == listed["entries"]
        assert file["summary"]["byCategory"] == listed["summary"]["byCategory"]

    def test_ndjson_is_the_lines_as_they_are(self, auditor: User, log: dict[str, UUID]) -> None:
        response = client_for(auditor).get(f"{TRAIL}/export/ndjson", {"category": "Account"})
        assert response.headers["Content-Type"] == "application/x-ndjson"
        *lines, trailer = b"".join(response).decode().splitlines(keepends=True)
        kept = AuditEvent.objects.filter(category="Account").order_by("-occurred_at", "-seq")
        assert [line.rstrip("\n") for line in lines] == [event.body for event in kept]
        told = json.loads(trailer)["trailer"]
        assert told["rows"] == len(lines)
        assert told["sha256"] == sha256("".join(lines).encode()).hexdigest()


class TestWhoSees:
    def test_own_issuers_alone(
        self, member: User, outsider: User, officer: User, log: dict[str, UUID]
    ) -> None:
        record_events([EventDraft("accounts.user.updated")], actor=ALICE)  # of no issuer
        for path in (EVERY, TRAIL):
            assert get(member, path)["totalCount"] == len(EVENT_TYPES)
            assert get(outsider, path)["totalCount"] == 0
            assert get(officer, path)["totalCount"] == len(EVENT_TYPES) + 1
        assert get(outsider)["summary"]["assets"] == []

    def test_the_trail_of_one_token(
        self, owner: User, auditor: User, issuer: Issuer, log: dict[str, UUID]
    ) -> None:
        twin = TokenFactory.create(asset_id=12345, network="aramidmain-v1.0", issuer=issuer)
        record_events([EventDraft("compliance.metadata.read", **twin.event_fields)], actor=ALICE)
        path = "/api/v1/token/12345/audit-trail"
        assert client_for(owner).get(path).status_code == 409
        assert every(owner, path, network=VOI) == set(EVENT_TYPES)
        assert get(auditor, path, network="aramidmain")["totalCount"] == 1
        assert every(owner, path, network=VOI, category="Whitelist") == {
            name for name, kind in EVENT_TYPES.items() if kind.category == "Whitelist"
        }

    def test_an_issuer_exports_its_own_tokens_alone(
        self, owner: User, outsider: User, auditor: User, log: dict[str, UUID]
    ) -> None:
        assert every(owner, ISSUER, assetId=12345) == set(EVENT_TYPES)
        assert get(owner, ISSUER, assetId=12345, actionType="Add")["summary"]["assets"] == [12345]
        response = client_for(owner).get(f"{ISSUER}/csv", {"assetId": 12345})
        assert 'filename="issuer-audit-trail-' in response.headers["Content-Disposition"]
        assert b"".join(response).decode().partition("\r\n")[0] == HEADER
        for path in (ISSUER, f"{ISSUER}/csv", f"{ISSUER}/json"):
            before = len(event_bodies("security.access.denied"))
            refused = client_for(outsider).get(path, {"assetId": 12345})
            assert (refused.status_code, refused.json()["errorCode"]) == (403, "FORBIDDEN")
            (denied,) = event_bodies("security.access.denied")[before:]
            assert (denied["actor"], denied["assetId"]) == (outsider.label, "12345")
            missing = client_for(owner).get(path)
            assert (missing.status_code, list(missing.json()["details"])) == (400, ["assetId"])
        assert client_for(auditor).get(ISSUER, {"assetId": 777}).status_code == 404


def test_the_words_are_those_of_the_whitelist_log() -> None:
    assert {str(word) for word in ACTIONS.values()} <= set(ShownAction.values)
    assert set(ACTION_WORDS.values()) <= set(ShownAction.values)
    assert set(ActionType.values) <= set(ShownAction.values)
    assert set(LogAction.values) <= set(ShownAction.values)


def test_an_anonymous_caller_sees_nothing(
    anonymous: APIClient, client_for: Callable[..., Any], log: dict[str, UUID]
) -> None:
    for path in (EVERY, f"{EVERY}/csv", TRAIL, ISSUER, "/api/v1/token/12345/audit-trail"):
        assert anonymous.get(path).status_code == 401
