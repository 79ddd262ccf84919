"""`@whitelist_enforced`: what it finds in a request, in which order it refuses, what it records."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Token, User
from compliance import enforcement
from compliance.enforcement import decision_of, role_of, whitelist_enforced
from config.api.errors import Conflict
from config.api.views import WireViewSet
from config.urls import api_patterns
from tests.factories import (
    ARAMID,
    VOI,
    TokenFactory,
    UserFactory,
    client_for,
    event_bodies,
    wallet,
)
from whitelist.decision import Role
from whitelist.models import WhitelistEntry, WhitelistPolicy

pytestmark = pytest.mark.django_db
FROM, TO, THIRD = wallet(9001), wallet(9002), wallet(9003)
VALIDATED, FAILED = "whitelist.transfer.validated", "whitelist.transfer.validation_failed"
DENIED = "security.access.denied"
done: list[str] = []


class OrderViewSet(WireViewSet):
    """Actions of somebody else's endpoint."""

    @whitelist_enforced(addresses=("fromAddress", "order.toAddress"), amount="order.amount")
    def create(self, request: Request) -> Response:
        done.append("create")
        return Response({"success": True, "to": decision_of(request).parties[1].address})

    @whitelist_enforced(asset_id="assetId", addresses=("toAddress",))
    def give(self, request: Request, asset_id: int, to_address: str) -> HttpResponse:
        done.append("give")
        return HttpResponse(b"{}", content_type="application/json")

    @whitelist_enforced(addresses=("toAddress",), validate_user=True, operation="claim")
    def take(self, request: Request) -> Response:
        done.append("take")
        raise Conflict("already taken")


class PlainView(APIView):
    """A DRF view that is no viewset."""

    @whitelist_enforced(addresses=("toAddress",))
    def get(self, request: Request) -> Response:
        done.append("get")
        return Response({"success": True})


urlpatterns = [
    path("orders", OrderViewSet.as_view({"post": "create"})),
    path("give/<asset:asset_id>/<str:to_address>", OrderViewSet.as_view({"post": "give"})),
    path("take", OrderViewSet.as_view({"post": "take"})),
    path("plain", PlainView.as_view()),
    path("api/v1/", include(api_patterns)),
]


@pytest.fixture(autouse=True)
def _nothing_done() -> Iterator[None]:
    done.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def token() -> Token:
    return TokenFactory.create()


def lists(token: Token, *addresses: str, **content: Any) -> None:
    for address in addresses:
        WhitelistEntry.objects.create(token=token, address=address, created_by="x", **content)


def order(token: Token, **more: Any) -> dict[str, Any]:
    return {
        "assetId": token.asset_id,
        "fromAddress": FROM,
        "order": {"toAddress": TO, "amount": "12.50"},
        **more,
    }


def post(user: User | None, where: str, content: Any = None, **extra: Any) -> Any:
    return client_for(user).post(where, content, format="json", **extra)


class TestAllowed:
    def test_the_action_runs_and_sees_the_decision(self, token: Token, outsider: User) -> None:
        lists(token, FROM, TO)
        response = post(outsider, "/orders", order(token))
        assert (response.status_code, response.json()) == (200, {"success": True, "to": TO})
        assert done == ["create"]
        (event,) = event_bodies()
        assert (event["name"], event["transferAllowed"]) == (VALIDATED, True)
        assert (event["affectedAddress"], event["toAddress"]) == (FROM, TO)
        assert (event["amount"], event["network"]) == ("12.50", VOI)
        assert event["details"]["operation"] == "create"

    def test_names_are_found_in_the_path_and_in_the_query(
        self, token: Token, outsider: User
    ) -> None:
        lists(token, TO)
        assert post(outsider, f"/give/{token.asset_id}/{TO}", {}).status_code == 200
        query = f"?assetId={token.asset_id}&toAddress={TO}"
        assert client_for(outsider).get(f"/plain{query}").status_code == 200
        assert done == ["give", "get"]
        assert [event["toAddress"] for event in event_bodies(VALIDATED)] == [TO, TO]
        assert all("affectedAddress" not in event for event in event_bodies(VALIDATED))

    def test_a_failure_of_the_action_is_its_own(self, token: Token) -> None:
        caller = UserFactory.create()
        lists(token, TO, caller.address)
        response = post(caller, "/take", {"assetId": token.asset_id, "toAddress": TO})
        assert (response.status_code, done) == (409, ["take"])
        assert "isAllowed" not in response.json()
        (event,) = event_bodies()
        assert event["details"] == {
            "checks": [],
            "operation": "claim",
            "userAddress": caller.address,
        }

    def test_the_policy_of_the_token_counts(self, token: Token, outsider: User) -> None:
        WhitelistPolicy.objects.create(token=token, enforcement="Off", set_by="x")
        assert post(outsider, "/orders", order(token)).status_code == 200


