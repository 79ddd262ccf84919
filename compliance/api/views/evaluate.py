"""Trying the rules on a token (reference/incumbent-compliance.md, section 6.4)."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import NetworkField
from compliance.api.serializers import PackVersionSerializer, StatusSerializer
from compliance.choices import OverallStatus
from compliance.results import check_document
from compliance.trials import Trial, trial_of
from config.api.formats import utc_text
from config.api.schema import noun_serializer
from config.api.serializers import (
    AssetIdField,
    ChoiceField,
    MomentField,
    TextField,
    WireSerializer,
)
from config.api.views import WireViewSet, answer
from jurisdictions.engine import ENGINE_PACK_ID, CheckResult


class EvaluateSerializer(WireSerializer):
    """Which token, at which moment, and a version of a pack to try, for staff."""

    asset_id = AssetIdField()
    network = NetworkField()
    as_of = MomentField(
        required=False,
        allow_null=True,
        help_text="Now, unless given. Of the past: the record and the rules as they stood, or a "
        "422 that says what changed without a history. Of the future: the clock and the rules of "
        "that moment, over what is recorded now.",
    )
    pack_id = TextField(max_length=50, required=False, allow_null=True)
    version = TextField(
        max_length=16,
        required=False,
        allow_null=True,
        help_text="With packId: this version is tried as if it were in force.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name, other in (("pack_id", "version"), ("version", "pack_id")):
            if attrs.get(name) is not None and attrs.get(other) is None:
                missing = "packId" if other == "pack_id" else "version"
                raise serializers.ValidationError({missing: ["Give packId and version together."]})
        return attrs


class EvaluationSerializer(StatusSerializer):
    """The status that came out, with every check. `complianceStatus` is `status`."""

    compliance_status = ChoiceField(OverallStatus)
    as_of = MomentField()
    tried = PackVersionSerializer(allow_null=True)
    applicable_jurisdictions = serializers.ListField(child=serializers.CharField())
    check_results = serializers.ListField(
        child=serializers.DictField(),
        help_text="Every check as in a report; requirementCode, jurisdictionCode and status repeat "
        "key, jurisdiction and verdict.",
    )


class EvaluationViewSet(WireViewSet):
    """What the rules say of a token, without keeping it."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"evaluate": frozenset()}

    @extend_schema(
        request=EvaluateSerializer,
        responses={
            200: noun_serializer("EvaluationResponse", "evaluation", EvaluationSerializer())
        },
    )
    def evaluate(self, request: Request) -> Response:
        """Evaluate a token now or at another moment; nothing is stored and no status changes.

        Staff may try a version of a rule pack in place of the one in force.
        """
        body = EvaluateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        trial = trial_of(actor=actor_of(request), **{"network": None, **body.validated_data})
        return answer("evaluation", _document(trial))


def _document(trial: Trial) -> dict[str, Any]:
    evaluation, tried = trial
    status = evaluation.document()
    moment = utc_text(evaluation.evaluated_at)
    return {
        "assetId": evaluation.token.asset_id,
        "network": evaluation.token.network or None,
        **status,
        "complianceStatus": status["status"],
        "evaluatedAt": moment,
        "asOf": moment,
        "tried": {"id": tried.pack_id, "version": tried.version} if tried else None,
        "applicableJurisdictions": sorted(
            {one.jurisdiction for one in evaluation.results if one.pack_id != ENGINE_PACK_ID}
        ),
        "checkResults": [_check(one) for one in evaluation.results],
    }


def _check(result: CheckResult) -> dict[str, Any]:
    check = check_document(result)
    return {
        "requirementCode": check["key"],
        "jurisdictionCode": check["jurisdiction"],
        "status": check["verdict"],
        **check,
    }
