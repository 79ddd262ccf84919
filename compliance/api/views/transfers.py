"""Validating transfers: hot, hand-made JSON. And trying operations that the whitelist guards."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.api.actor import actor_of
from compliance.api.transfer_serializers import (
    ENFORCED_ERRORS,
    BurnSimulationSerializer,
    MintSimulationSerializer,
    TransferAnswerSerializer,
    TransferResultsSerializer,
    TransferSimulationSerializer,
    ValidateTransferSerializer,
    ValidateTransfersSerializer,
    ask_of,
    quick_ask,
)
from compliance.enforcement import decision_of, whitelist_enforced
from compliance.services.transfers import (
    FAILED,
    MOST_AT_ONCE,
    Refused,
    TransferAnswer,
    TransferAsk,
    transfer_validate,
    transfers_validate,
)
from config.api.json import dumps
from config.api.views import WireViewSet


def _answer(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(dumps(body), content_type="application/json")


class TransferValidationViewSet(WireViewSet):
    """May this transfer happen? Open to everybody who is signed in."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"create_many"})  # an event for each
    failure_events: ClassVar[dict[str, str]] = {"create": FAILED, "create_many": FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "create": frozenset(),
        "create_many": frozenset(),
    }

    @extend_schema(request=ValidateTransferSerializer, responses={200: TransferAnswerSerializer})
    def create(self, request: Request) -> HttpResponse:
        """Validate a transfer: both addresses on the whitelist, Active, not expired.

        The token's own restrictions count too: lock-up, blocked jurisdictions, accredited investors
        only, most holders. A denial is a 200 with `isAllowed` false; every validation is recorded.
        """
        ask = quick_ask(request.data)
        if ask is None:
            body = ValidateTransferSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            ask = ask_of(body.validated_data)
        answer = transfer_validate(actor=actor_of(request), ask=ask)
        return _answer({"success": True, **answer.document()})

    @extend_schema(request=ValidateTransfersSerializer, responses={200: TransferResultsSerializer})
    def create_many(self, request: Request) -> HttpResponse:
        """Validate up to 1,000 transfers at once, each answered and recorded by itself.

        One whose address is malformed, or whose asset id is ambiguous, has `success` false in
        `results` and leaves the others as they are.
        """
        answers = transfers_validate(actor=actor_of(request), asks=_asks(request.data))
        results = [_result(answer) for answer in answers]
        allowed = sum(result["isAllowed"] for result in results)
        failed = sum(not result["success"] for result in results)
        return _answer(
            {
                "success": True,
                "results": results,
                "totalCount": len(results),
                "allowedCount": allowed,
                "deniedCount": len(results) - allowed - failed,
                "failedCount": failed,
            }
        )


def _asks(data: Any) -> list[TransferAsk]:
    named = data.get("transfers") if type(data) is dict and len(data) == 1 else None
    if type(named) is list and 0 < len(named) <= MOST_AT_ONCE:
        quick = [quick_ask(one) for one in named]
        asks = [ask for ask in quick if ask is not None]
        if len(asks) == len(quick):
            return asks
    body = ValidateTransfersSerializer(data=data)
    body.is_valid(raise_exception=True)
    return [ask_of(one) for one in body.validated_data["transfers"]]


def _result(answer: TransferAnswer | Refused) -> dict[str, Any]:
    if isinstance(answer, TransferAnswer):
        return {"success": True, **answer.document()}
    return {
        "success": False,
        "isAllowed": False,
        "errorCode": answer.code,
        "errorMessage": answer.message,
        "details": answer.details,
    }


class SimulationViewSet(WireViewSet):
    """Would the whitelist let this operation happen? Nothing is done on any chain."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        action: frozenset() for action in ("transfer", "mint", "burn")
    }

    @extend_schema(
        request=TransferSimulationSerializer,
        responses={200: TransferAnswerSerializer, **ENFORCED_ERRORS},
    )
    @whitelist_enforced(
        addresses=("fromAddress", "toAddress"), amount="amount", body=TransferSimulationSerializer
    )
    def transfer(self, request: Request) -> HttpResponse:
        """Try a transfer: sender and receiver must be whitelisted."""
        return _simulated(request)

    @extend_schema(
        request=MintSimulationSerializer,
        responses={200: TransferAnswerSerializer, **ENFORCED_ERRORS},
    )
    @whitelist_enforced(addresses=("toAddress",), amount="amount", body=MintSimulationSerializer)
    def mint(self, request: Request) -> HttpResponse:
        """Try a mint: the receiver must be whitelisted."""
        return _simulated(request)

    @extend_schema(
        request=BurnSimulationSerializer,
        responses={200: TransferAnswerSerializer, **ENFORCED_ERRORS},
    )
    @whitelist_enforced(
        addresses=("fromAddress",),
        validate_user=True,
        amount="amount",
        body=BurnSimulationSerializer,
    )
    def burn(self, request: Request) -> HttpResponse:
        """Try a burn: the holder and whoever asks must be whitelisted."""
        return _simulated(request)


def _simulated(request: Request) -> HttpResponse:
    return _answer({"success": True, **decision_of(request).document()})