class TestForbidden:
    def test_the_body_is_the_seeds_within_the_envelope(self, token: Token, outsider: User) -> None:
        lists(token, FROM)
        response = post(outsider, "/orders", order(token))
        answer = response.json()
        assert response.status_code == 403
        assert done == []
        assert {
            name: answer[name]
            for name in ("success", "isAllowed", "errorMessage", "address", "assetId", "errorCode")
        } == {
            "success": False,
            "isAllowed": False,
            "errorMessage": "Operation blocked: Address not whitelisted for this asset",
            "address": TO,
            "assetId": token.asset_id,
            "errorCode": "OPERATION_BLOCKED",
        }
        assert answer["denialReason"] == (
            f"Receiver address {TO} is not whitelisted for asset {token.asset_id}"
        )
        assert answer["correlationId"] == response.headers["X-Correlation-ID"]
        (event,) = event_bodies()
        assert (event["name"], event["transferAllowed"]) == (VALIDATED, False)
        assert (event["affectedAddress"], event["toAddress"]) == (FROM, TO)
        assert event["denialReason"] == answer["denialReason"]

    def test_any_other_reason_is_said_in_full(self, token: Token, outsider: User) -> None:
        lists(token, FROM, status="Revoked")
        lists(token, TO)
        answer = post(outsider, "/orders", order(token)).json()
        assert answer["address"] == FROM
        assert answer["errorMessage"] == (
            f"Operation blocked: Sender address {FROM} whitelist status is Revoked (not Active)"
        )

    def test_every_reason_is_in_the_denial(self, token: Token, outsider: User) -> None:
        answer = post(outsider, "/orders", order(token)).json()
        assert answer["denialReason"].count("is not whitelisted") == 2
        assert answer["address"] == FROM

    def test_who_asks_must_be_listed_where_the_endpoint_says_so(self, token: Token) -> None:
        caller = UserFactory.create()
        lists(token, TO)
        answer = post(caller, "/take", {"assetId": token.asset_id, "toAddress": TO}).json()
        assert (answer["isAllowed"], answer["address"]) == (False, caller.address)
        assert done == []

    def test_who_asks_by_an_address_of_another_chain_is_not_listed(self) -> None:
        caller, evm = UserFactory.create(), "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        token = TokenFactory.create(network="ethereum-mainnet")
        lists(token, evm)
        response = post(caller, "/take", {"assetId": token.asset_id, "toAddress": evm})
        assert (response.status_code, response.json()["address"]) == (403, caller.address)

    def test_an_unknown_token_is_forbidden(self, outsider: User) -> None:
        content = {"assetId": 5, "fromAddress": FROM, "order": {"toAddress": TO}}
        assert post(outsider, "/orders", content).status_code == 403


