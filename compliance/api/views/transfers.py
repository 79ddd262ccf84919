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
)
from compliance.enforcement import decision_of, whitelist_enforced
from compliance.services.transfers import (
    FAILED,
    Refused,
    TransferAnswer,
    transfer_validate,
    transfers_validate,
)
from config.api.json import dumps
from config.api.views import WireViewSet


def _answer(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(dumps(body), content_type="application/json")


class TransferValidationViewSet(WireViewSet):
    """May this transfer happen? Open to everybody who is signed in."""

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
        body = ValidateTransferSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answer = transfer_validate(actor=actor_of(request), ask=ask_of(body.validated_data))
        return _answer({"success": True, **answer.document()})

    @extend_schema(request=ValidateTransfersSerializer, responses={200: TransferResultsSerializer})
    def create_many(self, request: Request) -> HttpResponse:
        """Validate up to 1,000 transfers at once, each answered and recorded by itself.

        One whose address is malformed, or whose asset id is ambiguous, has `success` false in
        `results` and leaves the others as they are.
        """
        body = ValidateTransfersSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answers = transfers_validate(
            actor=actor_of(request),
            asks=[ask_of(one) for one in body.validated_data["transfers"]],
        )
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
