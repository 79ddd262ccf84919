"""The OpenAPI document: error envelope on every operation, the two authentication schemes."""

from typing import Any, Literal

import django_filters
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from config.api.serializers import ErrorEnvelopeSerializer, camel

_MEANINGS = {
    "400": "The request is not valid.",
    "401": "Missing or invalid authentication.",
    "403": "The caller's role does not allow this.",
    "404": "Not found, or out of the caller's scope.",
    "409": "The record's state, or an ambiguous asset id, forbids this.",
    "412": "If-Match does not hold any more.",
    "413": "The body is too large.",
    "415": "The body's media type is not supported.",
    "422": "A rule of the record forbids this.",
    "429": "Too many requests.",
    "500": "An unexpected error.",
    "503": "A service that this needs is not available.",
}


def page_serializer(name: str, noun: str, row: Any, **more: Any) -> Any:
    """Return the documentation of a list answer whose rows are `row`."""
    return inline_serializer(
        name,
        {
            "success": serializers.BooleanField(),
            noun: row(many=True),
            "totalCount": serializers.IntegerField(),
            "page": serializers.IntegerField(),
            "pageSize": serializers.IntegerField(),
            "totalPages": serializers.IntegerField(),
            "nextCursor": serializers.CharField(allow_null=True),
            **more,
        },
    )


def noun_serializer(name: str, noun: str, row: Any) -> Any:
    """Return the documentation of `{"success": true, "<noun>": row}`."""
    return inline_serializer(name, {"success": serializers.BooleanField(), noun: row})


def filter_parameters(filterset: type[Any]) -> list[OpenApiParameter]:
    """Return the documentation of the query parameters of a `WireFilterSet`."""
    described = []
    for name, declared in filterset.base_filters.items():
        enum = declared.extra.get("enum")
        kind: Any = OpenApiTypes.STR
        if isinstance(declared, django_filters.NumberFilter):
            kind = OpenApiTypes.INT64
        elif declared.field_class.__name__ == "_BooleanFormField":
            kind = OpenApiTypes.BOOL
        described.append(OpenApiParameter(name, kind, enum=list(enum.values) if enum else None))
    for name in sorted(filterset.extra_parameters):
        kind = OpenApiTypes.STR if name == "cursor" else OpenApiTypes.INT32
        described.append(OpenApiParameter(name, kind))
    return described


NETWORK_PARAMETER = OpenApiParameter(
    "network",
    OpenApiTypes.STR,
    description="Needed only where the asset id exists on more than one network.",
)


class WireSchema(AutoSchema):
    """Adds to every operation the errors that it can answer."""

    def get_tags(self) -> list[str]:
        return [self.view.__class__.__module__.partition(".")[0]]

    def get_operation_id(self) -> str:
        action = getattr(self.view, "action", self.method.lower())
        noun = self.view.__class__.__name__.removesuffix("ViewSet").removesuffix("View")
        return camel(f"{noun[0].lower()}{noun[1:]}_{action}")

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        responses = super()._get_response_bodies(direction)
        for status in self._error_statuses():
            if status not in responses:
                documented = OpenApiResponse(ErrorEnvelopeSerializer, _MEANINGS[status])
                responses[status] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    documented, status, ["application/json"], direction
                )
        return dict(sorted(responses.items()))

    def _error_statuses(self) -> list[str]:
        statuses = {"400", "429", "500", "503"}
        if self.get_auth():
            statuses |= {"401", "403"}
        if self._has_path_variable() or self.method != "GET":
            statuses |= {"404", "409"}
        if self.method in ("POST", "PUT", "PATCH", "DELETE"):
            statuses |= {"412", "413", "415", "422"}
        return sorted(statuses)

    def _has_path_variable(self) -> bool:
        return "{" in self.path


class SigTxScheme(OpenApiAuthenticationExtension):
    """Documents `Authorization: SigTx`."""

    target_class = "accounts.api.authentication.SigTxAuthentication"
    name = "SigTx"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`SigTx <base64>`: a signed, harmless Algorand payment (ARC-0014).",
        }


class BearerScheme(OpenApiAuthenticationExtension):
    """Documents `Authorization: Bearer`."""

    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
