"""The whitelist audit log, the enforcement report, the overview and the file of a whitelist."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Issuer, Token, User
from audit import counting
from audit.body import EventDraft
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_events
from audit.verification import verify_trail
from tests.factories import TokenFactory, client_for, event_bodies, wait_for_horizon, wallet
from whitelist.enforcement import enforcement_summary, validated_transfers
from whitelist.log_entries import ACTIONS
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

LOG = "/api/v1/whitelist/audit-log"
REPORT = "/api/v1/whitelist/enforcement-report"


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(issuer=issuer)


@pytest.fixture
def foreign(db: None) -> Token:
    return TokenFactory.create()


def transfer(token: Token, *, reason: str | None = None, **more: Any) -> EventDraft:
    """Return the event of a validated transfer; with a reason it was denied."""
    content: dict[str, Any] = {
        **token.event_fields,
        "affected_address": wallet(1),
        "to_address": wallet(2),
        "transfer_allowed": reason is None,
        "denial_reason": reason,
        "amount": "1000",
        **more,
    }
    return EventDraft("whitelist.transfer.validated", **content)


def get(user: User, url: str, **query: Any) -> Any:
    answer = client_for(user).get(url, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def lines(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


@pytest.mark.django_db
class TestAuditLog:
    @pytest.fixture(autouse=True)
    def _history(self, token: Token, foreign: Token, owner: User, officer: User) -> None:
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), status="Revoked")
        whitelist_policy_set(actor=officer, token=token, enforcement="Mandatory")
        record_events([transfer(token, reason="Sender is not listed")], actor=owner)
        whitelist_entry_upsert(actor=officer, token=foreign, address=wallet(3))

    def test_the_shape_of_an_entry(self, token: Token, owner: User) -> None:
        body = get(owner, LOG)
        denied, policy, revoked, added = body["entries"]
        assert added == {
            "id": added["id"],
            "assetId": token.asset_id,
            "address": wallet(1),
            "actionType": "Add",
            "performedBy": owner.label,
            "performedAt": added["performedAt"],
            "oldStatus": None,
            "newStatus": "Active",
            "notes": None,
            "toAddress": None,
            "transferAllowed": None,
            "denialReason": None,
            "amount": None,
            "network": token.network,
            "role": "Admin",
            "success": True,
            "errorMessage": None,
            "eventType": "whitelist.entry.created",
            "correlationId": added["correlationId"],
        }
        assert (revoked["actionType"], revoked["oldStatus"], revoked["newStatus"]) == (
            "Update",
            "Active",
            "Revoked",
        )
        assert (policy["actionType"], policy["newStatus"]) == ("PolicyChange", "Mandatory")
        assert (denied["actionType"], denied["toAddress"]) == ("TransferValidation", wallet(2))
        assert (denied["transferAllowed"], denied["amount"]) == (False, 1000)
        assert denied["denialReason"] == "Sender is not listed"
        assert (body["totalCount"], body["page"], body["pageSize"]) == (4, 1, 50)
        assert body["retentionPolicy"]["minimumRetentionYears"] == 7

    def test_members_see_their_own_and_staff_all(
        self, owner: User, member: User, outsider: User, auditor: User, officer: User
    ) -> None:
        totals = [get(user, LOG)["totalCount"] for user in (owner, member, outsider, auditor)]
        assert totals == [4, 4, 0, 5]

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"actionType": "Add"}, 1),
            ({"actionType": "3"}, 1),  # the incumbent's TransferValidation
            ({"actionType": "remove"}, 0),
            ({"actionType": "PolicyChange"}, 1),
            ({"address": wallet(1).lower()}, 3),
            ({"address": wallet(2)}, 1),
            ({"network": "voimain"}, 4),
            ({"network": "mainnet-v1.0"}, 0),
            ({"fromDate": "2020-01-01", "toDate": "2020-12-31"}, 0),
            ({"fromDate": "2020-01-01"}, 4),
            ({"pageSize": "1"}, 4),
        ],
    )
    def test_filters(self, owner: User, query: dict[str, str], count: int) -> None:
        assert get(owner, LOG, **query)["totalCount"] == count

    def test_filters_by_who_and_which(self, token: Token, owner: User, auditor: User) -> None:
        assert get(auditor, LOG, performedBy=owner.label.lower())["totalCount"] == 3
        assert get(auditor, LOG, assetId=token.asset_id)["totalCount"] == 4

    @pytest.mark.parametrize(
        "query",
        [
            {"actionType": "Steal"},
            {"address": "x" * 101},
            {"fromDate": "yesterday"},
            {"fromDate": "2026-02-01", "toDate": "2026-01-01"},
            {"unknown": "1"},
            {"pageSize": "0"},
        ],
    )
    def test_what_is_no_filter_is_a_400(self, owner: User, query: dict[str, str]) -> None:
        for path in (LOG, f"{LOG}/export/csv", f"{LOG}/export/json"):
            assert client_for(owner).get(path, query).status_code == 400
        assert event_bodies("audit.log.exported") == []

    def test_of_one_token(
        self, token: Token, foreign: Token, owner: User, auditor: User, issuer: Issuer
    ) -> None:
        url = f"/api/v1/whitelist/{token.asset_id}/audit-log"
        assert get(owner, url)["totalCount"] == 4
        assert get(owner, url, actionType="Add")["totalCount"] == 1
        # The same asset id on another network is another token.
        twin = TokenFactory.create(issuer=issuer, asset_id=token.asset_id, network="mainnet-v1.0")
        whitelist_entry_upsert(actor=owner, token=twin, address=wallet(1))
        assert client_for(owner).get(url).status_code == 409
        assert get(owner, url, network=token.network)["totalCount"] == 4
        assert get(owner, url, network="mainnet-v1.0")["totalCount"] == 1
        theirs = f"/api/v1/whitelist/{foreign.asset_id}/audit-log"
        assert client_for(owner).get(theirs).status_code == 404
        assert get(auditor, theirs)["totalCount"] == 1

    def test_a_cursor_reaches_every_entry(self, owner: User) -> None:
        seen, cursor = [], None
        while True:
            query = {"pageSize": 3, **({"cursor": cursor} if cursor else {})}
            body = get(owner, LOG, **query)
            seen += [entry["id"] for entry in body["entries"]]
            if (cursor := body["nextCursor"]) is None:
                break
        assert len(seen) == len(set(seen)) == 4

    def test_the_csv_file(self, token: Token, owner: User) -> None:
        answer = client_for(owner).get(f"{LOG}/export/csv", {"actionType": "TransferValidation"})
        header, row = lines(answer)
        assert ",".join(header) == (
            "Id,AssetId,Address,ActionType,PerformedBy,PerformedAt,OldStatus,NewStatus,Notes,"
            "ToAddress,TransferAllowed,DenialReason,Amount,Network,Role"
        )
        assert row[1:4] == [str(token.asset_id), wallet(1), "TransferValidation"]
        assert row[9:15] == [
            wallet(2),
            "False",
            "Sender is not listed",
            "1000",
            token.network,
            "",
        ]
        assert answer.headers["Content-Disposition"].startswith(
            'attachment; filename="whitelist-audit-log-'
        )
        assert answer.headers["X-Export-Total"] == "1"
        (event,) = event_bodies("audit.log.exported")
        assert event["details"] == {
            "view": "whitelist-audit-log",
            "format": "csv",
            "matching": 1,
        }
        assert event["filterCriteria"] == "ActionType=TransferValidation"

    def test_the_json_file_is_the_page_and_says_where_it_ends(
        self, owner: User, settings: Any
    ) -> None:
        listed = get(owner, LOG)
        answer = client_for(owner).get(f"{LOG}/export/json")
        file = json.loads(b"".join(answer.streaming_content))
        assert file["entries"] == listed["entries"]
        assert file["retentionPolicy"] == listed["retentionPolicy"]
        assert (file["totalCount"], file["truncated"]) == (4, False)
        settings.EXPORT_ROW_LIMIT = 2
        answer = client_for(owner).get(f"{LOG}/export/json")
        file = json.loads(b"".join(answer.streaming_content))
        assert (len(file["entries"]), file["totalCount"], file["truncated"]) == (2, 4, True)
        assert answer.headers["X-Export-Truncated"] == "true"

    def test_the_retention_policy(self, owner: User) -> None:
        assert get(owner, f"{LOG}/retention-policy") == get(
            owner, "/api/v1/compliance/audit-log/retention-policy"
        )


def test_every_whitelist_event_has_a_word_in_the_log() -> None:
    assert ACTIONS["whitelist.entry.removed"] == "Remove"
    assert ACTIONS["whitelist.transfer.validated"] == "TransferValidation"
    assert ACTIONS["whitelist.import.finished"] == "Import"
    assert ACTIONS["whitelist.entries.exported"] == "Export"
    assert not any(name.startswith(("compliance.", "accounts.")) for name in ACTIONS)


def summary_of(user: User, **query: Any) -> dict[str, Any]:
    summary: dict[str, Any] = get(user, REPORT, **query)["summary"]
    return summary


@pytest.mark.django_db(transaction=True)
class TestEnforcementReport:
    @pytest.fixture(autouse=True)
    def _history(self, token: Token, foreign: Token, owner: User) -> None:
        record_events(
            [
                *(transfer(token) for _ in range(4)),
                *(
                    transfer(
                        token,
                        reason=f"Receiver address {wallet(10 + n)} is not whitelisted for asset "
                        f"{token.asset_id}",
                    )
                    for n in range(3)
                ),
                transfer(token, reason="Sender address 0x" + "aB" * 20 + " is not whitelisted"),
                transfer(token, reason=None, transfer_allowed=False),
            ],
            actor=owner,
            occurred_at=timezone.now() - timedelta(days=1),
        )
        record_events([transfer(foreign)], actor=SYSTEM)
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))

    def test_the_summary_is_of_the_whole_filter(
        self, token: Token, foreign: Token, owner: User, auditor: User
    ) -> None:
        body = get(owner, REPORT, pageSize=2)
        summary = body["summary"]
        assert len(body["entries"]) == 2
        assert (body["totalCount"], body["totalPages"]) == (9, 5)
        assert summary["dateRange"]["earliestEvent"] == summary["dateRange"]["latestEvent"]
        assert summary == {
            "totalValidations": 9,
            "allowedTransfers": 4,
            "deniedTransfers": 5,
            "allowedPercentage": 44.44,
            "deniedPercentage": 55.56,
            "uniqueAssets": [token.asset_id],
            "uniqueNetworks": [token.network],
            "dateRange": summary["dateRange"],
            "denialReasons": {
                "Receiver address … is not whitelisted for asset …": 3,
                "No reason stated": 1,
                "Sender address … is not whitelisted": 1,
            },
        }
        everything = summary_of(auditor)
        assert everything["totalValidations"] == 10
        assert everything["uniqueAssets"] == sorted([token.asset_id, foreign.asset_id])
        assert everything["dateRange"]["earliestEvent"] < everything["dateRange"]["latestEvent"]

    def test_of_nothing(self, outsider: User) -> None:
        body = get(outsider, REPORT)
        assert (body["totalCount"], body["entries"]) == (0, [])
        assert body["summary"]["dateRange"] is None
        assert body["summary"]["allowedPercentage"] == 0.0

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"transferAllowed": "true"}, 4),
            ({"transferAllowed": "false"}, 5),
            ({"fromAddress": wallet(1).lower()}, 9),
            ({"toAddress": wallet(2)}, 9),
            ({"fromAddress": wallet(2)}, 0),
            ({"network": "voimain"}, 9),
            ({"toDate": "2020-01-01"}, 0),
        ],
    )
    def test_filters(self, owner: User, query: dict[str, str], count: int) -> None:
        body = get(owner, REPORT, **query)
        assert body["totalCount"] == body["summary"]["totalValidations"] == count

    def test_only_the_ten_most_frequent_reasons(self, token: Token, owner: User) -> None:
        letters = "abcdefghijkl"
        record_events(
            [
                transfer(token, reason=f"Reason {letter}")
                for place, letter in enumerate(letters)
                for _ in range(20 - place)
            ],
            actor=owner,
        )
        reasons = summary_of(owner)["denialReasons"]
        assert list(reasons.items()) == [
            (f"Reason {letter}", 20 - place) for place, letter in enumerate(letters[:10])
        ]

    def test_it_stays_exact_while_it_is_kept(
        self, token: Token, owner: User, auditor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "_REFRESH_AFTER", 2)
        wait_for_horizon()
        total = summary_of(auditor)["totalValidations"]
        for step in range(1, 5):
            record_events(
                [transfer(token, reason=f"Sender address {wallet(step)} expired")], actor=owner
            )
            if step == 3:
                wait_for_horizon()
            kept = summary_of(auditor)
            assert kept["totalValidations"] == total + step
            assert kept["denialReasons"].get("Sender address … expired") == step
        kept = summary_of(auditor)
        cache.clear()
        assert summary_of(auditor) == kept

    def test_the_number_of_statements_is_constant_and_later_ones_read_the_tail(
        self, token: Token, owner: User, auditor: User
    ) -> None:
        def statements() -> list[str]:
            with CaptureQueriesContext(connection) as queries:
                enforcement_summary(validated_transfers(auditor))
            return [query["sql"] for query in queries]

        wait_for_horizon()
        assert auditor.reads_everything  # known from here on
        first = statements()
        assert len(statements()) == 2
        column = "xid" if connection.vendor == "postgresql" else "seq"
        assert all(f'"{column}" >= ' in one for one in statements())
        cache.clear()
        record_events([transfer(token) for _ in range(200)], actor=owner)
        assert len(statements()) == len(first) == 5

    def test_the_csv_file(self, token: Token, owner: User) -> None:
        answer = client_for(owner).get(f"{REPORT}/export/csv", {"transferAllowed": "true"})
        header, *rows = lines(answer)
        assert ",".join(header) == (
            "Id,AssetId,FromAddress,ToAddress,PerformedBy,PerformedAt,TransferAllowed,"
            "DenialReason,Amount,Network,Role,Notes"
        )
        assert len(rows) == 4
        assert rows[0][2:5] == [wallet(1), wallet(2), owner.label]
        assert rows[0][6:] == ["True", "", "1000", token.network, "", ""]

    def test_the_json_file_has_the_summary(self, owner: User) -> None:
        answer = client_for(owner).get(f"{REPORT}/export/json")
        file = json.loads(b"".join(answer.streaming_content))
        assert file["summary"] == summary_of(owner)
        assert len(file["entries"]) == file["totalCount"] == 9
        (event,) = event_bodies("audit.log.exported")
        assert event["details"]["view"] == "whitelist-enforcement-report"


@pytest.mark.django_db
class TestOverview:
    @pytest.fixture
    def url(self, token: Token) -> str:
        return f"/api/v1/whitelist/{token.asset_id}/compliance-overview"

    def test_real_numbers(self, token: Token, owner: User, url: str) -> None:
        now = timezone.now()
        for number, content in enumerate(
            (
                {"kyc_verified": True, "kyc_provider": "Sumsub"},
                {"kyc_verified": True, "kyc_provider": "Onfido"},
                {"kyc_verified": False},
                {"status": "Inactive"},
                {"status": "Revoked", "kyc_verified": True, "kyc_provider": "Sumsub"},
                {"expiration_date": now - timedelta(days=1)},
            )
        ):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(number), **content)
        record_events([transfer(token), transfer(token, reason="No")], actor=owner)
        body = get(owner, url)
        assert body["investorEligibility"] == {
            "totalEntries": 6,
            "activeEntries": 3,
            "inactiveEntries": 1,
            "revokedEntries": 1,
            "expiredEntries": 1,
            "activePercentage": 50.0,
        }
        assert body["kycVerification"] == {
            "kycVerifiedEntries": 3,
            "activeWithoutKyc": 1,
            "kycProviderCount": 2,
            "kycProviders": ["Onfido", "Sumsub"],
        }
        transfers = body["transferEnforcement"]
        assert (transfers["totalValidations"], transfers["deniedTransfers"]) == (2, 1)
        assert transfers["allowedPercentage"] == 50.0
        assert transfers["lastValidationAt"] is not None
        assert body["auditTrail"]["totalAuditEntries"] == 8
        assert (body["assetId"], body["network"]) == (token.asset_id, token.network)

    def test_the_score_is_of_facts(
        self, token: Token, owner: User, url: str, settings: Any
    ) -> None:
        def readiness() -> dict[str, Any]:
            found: dict[str, Any] = get(owner, url)["micaReadiness"]
            return found

        nothing = readiness()
        assert (nothing["readinessScore"], nothing["auditRetentionCompliant"]) == (20, True)
        settings.RETENTION_YEARS = {"compliance_audit_event": 4}
        assert readiness()["readinessScore"] == 0
        assert get(owner, url)["auditTrail"]["minimumRetentionYears"] == 4
        settings.RETENTION_YEARS = {"compliance_audit_event": 7}
        whitelist_entry_upsert(
            actor=owner, token=token, address=wallet(1), kyc_verified=True, kyc_provider="Sumsub"
        )
        assert readiness()["readinessScore"] == 60
        whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
        assert readiness()["readinessScore"] == 80
        assert get(owner, url)["auditTrail"]["immutableEntries"] is False  # nobody looked yet
        seal_events()
        verify_trail()
        assert readiness()["readinessScore"] == 100
        assert get(owner, url)["auditTrail"]["immutableEntries"] is True

    def test_older_clients_name_the_asset_in_the_query(
        self, token: Token, owner: User, url: str
    ) -> None:
        old = "/api/v1/whitelist/compliance-overview"
        body = get(owner, old, assetId=token.asset_id)
        assert body["investorEligibility"] == get(owner, url)["investorEligibility"]
        for query in ({}, {"assetId": "0"}, {"assetId": "1e3"}, {"assetId": str(2**63)}):
            assert client_for(owner).get(old, query).status_code == 400

    def test_who_sees_it(self, member: User, outsider: User, auditor: User, url: str) -> None:
        statuses = [client_for(one).get(url).status_code for one in (member, outsider, auditor)]
        assert statuses == [200, 404, 200]


@pytest.mark.django_db
class TestEntriesFile:
    @pytest.fixture
    def export(self, token: Token) -> Callable[..., Any]:
        def asked(user: User, **query: Any) -> Any:
            return client_for(user).get(f"/api/v1/whitelist/{token.asset_id}/export/csv", query)

        return asked

    def test_the_columns_and_the_guard(
        self, token: Token, owner: User, export: Callable[..., Any]
    ) -> None:
        entry = whitelist_entry_upsert(
            actor=owner,
            token=token,
            address=wallet(1),
            reason="=1+1",
            investor_category="Professional",
            jurisdiction_code="DE",
            kyc_verified=True,
        )
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(2), status="Revoked")
        answer = export(owner)
        header, first, second = lines(answer)
        assert ",".join(header) == (
            "Id,AssetId,Address,Status,CreatedBy,CreatedAt,UpdatedAt,UpdatedBy,Reason,"
            "ExpirationDate,KycVerified,KycVerificationDate,KycProvider,Network,Role,"
            "InvestorCategory,JurisdictionCode"
        )
        assert first[:5] == [
            str(entry.pk),
            str(token.asset_id),
            wallet(1),
            "Active",
            owner.label,
        ]
        assert (first[8], first[10]) == ("'=1+1", "True")
        assert first[13:] == [token.network, "Admin", "Professional", "DE"]
        assert second[2:4] == [wallet(2), "Revoked"]
        assert answer.headers["X-Export-Total"] == "2"
        (event,) = event_bodies("whitelist.entries.exported")
        assert (event["itemCount"], event["assetId"]) == (2, str(token.asset_id))

    def test_by_status(self, token: Token, owner: User, export: Callable[..., Any]) -> None:
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(2), status="Revoked")
        assert [row[2] for row in lines(export(owner, status="revoked"))[1:]] == [wallet(2)]
        assert export(owner, status="Gone").status_code == 400

    def test_who_may(
        self, member: User, outsider: User, auditor: User, export: Callable[..., Any]
    ) -> None:
        assert [export(one).status_code for one in (member, outsider, auditor)] == [200, 404, 200]

    def test_more_than_ten_thousand_entries_are_all_there(
        self, token: Token, owner: User, export: Callable[..., Any], settings: Any
    ) -> None:
        settings.EXPORT_ROW_LIMIT = 2
        for number in range(5):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(number))
        answer = export(owner)
        assert len(lines(answer)) == 6
        assert answer.headers["X-Export-Truncated"] == "false"
        assert AuditEvent.objects.filter(name="whitelist.entries.exported").count() == 1
