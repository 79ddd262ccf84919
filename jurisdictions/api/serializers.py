"""Requests and answers about rule packs and their requirements.

Names of the older service stand beside ours where both mean the same (`requirementCode` is `key`,
`regulatoryReference` is `citation`, `isMandatory` is the severity `required`).
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.serializers import ChoiceField, MomentField, TextField, WireSerializer
from jurisdictions.choices import (
    Basis,
    Confidence,
    JurisdictionKind,
    OnMissing,
    PackOrigin,
    PackStatus,
    RequirementCategory,
    Severity,
)
from jurisdictions.engine import describe_predicate
from jurisdictions.models import Requirement, RulePack, always
from jurisdictions.validation import json_problem

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class DayField(serializers.DateField):
    """A day as `2026-11-22`, and in no other form."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class _JsonField(serializers.Field[Any, Any, Any, Any]):
    """JSON of one kind, passed on untouched; what it has to say inside the service knows."""

    default_error_messages: ClassVar[dict[str, Any]] = {"kind": "Must be {kind}."}
    python_type: type = dict
    kind = "an object"

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, self.python_type):
            self.fail("kind", kind=self.kind)
        if problem := json_problem(data):
            raise serializers.ValidationError(problem)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {},
        "example": {"fact": "issuer.roles", "op": "contains", "value": "casp"},
    }
)
class ConditionField(_JsonField):
    """A condition: `always`, `all`, `any`, `not`, or a fact compared with a value."""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ParamsField(_JsonField):
    """The params of a check, by the schema of its kind."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class ObjectField(_JsonField):
    """Any object."""


@extend_schema_field(
    {"type": "array", "items": {"type": "object", "additionalProperties": True}, "maxItems": 200}
)
class ObjectListField(_JsonField):
    """A list of objects."""

    python_type = list
    kind = "a list of objects"

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if not all(isinstance(one, dict) for one in found) or len(found) > 200:
            self.fail("kind", kind=self.kind)
        return found


class TextListField(serializers.ListField):
    """A list of texts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=TextField(max_length=1000), max_length=200, **kwargs)


def _text(limit: int, **more: Any) -> TextField:
    return TextField(max_length=limit, required=False, allow_blank=True, **more)


def _day() -> DayField:
    return DayField(required=False, allow_null=True)


class PackWriteSerializer(WireSerializer):
    """What can be written of a Draft besides its requirements; absent fields stay as they are."""

    regulatory_framework = TextField(
        max_length=50, source="framework_id", help_text="A short name, such as MICA."
    )
    framework_name = TextField(max_length=200)
    regulators = TextListField(required=False, allow_null=True)
    effective_from = _day()
    effective_to = _day()
    as_of = _day()
    applies_when = ConditionField(required=False)
    sources = ObjectListField(
        help_text="Objects of id, title, citation and confidence, mostly with a url; requirements "
        "name their source by its id."
    )
    parameters = ObjectField(required=False, allow_null=True)
    retention = ObjectListField(required=False, allow_null=True)
    notes = TextListField(required=False, allow_null=True)
    disclaimer = _text(1000, allow_null=True)


# What a PUT that leaves a field out makes of it.
PACK_DEFAULTS: Mapping[str, Any] = {
    "regulators": None,
    "effective_from": None,
    "effective_to": None,
    "as_of": None,
    "applies_when": always(),
    "parameters": None,
    "retention": None,
    "notes": None,
    "disclaimer": None,
}


class PackCreateSerializer(PackWriteSerializer):
    """Draft the first version of a new pack, or, by `from`, the next version of one."""

    pack_id = TextField(max_length=50)
    from_ = TextField(
        max_length=16,
        required=False,
        help_text="A version of the pack to copy, requirements included; nothing else is given.",
    )
    jurisdiction_code = TextField(max_length=16)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        copying = isinstance(getattr(self, "initial_data", None), Mapping) and (
            "from" in self.initial_data
        )
        for name, field in fields.items():
            if copying and name not in ("packId", "from"):
                field.required = False
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "from_" in attrs and isinstance(self.initial_data, Mapping):
            strange = sorted(set(self.initial_data) - {"packId", "from"})
            if strange:
                text = "A copy takes nothing but packId and from; edit the new Draft."
                raise serializers.ValidationError({name: [text] for name in strange})
        return attrs


class ReasonSerializer(WireSerializer):
    """Why a version is returned or retired."""

    reason = TextField(max_length=2000)


