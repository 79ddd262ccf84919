"""Validating transfers: every denial, every bad input, what is recorded, and what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Token, User
from audit.models import AuditEvent
from compliance.api.transfer_serializers import (
    ValidateTransferSerializer,
    ask_of,
    quick_ask,
)
from compliance.models import ComplianceMetadata, TokenStatus
from compliance.services.transfers import Named, TransferAsk, transfer_validate, transfers_validate
from config.api.errors import ValidationFailed
from jurisdictions.models import FactValue
from tests.factories import ARAMID, VOI, TokenFactory, client_for, event_bodies, wallet
from whitelist.decision import Role
from whitelist.models import WhitelistEntry, WhitelistPolicy

pytestmark = pytest.mark.django_db
PATH, MANY = "/api/v1/whitelist/validate-transfer", "/api/v1/whitelist/validate-transfers"
VALIDATED, FAILED = "whitelist.transfer.validated", "whitelist.transfer.validation_failed"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FROM, TO = wallet(1), wallet(2)
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
STATES: dict[str, dict[str, Any] | None] = {
    "active": {},
    "active until tomorrow": {"expiration_date": NOW + timedelta(days=1)},
    "unlisted": None,
    "inactive": {"status": "Inactive"},
    "revoked": {"status": "Revoked"},
    "expired": {"expiration_date": NOW - timedelta(days=30)},
    "expired at this very moment": {"expiration_date": NOW},
    "expired and revoked": {"status": "Revoked", "expiration_date": NOW - timedelta(days=30)},
}
REASONS = {
    "active": None,
    "active until tomorrow": None,
    "unlisted": "{role} address {address} is not whitelisted for asset {asset}",
    "inactive": "{role} address {address} whitelist status is Inactive (not Active)",
    "revoked": "{role} address {address} whitelist status is Revoked (not Active)",
    "expired": "{role} address {address} whitelist entry expired on 2026-10-23",
    "expired at this very moment": "{role} address {address} whitelist entry expired on 2026-11-22",
    "expired and revoked": "{role} address {address} whitelist status is Revoked (not Active)",
}


@pytest.fixture
def token() -> Token:
    return TokenFactory.create()


def lists(token: Token, address: str, **content: Any) -> WhitelistEntry:
    return WhitelistEntry.objects.create(token=token, address=address, created_by="test", **content)


def body(token: Token, **more: Any) -> dict[str, Any]:
    return {"assetId": token.asset_id, "fromAddress": FROM, "toAddress": TO, **more}


def validate(user: User, content: dict[str, Any]) -> dict[str, Any]:
    response = client_for(user).post(PATH, content, format="json")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


class TestTheAnswer:
    def test_an_allowed_transfer_answers_as_the_seed_shows(
        self, token: Token, outsider: User
    ) -> None:
        lists(token, FROM, expiration_date=datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC))
        lists(token, TO)
        answer = validate(outsider, body(token, amount=1000))
        assert {name: answer[name] for name in ("success", "isAllowed", "denialReason")} == {
            "success": True,
            "isAllowed": True,
            "denialReason": None,
        }
        assert answer["senderStatus"] == {
            "address": FROM,
            "isWhitelisted": True,
            "isActive": True,
            "isExpired": False,
            "expirationDate": "2027-12-31T23:59:59Z",
            "status": "Active",
        }
        assert answer["receiverStatus"] == {
            "address": TO,
            "isWhitelisted": True,
            "isActive": True,
            "isExpired": False,
            "expirationDate": None,
            "status": "Active",
        }
        assert {check["verdict"] for check in answer["checks"]} == {"Pass"}
        assert (answer["assetId"], answer["network"]) == (token.asset_id, VOI)

    def test_an_unlisted_receiver_answers_as_the_seed_shows(
        self, token: Token, outsider: User
    ) -> None:
        lists(token, FROM)
        answer = validate(outsider, body(token))
        assert (answer["success"], answer["isAllowed"]) == (True, False)
        assert answer["denialReason"] == (
            f"Receiver address {TO} is not whitelisted for asset {token.asset_id}"
        )
        assert answer["senderStatus"]["isWhitelisted"] is True
        assert answer["receiverStatus"] == {
            "address": TO,
            "isWhitelisted": False,
            "isActive": False,
            "isExpired": False,
            "expirationDate": None,
            "status": None,
        }

    @pytest.mark.parametrize("sender", STATES)
    @pytest.mark.parametrize("receiver", STATES)
    def test_every_state_of_both_parties(
        self, token: Token, outsider: User, sender: str, receiver: str
    ) -> None:
        expected = []
        for role, address, state in (("Sender", FROM, sender), ("Receiver", TO, receiver)):
            content, reason = STATES[state], REASONS[state]
            if content is not None:
                lists(token, address, **content)
            if reason is not None:
                expected.append(reason.format(role=role, address=address, asset=token.asset_id))
        with time_machine.travel(NOW, tick=False):
            answer = validate(outsider, body(token))
        assert answer["denialReason"] == ("; ".join(expected) or None)
        assert answer["isAllowed"] is not bool(expected)
        for status, state in (("senderStatus", sender), ("receiverStatus", receiver)):
            content = STATES[state]
            shown = answer[status]
            assert shown["isWhitelisted"] is (content is not None)
            assert shown["status"] == (None if content is None else content.get("status", "Active"))
            assert shown["isActive"] is (shown["status"] == "Active")
            assert shown["isExpired"] is state.startswith("expired")

    def test_an_address_that_is_both_parties_gives_one_reason(
        self, token: Token, outsider: User
    ) -> None:
        answer = validate(outsider, body(token, toAddress=FROM))
        assert answer["denialReason"] == (
            f"Sender address {FROM} is not whitelisted for asset {token.asset_id}"
        )

    def test_a_token_that_nobody_recorded_whitelists_nobody(self, outsider: User) -> None:
        answer = validate(outsider, {"assetId": 99, "fromAddress": FROM, "toAddress": TO})
        assert answer["denialReason"] == (
            f"Sender address {FROM} is not whitelisted for asset 99; "
            f"Receiver address {TO} is not whitelisted for asset 99"
        )
        (event,) = event_bodies(VALIDATED)
        assert (event["assetId"], event["transferAllowed"]) == ("99", False)
        assert "network" not in event
        assert "issuerId" not in event

    def test_the_entry_of_another_token_counts_nothing(self, token: Token, outsider: User) -> None:
        other = TokenFactory.create()
        elsewhere = TokenFactory.create(asset_id=token.asset_id, network=ARAMID)
        for one in (other, elsewhere):
            lists(one, FROM)
            lists(one, TO)
        assert validate(outsider, body(token, network=VOI))["isAllowed"] is False
        assert validate(outsider, body(token, network="aramidmain"))["isAllowed"] is True

    @pytest.mark.parametrize("spelled", [f" {FROM} ", FROM.lower()])
    def test_an_address_is_found_however_it_is_spelled(
        self, token: Token, outsider: User, spelled: str
    ) -> None:
        lists(token, FROM)
        lists(token, TO)
        answer = validate(outsider, body(token, fromAddress=spelled))
        assert answer["isAllowed"] is True
        assert answer["senderStatus"]["address"] == FROM

    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize(
        ("network", "stored", "sent"),
        [
            ("ethereum-mainnet", EVM, EVM.lower()),
            ("", EVM, EVM.lower()),
            ("", FROM, FROM.lower()),
            ("private-chain", "account-7", "account-7"),
            ("private-chain", EVM.lower(), EVM.lower()),
            ("private-chain", FROM.lower(), f" {FROM.lower()} "),
        ],
    )
    def test_the_network_of_the_token_decides_what_an_address_is(
        self, outsider: User, network: str, stored: str, sent: str, named: bool
    ) -> None:
        token = TokenFactory.create(network=network)
        lists(token, stored)
        content = body(token, fromAddress=sent, toAddress=sent)
        if named:
            content["network"] = network or "(none)"
        answer = validate(outsider, content)
        assert answer["isAllowed"] is True
        assert answer["network"] == (network or None)
        assert answer["senderStatus"]["address"] == stored


class TestPolicyAndRestrictions:
    @pytest.mark.parametrize(
        ("enforcement", "allowed", "verdict"),
        [
            (None, False, "Pass"),
            ("Mandatory", False, "Pass"),
            ("Optional", True, "Warning"),
            ("Off", True, "Warning"),
        ],
    )
    def test_the_policy_says_what_the_whitelist_denies(
        self, token: Token, outsider: User, enforcement: str | None, allowed: bool, verdict: str
    ) -> None:
        if enforcement is not None:
            WhitelistPolicy.objects.create(token=token, enforcement=enforcement, set_by="test")
        lists(token, FROM, status="Revoked")
        answer = validate(outsider, body(token))
        assert answer["isAllowed"] is allowed
        assert (answer["denialReason"] is None) is allowed
        (policy,) = [one for one in answer["checks"] if one["code"] == "WHITELIST_POLICY"]
        assert policy["verdict"] == verdict
        found = {
            (one["code"], one["party"]): (one["verdict"], one["erc1404Code"])
            for one in answer["checks"]
            if one["party"]
        }
        amiss = ("Warning" if enforcement == "Optional" else "Fail", 1)
        expected = {
            ("LISTED", "Sender"): ("Pass", None),
            ("ACTIVE", "Sender"): amiss,
            ("LISTED", "Receiver"): amiss,
        }
        assert found == ({} if enforcement == "Off" else expected)
        (event,) = event_bodies(VALIDATED)
        assert event["transferAllowed"] is allowed

    def _restricted(self, token: Token, **facts: Any) -> None:
        for path, value in facts.items():
            FactValue.objects.create(
                token=token, path=path.replace("_", "."), value=value, recorded_by="test"
            )

    def _answer(self, token: Token, user: User, **entries: dict[str, Any]) -> dict[str, Any]:
        lists(token, FROM, **entries.get("sender", {}))
        lists(token, TO, **entries.get("receiver", {}))
        with time_machine.travel(NOW, tick=False):
            return validate(user, body(token))

    @pytest.mark.parametrize(
        ("until", "allowed"),
        [
            ("2026-11-23", False),
            ("2026-11-22", True),
            ("2026-11-22T12:00:00Z", True),
            ("2026-11-22T12:00:01Z", False),
            ("2026-11-22T14:00:00+02:00", True),
            ("2026-11-22T14:30:00+02:00", False),
        ],
    )
    def test_lock_up(self, token: Token, outsider: User, until: str, allowed: bool) -> None:
        self._restricted(token, token_lockUpUntil=until)
        answer = self._answer(token, outsider)
        assert answer["isAllowed"] is allowed
        (check,) = [one for one in answer["checks"] if one["code"] == "LOCK_UP"]
        assert (check["verdict"] == "Pass", check["erc1404Code"]) == (
            allowed,
            None if allowed else 2,
        )
        if not allowed:
            day = until[:10]
            assert answer["denialReason"] == f"Asset {token.asset_id} is locked up until {day}"

    def test_only_the_last_recorded_fact_counts(self, token: Token, outsider: User) -> None:
        self._restricted(token, token_lockUpUntil="2099-01-01")
        self._restricted(token, token_lockUpUntil=None)
        answer = self._answer(token, outsider)
        assert answer["isAllowed"] is True
        assert "LOCK_UP" not in {one["code"] for one in answer["checks"]}

    @pytest.mark.parametrize(
        ("blocked", "sender", "receiver", "denied"),
        [
            (["US"], "DE", "FR", None),
            (["US"], "US", "FR", "Sender address {} is in jurisdiction US, which is blocked"),
            ([" us "], "US", "FR", "Sender address {} is in jurisdiction US, which is blocked"),
            (["US"], "DE", "US-NY", "Receiver address {} is in jurisdiction US-NY, which is"),
            (["US-NY"], "US-NY", "DE", "Sender address {} is in jurisdiction US-NY, which is"),
            (["US-NY"], "US", "DE", None),
            (["US"], "DE", None, "Receiver address {} has no recorded jurisdiction, and asset"),
            ([], None, None, None),
        ],
    )
    def test_blocked_jurisdictions(
        self,
        token: Token,
        outsider: User,
        blocked: list[str],
        sender: str | None,
        receiver: str | None,
        denied: str | None,
    ) -> None:
        self._restricted(token, token_blockedJurisdictions=blocked)
        answer = self._answer(
            token,
            outsider,
            sender={"jurisdiction_code": sender},
            receiver={"jurisdiction_code": receiver},
        )
        assert answer["isAllowed"] is (denied is None)
        if denied is not None:
            who = FROM if denied.startswith("Sender") else TO
            assert answer["denialReason"].startswith(denied.format(who))

    @pytest.mark.parametrize(
        ("category", "allowed"),
        [
            ("AccreditedInvestor", True),
            ("QualifiedPurchaser", True),
            ("Institutional", True),
            ("Professional", True),
            ("RetailInvestor", False),
            ("NonEligible", False),
            (None, False),
        ],
    )
    def test_accredited_investors_only(
        self, token: Token, outsider: User, category: str | None, allowed: bool
    ) -> None:
        ComplianceMetadata.objects.create(
            token=token, requires_accredited_investors=True, created_by="test"
        )
        answer = self._answer(token, outsider, receiver={"investor_category": category})
        assert answer["isAllowed"] is allowed
        if not allowed:
            assert answer["denialReason"] == (
                f"Receiver address {TO} is not recorded as an accredited investor, "
                f"as asset {token.asset_id} requires"
            )

    @pytest.mark.parametrize(
        ("most", "more", "recorded", "allowed"),
        [
            (2, 0, None, True),
            (1, 0, None, False),
            (2, 1, None, False),
            (2, 5, 2, True),
            (500, 0, 500, True),
            (500, 0, 501, False),
        ],
    )
    def test_most_holders(
        self,
        token: Token,
        outsider: User,
        most: int,
        more: int,
        recorded: int | None,
        allowed: bool,
    ) -> None:
        """Those whom the whitelist admits count, unless it was recorded how many hold it."""
        ComplianceMetadata.objects.create(token=token, max_holders=most, created_by="test")
        for number in range(more):
            lists(token, wallet(100 + number))
        lists(token, wallet(200), status="Revoked")
        lists(token, wallet(201), expiration_date=NOW)
        if recorded is not None:
            self._restricted(token, token_holderCount=recorded)
        answer = self._answer(token, outsider)
        assert answer["isAllowed"] is allowed
        if not allowed:
            assert answer["denialReason"] == (
                f"Asset {token.asset_id} would have more holders than the {most} that it may have"
            )

    def test_a_newcomer_is_one_holder_more(self, token: Token, outsider: User) -> None:
        WhitelistPolicy.objects.create(token=token, enforcement="Off", set_by="test")
        metadata = ComplianceMetadata.objects.create(token=token, max_holders=1, created_by="test")
        lists(token, FROM)
        assert validate(outsider, body(token))["isAllowed"] is False
        metadata.max_holders = 2
        metadata.save()
        assert validate(outsider, body(token))["isAllowed"] is True


class TestWhatIsRecorded:
    def test_an_allowed_transfer(self, token: Token, outsider: User) -> None:
        lists(token, FROM)
        lists(token, TO)
        validate(outsider, body(token, amount=2**64 - 1))
        row = AuditEvent.objects.get()
        assert (row.name, row.category, row.success) == (VALIDATED, "TransferValidation", True)
        assert (row.asset_id, row.network, row.issuer_id) == (
            token.asset_id,
            VOI,
            token.issuer_id,
        )
        assert (row.affected_address, row.to_address, row.transfer_allowed) == (FROM, TO, True)
        (event,) = event_bodies(VALIDATED)
        assert (event["actor"], event["amount"]) == (outsider.label, str(2**64 - 1))
        assert "denialReason" not in event
        assert event["details"] == {"checks": [], "operation": "transfer"}

    def test_a_denied_transfer(self, token: Token, outsider: User) -> None:
        lists(token, FROM, status="Inactive")
        answer = validate(outsider, body(token))
        (event,) = event_bodies()
        assert (event["transferAllowed"], event["success"]) == (False, True)
        assert event["denialReason"] == answer["denialReason"]
        assert event["details"]["checks"] == ["ACTIVE", "LISTED"]
        assert "amount" not in event

    def test_a_malformed_address_is_recorded_without_it(self, token: Token, outsider: User) -> None:
        client_for(outsider).post(PATH, body(token, fromAddress="=cmd|x"), format="json")
        (event,) = event_bodies()
        assert (event["name"], event["success"]) == (FAILED, False)
        assert event["errorMessage"] == "Invalid sender address format"
        assert event["assetId"] == str(token.asset_id)
        assert "cmd" not in AuditEvent.objects.get().body


class TestBadInput:
    @pytest.mark.parametrize(
        "address",
        ["x", "A" * 58, FROM[:-1], FROM[:-1] + "B", FROM + "A", EVM, "x\x7f", "A" * 100],
    )
    @pytest.mark.parametrize("field", ["fromAddress", "toAddress"])
    @pytest.mark.parametrize("named", [True, False])
    def test_a_malformed_address_is_a_400(
        self, token: Token, outsider: User, address: str, field: str, named: bool
    ) -> None:
        content = body(token, **{field: address}, **({"network": VOI} if named else {}))
        response = client_for(outsider).post(PATH, content, format="json")
        answer = response.json()
        assert (response.status_code, answer["errorCode"]) == (400, "VALIDATION_ERROR")
        role = "sender" if field == "fromAddress" else "receiver"
        assert answer["errorMessage"] == f"Invalid {role} address format"
        assert list(answer["details"]) == [field]

    def test_the_sender_is_refused_first(self, token: Token, outsider: User) -> None:
        content = body(token, fromAddress="x", toAddress="y")
        response = client_for(outsider).post(PATH, content, format="json")
        assert response.json()["errorMessage"] == "Invalid sender address format"

    def test_a_malformed_address_of_an_unknown_token_is_a_400_too(self, outsider: User) -> None:
        content = {"assetId": 99, "fromAddress": "x", "toAddress": TO}
        assert client_for(outsider).post(PATH, content, format="json").status_code == 400

    def test_an_ambiguous_asset_names_its_networks(self, token: Token, outsider: User) -> None:
        TokenFactory.create(asset_id=token.asset_id, network=ARAMID)
        response = client_for(outsider).post(PATH, body(token), format="json")
        assert (response.status_code, response.json()["details"]) == (
            409,
            {"network": [ARAMID, VOI]},
        )
        (event,) = event_bodies()
        assert (event["name"], event["success"]) == (FAILED, False)

    def test_nobody_is_a_401(self, token: Token) -> None:
        assert client_for(None).post(PATH, body(token), format="json").status_code == 401
        assert event_bodies(VALIDATED) == []


class TestQuickReading:
    """A body that is plainly good is not read by the serializer, and means what it would say."""

    @given(
        st.fixed_dictionaries(
            {
                "assetId": st.integers(-2, 3) | st.sampled_from([2**63 - 1, 2**63, "7", True, 1.0]),
                "fromAddress": st.sampled_from([FROM, f" {FROM}", "", " ", "x" * 101, 7, None]),
                "toAddress": st.sampled_from([TO, EVM, "a\x00", "a\tb", "\u3000", TO.lower()]),
            },
            optional={
                "amount": st.integers(-1, 2)
                | st.sampled_from([2**64 - 1, 2**64, "5", None, True, 1.5]),
                "network": st.sampled_from([None, "", "voi", " VOI ", "(none)", "own-1", "a b", 7]),
                "memo": st.just("x"),
            },
        )
    )
    def test_it_reads_as_the_serializer_does(self, content: dict[str, Any]) -> None:
        quick = quick_ask(content)
        serializer = ValidateTransferSerializer(data=content)
        if quick is None:
            return
        assert serializer.is_valid(), content
        assert ask_of(serializer.validated_data) == quick

    @pytest.mark.parametrize("more", [{}, {"amount": 5}, {"network": "voi"}, {"amount": None}])
    def test_the_ordinary_body_is_read_quickly(self, more: dict[str, Any]) -> None:
        content = {"assetId": 7, "fromAddress": FROM, "toAddress": TO, **more}
        ask = quick_ask(content)
        assert ask is not None
        assert (ask.asset_id, ask.network) == (7, VOI if "network" in more else None)


class TestMany:
    def test_each_is_answered_and_recorded_by_itself(self, token: Token, outsider: User) -> None:
        lists(token, FROM)
        lists(token, TO)
        other = TokenFactory.create()
        for network in (VOI, ARAMID):
            TokenFactory.create(asset_id=9, network=network)
        asks = [
            body(token, amount=5),
            body(other),
            body(token, toAddress="x"),
            body(token, assetId=9),
            body(token, fromAddress=TO, toAddress=FROM),
        ]
        response = client_for(outsider).post(MANY, {"transfers": asks}, format="json")
        assert response.status_code == 200
        answer = response.json()
        results = answer.pop("results")
        assert answer == {
            "success": True,
            "totalCount": 5,
            "allowedCount": 2,
            "deniedCount": 1,
            "failedCount": 2,
        }
        assert [one["isAllowed"] for one in results] == [True, False, False, False, True]
        assert [one["success"] for one in results] == [True, True, False, False, True]
        single = validate(outsider, asks[0])
        assert {**results[0], "validatedAt": ""} == {**single, "validatedAt": ""}
        assert results[2] == {
            "success": False,
            "isAllowed": False,
            "errorCode": "VALIDATION_ERROR",
            "errorMessage": "Invalid receiver address format",
            "details": {"toAddress": ["An Algorand address has 58 characters."]},
        }
        assert results[3]["errorCode"] == "AMBIGUOUS_ASSET"
        names = [event["name"] for event in event_bodies()]
        assert names == [VALIDATED, VALIDATED, FAILED, FAILED, VALIDATED, VALIDATED]

    def test_a_wrong_type_refuses_all_and_records_none(self, token: Token, outsider: User) -> None:
        client = client_for(outsider)
        for wrong in ([], None, {}, [[]], [body(token), {}], [body(token)] * 1001):
            response = client.post(MANY, {"transfers": wrong}, format="json")
            assert response.status_code == 400, wrong
            assert response.json()["details"]
        content = {"transfers": [body(token), body(token, toAddress=7)]}
        response = client.post(MANY, content, format="json")
        assert list(response.json()["details"]) == ["transfers.1.toAddress"]
        assert event_bodies(VALIDATED) == []

    def test_the_service_takes_no_more_than_a_thousand(self, token: Token, owner: User) -> None:
        ask = _ask(token)
        with pytest.raises(ValidationFailed):
            transfers_validate(actor=owner, asks=[ask] * 1001)


def _ask(token: Token, sender: str = FROM, receiver: str = TO) -> TransferAsk:
    return TransferAsk(
        asset_id=token.asset_id,
        network=None,
        parties=(
            Named(Role.SENDER, sender, "fromAddress"),
            Named(Role.RECEIVER, receiver, "toAddress"),
        ),
    )


class TestCost:
    def _statements(self, call: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            call()
        return [query["sql"].lstrip()[:6].upper() for query in queries.captured_queries]

    @pytest.mark.parametrize("restricted", [False, True])
    def test_one_query_and_one_insert_beside_the_user(
        self, token: Token, outsider: User, restricted: bool
    ) -> None:
        lists(token, FROM)
        lists(token, TO)
        if restricted:
            ComplianceMetadata.objects.create(
                token=token, max_holders=5, requires_accredited_investors=True, created_by="x"
            )
            FactValue.objects.create(
                token=token, path="token.lockUpUntil", value="2030-01-01", recorded_by="x"
            )
        client = client_for(outsider)
        sent = self._statements(lambda: client.post(PATH, body(token), format="json"))
        assert sent == ["SELECT", "WITH A", "INSERT"]

    @pytest.mark.parametrize("count", [1, 7, 1000])
    def test_many_cost_as_one(self, token: Token, owner: User, count: int) -> None:
        tokens = [token, *(TokenFactory.create() for _ in range(3))]
        asks = [
            _ask(tokens[number % 4], wallet(number), wallet(number + 1)) for number in range(count)
        ]
        sent = self._statements(lambda: transfers_validate(actor=owner, asks=asks))
        limited = connection.vendor == "sqlite" and count > 500
        assert sent == ["WITH A", "INSERT", *(["INSERT"] if limited else [])]
        assert AuditEvent.objects.filter(name=VALIDATED).count() == count


def test_a_validation_changes_no_status(token: Token, owner: User) -> None:
    """The events of validations are many: none makes a status be computed again."""
    TokenStatus.objects.create(token=token, revision=4)
    transfer_validate(actor=owner, ask=_ask(token))
    assert TokenStatus.objects.get(token=token).revision == 4
