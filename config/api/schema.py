"""The OpenAPI document: error envelope on every operation, the two authentication schemes."""

from collections.abc import Iterable
from typing import Any, Literal

import django_filters
from django.db.models import TextChoices
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from config.api.catalogue import CATALOGUE, ErrorCode
from config.api.paging import MAX_PAGE
from config.api.serializers import BIGINT_MAX, ErrorEnvelopeSerializer, camel

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


def noun_serializer(name: str, noun: str, row: Any, **more: Any) -> Any:
    """Return the documentation of `{"success": true, "<noun>": row}`."""
    return inline_serializer(name, {"success": serializers.BooleanField(), noun: row, **more})


def _choice_of(names: Iterable[str]) -> dict[str, Any]:
    named = {"type": "string", "enum": list(names)}
    position = {"type": "integer", "minimum": 0, "maximum": len(named["enum"]) - 1}
    return {"oneOf": [named, position]}


def choice_parameter(name: str, enum: type[TextChoices], description: str) -> OpenApiParameter:
    """Return the documentation of a query parameter that is one of a few words."""
    return OpenApiParameter(name, _choice_of(enum.values), description=description)


def filter_parameters(filterset: type[Any], *, paged: bool = True) -> list[OpenApiParameter]:
    """Return the documentation of the query parameters of a filter set; a file has no pages."""
    described = []
    for name, declared in filterset.base_filters.items():
        enum = declared.extra.get("enum")
        kind: Any = OpenApiTypes.STR
        if isinstance(declared, django_filters.NumberFilter):
            kind = {"type": "integer", "format": "int64", "minimum": 1, "maximum": BIGINT_MAX}
        elif declared.field_class.__name__ == "_BooleanFormField":
            kind = OpenApiTypes.BOOL
        if enum is not None:
            kind = _choice_of(enum.values)
        described.append(OpenApiParameter(name, kind))
    paging = filterset.extra_parameters if paged else frozenset()
    described += [parameter for parameter in PAGING if parameter.name in paging]
    return described


PAGING = (
    OpenApiParameter(
        "cursor",
        OpenApiTypes.STR,
        description="`nextCursor` of the page before; costs the same at any depth.",
    ),
    OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
    OpenApiParameter("pageSize", {"type": "integer", "minimum": 1, "maximum": 100}),
)
# Of lists that are cut from rows at hand.
NUMBERED_PAGING = tuple(parameter for parameter in PAGING if parameter.name != "cursor")


ASSET_ID_PARAMETER = OpenApiParameter(
    "assetId",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": BIGINT_MAX},
    required=True,
)
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
IDEMPOTENCY_KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description=(
        "A name of this request that you choose, such as a UUID. For 24 hours the same request "
        "with the same key does nothing twice: it gets the answer of the first, with "
        "`X-Idempotency-Hit: true`. `X-Idempotency-Key` is read as well."
    ),
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


def share_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Name each error answer once in the generated document, with an example of every code."""
    components = result["components"]
    components["examples"] = {entry.code: _example(entry) for entry in CATALOGUE.values()}
    shared: dict[str, Any] = components.setdefault("responses", {})
    for operations in result["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status, response in responses.items():
                if response.get("description") == _MEANINGS.get(status):
                    shared[f"Error{status}"] = response
                    responses[status] = {"$ref": f"#/components/responses/Error{status}"}
    return result


def _example(entry: ErrorCode) -> dict[str, Any]:
    value = {
        "success": False,
        "errorCode": entry.code,
        "errorMessage": entry.message,
        "details": {},
        "remediationHint": entry.hint,
        "retryable": entry.retryable,
        "correlationId": "3f2b8c0d9e7a4d51",
        "timestamp": "2026-01-22T10:30:00Z",
        "path": "/api/v1/compliance",
    }
    return {"summary": entry.message, "value": value}


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

    def get_override_parameters(self) -> list[Any]:
        named: list[Any] = super().get_override_parameters()
        action = getattr(self.view, getattr(self.view, "action", None) or "", None)
        if getattr(action, "takes_idempotency_key", False):
            return [*named, IDEMPOTENCY_KEY_PARAMETER]
        return named

    def _is_list_view(self, serializer: Any = None) -> bool:
        # A list answers with its envelope, which is documented as it is: never a bare array.
        return False

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
        writes = self.method != "GET"
        if writes:
            statuses |= {"413", "415"}
        if any(self.get_auth()):
            statuses |= {"401", "403", "404", "409"}
            if writes:
                statuses.add("422")
        if "{" in self.path:
            statuses |= {"404", "409"}
        if any(getattr(one, "name", "") == "If-Match" for one in self.get_override_parameters()):
            statuses.add("412")
        return sorted(statuses)


class ChoiceFieldSchema(OpenApiSerializerFieldExtension):
    """Documents a choice: its names out; its names or, from older clients, positions in."""

    target_class = "config.api.serializers.ChoiceField"

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        if direction == "response":
            return {"type": "string", "enum": list(self.target.choices)}
        return _choice_of(self.target.choices)


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