class RequirementWriteSerializer(WireSerializer):
    """What can be written of a requirement; absent fields stay as they are."""

    key = TextField(max_length=100, help_text="Small letters and dots, such as base.kyc_status.")
    title = TextField(max_length=200)
    description = _text(1000)
    citation = TextField(max_length=300)
    source = TextField(  # type: ignore[assignment]
        max_length=50, help_text="The id of one of the pack's sources."
    )
    basis = ChoiceField(Basis, required=False)
    category = ChoiceField(RequirementCategory)
    severity = ChoiceField(Severity, required=False)
    applies_when = ConditionField(required=False)
    check_kind = TextField(max_length=50)
    params = ParamsField()
    on_missing = ChoiceField(OnMissing, required=False)
    evidence = _text(200)
    control = _text(100, allow_null=True)
    confidence = ChoiceField(Confidence, required=False)
    remediation = _text(500, allow_null=True)
    effective_from = _day()
    effective_to = _day()
    note = _text(1000, allow_null=True)


def requirement_defaults() -> dict[str, Any]:
    """Return what a PUT that leaves a field out makes of it."""
    blank = Requirement()
    names = (
        field.source or name
        for name, field in RequirementWriteSerializer().fields.items()
        if not field.required
    )
    return {name: getattr(blank, name) for name in names}


class RequirementSerializer(WireSerializer):
    """One requirement of a version."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    requirement_code = serializers.CharField(source="key")
    title = serializers.CharField()
    description = serializers.CharField()
    citation = serializers.CharField()
    regulatory_reference = serializers.CharField(source="citation")
    source = serializers.CharField()  # type: ignore[assignment]
    basis = ChoiceField(Basis)
    category = ChoiceField(RequirementCategory)
    severity = ChoiceField(Severity)
    is_mandatory = serializers.SerializerMethodField()
    applies_when = ConditionField()
    applies_when_text = serializers.SerializerMethodField()
    check_kind = serializers.CharField()
    params = ParamsField()
    on_missing = ChoiceField(OnMissing)
    evidence = serializers.CharField()
    control = serializers.CharField(allow_null=True)
    confidence = ChoiceField(Confidence)
    remediation = serializers.CharField(allow_null=True)
    remediation_guidance = serializers.CharField(source="remediation", allow_null=True)
    effective_from = DayField(allow_null=True)
    effective_to = DayField(allow_null=True)
    note = serializers.CharField(allow_null=True)

    def get_is_mandatory(self, requirement: Requirement) -> bool:
        return requirement.severity == Severity.REQUIRED

    def get_applies_when_text(self, requirement: Requirement) -> str:
        return describe_predicate(requirement.applies_when)


class PackSerializer(WireSerializer):
    """A version of a rule pack without its requirements."""

    id = serializers.UUIDField()
    pack_id = serializers.CharField()
    version = serializers.CharField()
    status = ChoiceField(PackStatus)
    is_active = serializers.SerializerMethodField()
    origin = ChoiceField(PackOrigin)
    jurisdiction_code = serializers.CharField(source="jurisdiction_id")
    jurisdiction_name = serializers.SerializerMethodField()
    jurisdiction_kind = serializers.SerializerMethodField()
    regulatory_framework = serializers.CharField(source="framework_id")
    framework_name = serializers.CharField()
    regulators = TextListField(allow_null=True)
    effective_from = DayField(allow_null=True)
    effective_to = DayField(allow_null=True)
    as_of = DayField(allow_null=True)
    applies_when = ConditionField()
    applies_when_text = serializers.SerializerMethodField()
    sources = ObjectListField()
    parameters = ObjectField(allow_null=True)
    retention = ObjectListField(allow_null=True)
    notes = TextListField(allow_null=True)
    disclaimer = serializers.CharField(allow_null=True)
    requirement_count = serializers.IntegerField()
    created_at = MomentField()
    created_by = serializers.CharField()
    submitted_at = MomentField(allow_null=True)
    submitted_by = serializers.CharField(allow_null=True)
    activated_at = MomentField(allow_null=True)
    activated_by = serializers.CharField(allow_null=True)

    def get_is_active(self, pack: RulePack) -> bool:
        return pack.status == PackStatus.ACTIVE

    def get_jurisdiction_name(self, pack: RulePack) -> str:
        return str(pack.territory.get("name", ""))

    @extend_schema_field({"type": "string", "enum": list(JurisdictionKind.values)})
    def get_jurisdiction_kind(self, pack: RulePack) -> str:
        return str(pack.territory.get("kind", ""))

    def get_applies_when_text(self, pack: RulePack) -> str:
        return describe_predicate(pack.applies_when)


class PackDetailSerializer(PackSerializer):
    """A version of a rule pack with its requirements, in their order."""

    requirements = RequirementSerializer(many=True, source="ordered_requirements")
