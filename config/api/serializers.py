"""Serializer base: declared snake_case, written camelCase; JSON values are never touched."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.catalogue import CATALOGUE
from config.api.formats import choice_of, looks_like_moment, utc_text

BIGINT_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1


def camel(name: str) -> str:
    """Return `asset_id` as `assetId`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


class WireSerializer(serializers.Serializer[Any]):
    """Renames its declared fields to camelCase and refuses fields that it does not know."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        renamed = {}
        for name, field in super().get_fields().items():
            wire = camel(name)
            if wire != name and field.source is None:
                field.source = name
            if isinstance(field, serializers.SerializerMethodField) and not field.method_name:
                field.method_name = f"get_{name}"
            renamed[wire] = field
        return renamed

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(str(name) for name in data if name not in writable):
                raise serializers.ValidationError(
                    {name[:100]: ["Unknown field."] for name in unknown[:20]}
                )
        return super().to_internal_value(data)


class NothingSerializer(WireSerializer):
    """A body without fields."""


class ChoiceField(serializers.Field[str, Any, str, Any]):
    """A `TextChoices` value: the name in any case or its integer position in; the name out."""

    default_error_messages = {"invalid_choice": "Must be one of {values}."}

    def __init__(self, enum: type[TextChoices], **kwargs: Any) -> None:
        self.enum = enum
        super().__init__(**kwargs)

    @property
    def choices(self) -> dict[str, str]:
        return {value: value for value in self.enum.values}

    def to_internal_value(self, data: Any) -> str:
        value = choice_of(self.enum, data)
        if value is None:
            self.fail("invalid_choice", values=", ".join(self.enum.values))
        return value

    def to_representation(self, value: str) -> str:
        return str(value)


class IntegerField(serializers.IntegerField):
    """A whole number; also accepted quoted. Booleans and fractions are refused."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, float)):
            self.fail("invalid")
        return super().to_internal_value(data)


class AssetIdField(IntegerField):
    """A positive asset id below 2^63 (design, section 3)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 1)
        kwargs.setdefault("max_value", BIGINT_MAX)
        super().__init__(**kwargs)


class IdField(serializers.UUIDField):
    """A UUID as text; numbers, which would be read as one too, are refused."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class BooleanField(serializers.BooleanField):
    """A JSON boolean; text such as "yes" is refused."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TextField(serializers.CharField):
    """Text: numbers and booleans are refused rather than turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A time: ISO 8601 in (a date means its first moment, no offset means UTC), UTC `Z` out."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not looks_like_moment(value.strip()):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        try:
            return super().to_internal_value(value.strip())
        except OverflowError:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")

    def to_representation(self, value: Any) -> Any:
        return utc_text(value) if isinstance(value, datetime) else value


@extend_schema_field({"type": "string", "enum": list(CATALOGUE)})
class ErrorCodeField(serializers.CharField):
    """A code of the catalogue."""


class ErrorEnvelopeSerializer(WireSerializer):
    """The one shape of every error answer."""

    success = serializers.BooleanField(default=False)
    error_code = ErrorCodeField(help_text="A code of the catalogue; stable.")
    error_message = serializers.CharField()
    details = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    remediation_hint = serializers.CharField()
    retryable = serializers.BooleanField()
    correlation_id = serializers.CharField()
    timestamp = serializers.DateTimeField()
    path = serializers.CharField()
