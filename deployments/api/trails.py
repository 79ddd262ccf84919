"""Files of the audit trails of deployments (reference, deployments, section 3.8)."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.models import User
from config.api.csv import csv_stream, mark_download
from config.api.formats import utc_text
from config.api.idempotency import idempotent
from config.api.json import dumps
from config.api.schema import noun_serializer
from config.api.serializers import MomentField
from config.api.views import WireViewSet, answer
from deployments.api.filters import DeploymentFilter
from deployments.api.serializers import AuditExportRequestSerializer
from deployments.documents import (
    HISTORY_BARE,
    HISTORY_COLUMNS,
    audit_record,
    history_row,
    sees_technical,
)
from deployments.models import Deployment
from deployments.services.exports import deployment_trails_export
from deployments.services.requests import deployment_get
from deployments.services.transitions import event_fields

_FORMS = ("json", "csv")
_WRONG_FORM = "Format must be 'json' or 'csv'"
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
_FORMAT = OpenApiParameter("format", {"type": "string", "enum": list(_FORMS)}, default="json")


class DeploymentTrailViewSet(WireViewSet):
    """The audit trails of deployments, as files."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"one", "many"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "one": frozenset({"format"}),
        "many": frozenset(),
    }

    @extend_schema(
        parameters=[_FORMAT],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "One record a change."),
        },
    )
    def one(self, request: Request, deployment_id: UUID) -> HttpResponse:
        """Download the audit trail of a deployment."""
        actor = actor_of(request)
        form = _form(request.query_params.get("format"))
        row = deployment_get(actor=actor, deployment_id=deployment_id)
        found = deployment_trails_export(
            actor=actor,
            rows=Deployment.objects.filter(pk=row.pk),
            matching=1,
            form=form,
            subject=event_fields(row),
        )
        content = _csv(found) if form == "csv" else dumps(_record(actor, found[0]))
        response = HttpResponse(content, content_type=_TYPES[form])
        mark_download(response, f"audit-trail-{row.pk}.{form}", total=1, limit=1)
        return response

    @extend_schema(
        request=AuditExportRequestSerializer,
        responses=noun_serializer(
            "DeploymentTrailsResponse",
            "data",
            serializers.CharField(help_text="The whole file as text."),
            format=serializers.ChoiceField(list(_FORMS)),
            recordCount=serializers.IntegerField(help_text="How many deployments."),
            totalCount=serializers.IntegerField(),
            page=serializers.IntegerField(),
            pageSize=serializers.IntegerField(),
            generatedAt=MomentField(),
        ),
    )
    @idempotent
    def many(self, request: Request) -> Response:
        """Export the audit trails of a page of deployments, at most 1,000, newest first.

        All of them at once: an export job of the view `deployment-audit-trail` (`/api/v1/exports`).
        """
        serializer = AuditExportRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        form = _form(wanted.get("format"))
        actor = actor_of(request)
        rows, words = DeploymentFilter.select(
            Deployment.objects.visible_to(actor), _parameters(wanted)
        )
        total, size = rows.count(), wanted["page_size"]
        start = (wanted["page"] - 1) * size
        found = deployment_trails_export(
            actor=actor,
            rows=rows.order_by("-created_at", "-id")[start : start + size],
            matching=total,
            form=form,
            criteria=words,
        )
        if form == "csv":
            data = _csv(found).decode()
        else:
            data = dumps([_record(actor, row) for row in found]).decode()
        response = answer(
            "data",
            data,
            format=form,
            recordCount=len(found),
            totalCount=total,
            page=wanted["page"],
            pageSize=size,
            generatedAt=utc_text(timezone.now()),
        )
        if total > len(found):
            response["Link"] = '</api/v1/exports>; rel="create-form"'
        return response


def _form(given: str | None) -> str:
    form = (given or "json").lower()
    if form not in _FORMS:
        raise ValidationError({"format": [_WRONG_FORM]})
    return form


def _parameters(wanted: dict[str, Any]) -> dict[str, str]:
    given = {
        "deployedBy": wanted.get("deployed_by"),
        "network": wanted.get("network"),
        "tokenType": wanted.get("token_type"),
        "status": wanted.get("status"),
        "fromDate": _text(wanted.get("from_date")),
        "toDate": _text(wanted.get("to_date")),
    }
    return {name: str(value) for name, value in given.items() if value}


def _text(moment: Any) -> str | None:
    return utc_text(moment) if moment else None


def _record(actor: User, row: Deployment) -> dict[str, Any]:
    return audit_record(row, list(row.transitions.all()), technical=sees_technical(actor, row))


def _csv(rows: Sequence[Deployment]) -> bytes:
    records = (history_row(row, one) for row in rows for one in row.transitions.all())
    return b"".join(csv_stream(HISTORY_COLUMNS, records, HISTORY_BARE))
