"""Fields of attestations on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class BlankAsNullField(serializers.CharField):
    """Optional text: stored as an empty text, written as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True, "read_only": True, **kwargs})

    def to_representation(self, value: Any) -> Any:
        return str(value) or None


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["string", "integer", "boolean"]},
        "maxProperties": 50,
        "example": {"regulator": "BaFin", "qualified": True},
    }
)
class AttributesField(serializers.Field[Any, Any, Any, Any]):
    """A flat map, passed on untouched; the service says what is wrong with it."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value