class TestRefused:
    """In the order of the steps: the asset id, whoever asks, the addresses."""

    def _refused(self, response: Any, status: int, message: str) -> dict[str, Any]:
        answer: dict[str, Any] = response.json()
        assert (response.status_code, answer["errorMessage"]) == (status, message)
        assert (answer["success"], answer["isAllowed"]) == (False, False)
        assert done == []
        return answer

    @pytest.mark.parametrize(
        "asset", [None, "", "x", 0, -1, 1.5, True, [7], {"x": 7}, 2**63, "9" * 5000, "\uff17"]
    )
    def test_an_asset_id_that_is_none(self, token: Token, outsider: User, asset: Any) -> None:
        message = "Asset ID parameter 'assetId' not found or invalid"
        response = post(outsider, "/orders", order(token, assetId=asset, fromAddress="x"))
        assert self._refused(response, 400, message)["details"] == {"assetId": [message]}
        (event,) = event_bodies()
        assert (event["name"], event["success"]) == (FAILED, False)

    def test_an_asset_id_that_is_absent(self, outsider: User) -> None:
        message = "Asset ID parameter 'assetId' not found or invalid"
        for content in ({}, [], [{"assetId": 1}], "text", {"order": {"assetId": 1}}):
            self._refused(post(outsider, "/orders", content), 400, message)

    def test_nobody(self, token: Token) -> None:
        message = "User address not found in authentication context"
        response = post(None, "/orders", order(token))
        assert "SigTx" in response.headers["WWW-Authenticate"]
        self._refused(response, 401, message)
        assert [event["name"] for event in event_bodies()] == [DENIED]

    def test_somebody_without_an_address_where_it_must_be_listed(self, token: Token) -> None:
        message = "User address not found in authentication context"
        caller = UserFactory.create(address=None, email="a@example.org")
        lists(token, TO)
        response = post(caller, "/take", {"assetId": token.asset_id, "toAddress": TO})
        assert "SigTx" in response.headers["WWW-Authenticate"]
        self._refused(response, 401, message)
        assert [event["name"] for event in event_bodies()] == [DENIED]
        self._refused(
            post(caller, "/take", {"toAddress": TO}),
            400,
            "Asset ID parameter 'assetId' not found or invalid",
        )

    @pytest.mark.parametrize("absent", [None, "", "  ", 7, True, [TO], {"address": TO}])
    @pytest.mark.parametrize("listed", [True, False])
    def test_a_named_address_that_is_absent_is_never_a_pass(
        self, token: Token, outsider: User, absent: Any, listed: bool
    ) -> None:
        if listed:
            lists(token, FROM, TO)
        message = "Address parameter 'order.toAddress' not found or invalid"
        for broken in ({"toAddress": absent}, {}, absent):
            answer = self._refused(
                post(outsider, "/orders", order(token, order=broken)), 400, message
            )
            assert answer["details"] == {"order.toAddress": [message]}
        assert event_bodies(VALIDATED) == []
        assert len(event_bodies(FAILED)) == 3

    def test_a_malformed_address(self, token: Token, outsider: User) -> None:
        lists(token, FROM, TO)
        response = post(outsider, "/orders", order(token, fromAddress="x"))
        answer = self._refused(response, 400, "Invalid sender address format")
        assert list(answer["details"]) == ["fromAddress"]
        response = post(outsider, "/orders", order(token, order={"toAddress": "a\x00b"}))
        answer = self._refused(response, 400, "Invalid receiver address format")
        assert list(answer["details"]) == ["order.toAddress"]

    @pytest.mark.parametrize("amount", [-1, "x", True, [1], {}, "1" * 79, "NaN", 1e300])
    def test_a_malformed_amount(self, token: Token, outsider: User, amount: Any) -> None:
        lists(token, FROM, TO)
        content = order(token, order={"toAddress": TO, "amount": amount})
        message = "Amount parameter 'order.amount' is not a number of at least 0"
        self._refused(post(outsider, "/orders", content), 400, message)

    def test_a_name_that_is_given_twice_and_differently(self, token: Token, outsider: User) -> None:
        """The action may read the other one."""
        lists(token, FROM, TO)
        for query, name in (
            (f"fromAddress={THIRD}", "fromAddress"),
            (f"fromAddress={FROM}&fromAddress={THIRD}", "fromAddress"),
            ("assetId=5", "assetId"),
        ):
            message = f"Parameter '{name}' is given more than once, and differently"
            self._refused(post(outsider, f"/orders?{query}", order(token)), 400, message)
        message = "Parameter 'toAddress' is given more than once, and differently"
        response = post(outsider, f"/give/{token.asset_id}/{THIRD}", {"toAddress": TO})
        self._refused(response, 400, message)
        assert post(outsider, f"/orders?fromAddress={FROM}", order(token)).status_code == 200

    @pytest.mark.parametrize("network", [7, ["x"], "bad name", "\x00"])
    def test_a_malformed_network(self, token: Token, outsider: User, network: Any) -> None:
        lists(token, FROM, TO)
        response = post(outsider, "/orders", order(token, network=network))
        assert (response.status_code, list(response.json()["details"])) == (400, ["network"])
        assert done == []

    def test_an_ambiguous_asset(self, token: Token, outsider: User) -> None:
        other = TokenFactory.create(asset_id=token.asset_id, network=ARAMID)
        lists(token, FROM, TO)
        response = post(outsider, "/orders", order(token))
        assert (response.status_code, response.json()["isAllowed"]) == (409, False)
        assert post(outsider, "/orders", order(other, network="aramid")).status_code == 403
        assert post(outsider, "/orders", order(token, network="voi")).status_code == 200

    def test_no_json(self, outsider: User) -> None:
        client = client_for(outsider)
        response = client.generic("POST", "/orders", b"{", content_type="application/json")
        assert (response.status_code, response.json()["isAllowed"]) == (400, False)
        response = client.generic("POST", "/orders", b"{}", content_type="text/plain")
        assert (response.status_code, response.json()["isAllowed"]) == (415, False)


