"""The OpenAPI document: error envelope on every operation, the two authentication schemes."""

from typing import Any, Literal

import django_filters
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from config.api.catalogue import CATALOGUE
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


IF_MATCH_PARAMETER = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that was read: the write is refused (412) where it does not hold.",
)
IF_NONE_MATCH_PARAMETER = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that the caller holds: answered by 304 while nothing has changed.",
)


def tagged(body: Any) -> dict[int, Any]:
    """Return the documentation of an answer that has an `ETag`."""
    return {200: body, 304: OpenApiResponse(description="Nothing has changed since that ETag.")}


def add_error_examples(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add an example of every code of the catalogue to the generated document."""
    result["components"]["examples"] = {
        entry.code: {
            "summary": entry.message,
            "value": {
                "success": False,
                "errorCode": entry.code,
                "errorMessage": entry.message,
                "details": {},
                "remediationHint": entry.hint,
                "retryable": entry.retryable,
                "correlationId": "3f2b8c0d9e7a4d51",
                "timestamp": "2026-01-22T10:30:00Z",
                "path": "/api/v1/compliance",
            },
        }
        for entry in CATALOGUE.values()
    }
    return result


class WireSchema(AutoSchema):
    """Adds to every operation the errors that it can answer."""

    def get_summary(self) -> str:
        return super().get_summary() or self.get_description().partition("\n")[0].rstrip(".")

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
        for status, response in responses.items():
            if status.startswith(("4", "5")):
                response["content"]["application/json"]["examples"] = {
                    entry.code: {"$ref": f"#/components/examples/{entry.code}"}
                    for entry in CATALOGUE.values()
                    if entry.status == int(status)
                }
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


class ChoiceFieldSchema(OpenApiSerializerFieldExtension):
    """Documents a choice: its names out; its names or, from older clients, positions in."""

    target_class = "config.api.serializers.ChoiceField"

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        names = list(self.target.choices)
        named = {"type": "string", "enum": names}
        if direction == "response":
            return named
        position = {"type": "integer", "minimum": 0, "maximum": len(names) - 1}
        return {"oneOf": [named, position]}


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