class TestBroken:
    @pytest.mark.parametrize(
        ("error", "status"),
        [(RuntimeError("secret"), 500), (KeyError("secret"), 500), (OperationalError("x"), 503)],
    )
    def test_whatever_breaks_denies(
        self,
        token: Token,
        outsider: User,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        status: int,
    ) -> None:
        lists(token, FROM, TO)

        def broken(**_: Any) -> None:
            raise error

        monkeypatch.setattr(enforcement, "transfer_validate", broken)
        response = post(outsider, "/orders", order(token))
        assert (response.status_code, response.json()["isAllowed"]) == (status, False)
        assert b"secret" not in response.content
        assert done == []
        (event,) = event_bodies()
        assert (event["name"], event["success"]) == (FAILED, False)

    def test_an_event_that_cannot_be_written_denies(
        self, token: Token, outsider: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists(token, FROM, TO)

        def full(*_: Any, **__: Any) -> None:
            raise OperationalError("no space left on device")

        monkeypatch.setattr("compliance.services.transfers.record_events", full)
        response = post(outsider, "/orders", order(token))
        assert (response.status_code, done) == (503, [])


class TestDeclaration:
    def test_a_declaration_without_an_address_is_refused(self) -> None:
        with pytest.raises(TypeError, match="needs an address"):
            whitelist_enforced(asset_id="assetId")

    def test_it_is_for_drf_views_alone(self) -> None:
        def plain(request: Any) -> None:
            done.append("plain")

        guarded: Callable[[Any], None] = whitelist_enforced(addresses=("toAddress",))(plain)
        with pytest.raises(TypeError, match="DRF"):
            guarded(object())
        assert done == []

    @pytest.mark.parametrize(
        ("name", "role"),
        [
            ("fromAddress", Role.SENDER),
            ("order.fromAddress", Role.SENDER),
            ("sender", Role.SENDER),
            ("ownerAddress", Role.SENDER),
            ("toAddress", Role.RECEIVER),
            ("from.toAddress", Role.RECEIVER),
            ("address", Role.RECEIVER),
        ],
    )
    def test_the_role_of_a_name(self, name: str, role: Role) -> None:
        assert role_of(name) is role


class TestSimulations:
    URL = "/api/v1/token/{}/simulate"
    BODIES: dict[str, dict[str, Any]] = {
        "transfer": {"fromAddress": FROM, "toAddress": TO, "amount": 1.5},
        "mint": {"toAddress": TO, "amount": 10},
        "burn": {"fromAddress": FROM, "amount": "0.000001"},
    }
    PAIRS = {"transfer": (FROM, TO), "mint": (None, TO), "burn": (FROM, None)}

    @pytest.mark.parametrize("verb", BODIES)
    def test_it_is_allowed_where_all_are_listed(self, token: Token, verb: str) -> None:
        caller = UserFactory.create()
        lists(token, FROM, TO, caller.address)
        content = {"assetId": token.asset_id, **self.BODIES[verb]}
        response = post(caller, self.URL.format(verb), content)
        answer = response.json()
        assert (response.status_code, answer["success"], answer["isAllowed"]) == (200, True, True)
        (event,) = event_bodies()
        pair = (event.get("affectedAddress"), event.get("toAddress"))
        assert pair == self.PAIRS[verb]
        assert event["details"]["operation"] == verb
        assert event["amount"] == {"transfer": "1.5", "mint": "10", "burn": "0.000001"}[verb]

    @pytest.mark.parametrize(
        ("verb", "missing"),
        [("transfer", FROM), ("transfer", TO), ("mint", TO), ("burn", FROM), ("burn", "caller")],
    )
    def test_it_is_forbidden_where_one_is_not(self, token: Token, verb: str, missing: str) -> None:
        caller = UserFactory.create()
        lists(token, *({FROM, TO, caller.address} - {missing}))
        if missing == "caller":
            missing = caller.address or ""
            WhitelistEntry.objects.filter(address=missing).delete()
        content = {"assetId": token.asset_id, **self.BODIES[verb]}
        response = post(caller, self.URL.format(verb), content)
        assert (response.status_code, response.json()["address"]) == (403, missing)

    def test_a_request_that_is_refused_anyway_is_no_validation(
        self, token: Token, outsider: User
    ) -> None:
        lists(token, FROM, TO)
        content = {"assetId": token.asset_id, **self.BODIES["transfer"], "memo": "x"}
        response = post(outsider, self.URL.format("transfer"), content)
        answer = response.json()
        assert (response.status_code, answer["details"]) == (400, {"memo": ["Unknown field."]})
        assert answer["isAllowed"] is False
        assert event_bodies(VALIDATED) == []
