"""Requests and answers of the record, its status and its reports."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.networks import NetworkField
from compliance.api.status_serializers import (
    ConflictSerializer,
    FrameworkStatusSerializer,
    PathSerializer,
    StatusWarningSerializer,
)
from compliance.choices import ComplianceStatus, OverallStatus, ReportType, VerificationStatus
from compliance.reports.schema import SCHEMA_PATH
from config.api.serializers import (
    INT32_MAX,
    AssetIdField,
    BooleanField,
    ChoiceField,
    IntegerField,
    MomentField,
    TextField,
    WireSerializer,
)


def _text(limit: int) -> TextField:
    return TextField(max_length=limit, required=False, allow_null=True, allow_blank=True)


def _moment() -> MomentField:
    return MomentField(required=False, allow_null=True)


class MetadataWriteSerializer(WireSerializer):
    """Create or update metadata (seed 1, section 2). Absent fields stay, a null clears."""

    asset_id = AssetIdField()
    network = NetworkField()
    kyc_provider = _text(200)
    kyc_verification_date = _moment()
    verification_status = ChoiceField(VerificationStatus, required=False, allow_null=True)
    jurisdiction = _text(500)
    regulatory_framework = _text(500)
    compliance_status = ChoiceField(ComplianceStatus, required=False, allow_null=True)
    last_compliance_review = _moment()
    next_compliance_review = _moment()
    asset_type = _text(200)
    transfer_restrictions = _text(1000)
    max_holders = IntegerField(required=False, allow_null=True, min_value=1, max_value=INT32_MAX)
    requires_accredited_investors = BooleanField(required=False, allow_null=True)
    notes = _text(2000)


class MetadataSerializer(WireSerializer):
    """Metadata as answered (seed 1, section 1)."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(source="token.asset_id")
    kyc_provider = serializers.CharField(allow_null=True)
    kyc_verification_date = MomentField(allow_null=True)
    verification_status = ChoiceField(VerificationStatus)
    jurisdiction = serializers.CharField(allow_null=True)
    regulatory_framework = serializers.CharField(allow_null=True)
    compliance_status = ChoiceField(ComplianceStatus)
    last_compliance_review = MomentField(allow_null=True)
    next_compliance_review = MomentField(allow_null=True)
    asset_type = serializers.CharField(allow_null=True)
    transfer_restrictions = serializers.CharField(allow_null=True)
    max_holders = serializers.IntegerField(allow_null=True)
    requires_accredited_investors = serializers.BooleanField()
    network = serializers.SerializerMethodField()
    notes = serializers.CharField(allow_null=True)
    created_by = serializers.CharField()
    created_at = MomentField()
    updated_at = MomentField(allow_null=True)
    updated_by = serializers.CharField(allow_null=True)

    def get_network(self, metadata: object) -> str | None:
        return metadata.token.network or None  # type: ignore[attr-defined]


class TokenNameSerializer(WireSerializer):
    """The network in a DELETE body, where the asset id alone is ambiguous."""

    network = NetworkField()


class RationaleSerializer(WireSerializer):
    """One check that decided the status."""

    key = serializers.CharField()
    jurisdiction = serializers.CharField()
    via_tag = serializers.CharField(allow_null=True)
    severity = serializers.CharField()
    verdict = serializers.CharField()
    reason_code = serializers.CharField()
    reason = serializers.CharField()


class JurisdictionStatusSerializer(WireSerializer):
    """The status in one jurisdiction."""

    jurisdiction = serializers.CharField()
    status = ChoiceField(OverallStatus)
    rationale = RationaleSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField())


class MissingFactSerializer(WireSerializer):
    """A fact nobody recorded, and how many checks wait for it."""

    fact = serializers.CharField()
    tag = serializers.CharField(allow_null=True)
    unlocks_checks = serializers.IntegerField()


class PackVersionSerializer(WireSerializer):
    """A rule pack that was applied."""

    id = serializers.CharField()
    version = serializers.CharField()


class StatusSerializer(WireSerializer):
    """The computed status of a token, and why."""

    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)
    status = ChoiceField(OverallStatus)
    rationale = RationaleSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    jurisdictions = JurisdictionStatusSerializer(many=True)
    missing_facts = MissingFactSerializer(many=True)
    pack_versions = PackVersionSerializer(many=True)
    engine_version = serializers.CharField()
    evaluated_at = serializers.DateTimeField()
    next_evaluation_at = serializers.DateTimeField(allow_null=True)
    frameworks = FrameworkStatusSerializer(many=True)
    path_to_compliance = PathSerializer()
    warnings = StatusWarningSerializer(many=True)
    worsens_at = serializers.DateTimeField(
        allow_null=True, help_text="When the status turns worse by the clock alone; null if never."
    )
    worsens_to = ChoiceField(OverallStatus, allow_null=True)
    worsens_by = RationaleSerializer(many=True)
    foreseen_until = serializers.DateTimeField(
        allow_null=True, help_text="The moment up to which was looked; null if all were."
    )
    conflicts = ConflictSerializer(many=True)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": list(ReportType.values)},
            {"type": "integer", "minimum": 0, "maximum": len(ReportType) - 1},
        ]
    }
)
class ReportTypeField(ChoiceField):
    """A type of report; `TokenCompliance` is what Full was called before."""

    def to_internal_value(self, data: Any) -> str:
        former = isinstance(data, str) and data.strip().casefold() == "tokencompliance"
        return super().to_internal_value(ReportType.FULL if former else data)


class LastMomentField(MomentField):
    """The inclusive end of a period: a date includes that whole day."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        return moment + timedelta(days=1, microseconds=-1) if len(value) == 10 else moment


class ReportRequestSerializer(WireSerializer):
    """Ask for a report on a token; `asOf` defaults to now.

    `fromDate` and `toDate` bound the events that Full counts and AuditTrail lists.
    """

    asset_id = AssetIdField()
    network = NetworkField()
    report_type = ReportTypeField(ReportType, required=False, allow_null=True)
    as_of = MomentField(required=False, allow_null=True)
    from_date = MomentField(required=False, allow_null=True)
    to_date = LastMomentField(required=False, allow_null=True)


class ReportSummarySerializer(WireSerializer):
    """A stored report without its content."""

    report_id = serializers.UUIDField(source="pk")
    report_type = ChoiceField(ReportType)
    schema_version = serializers.CharField()
    asset_id = serializers.IntegerField(source="token.asset_id")
    network = serializers.SerializerMethodField()
    status = ChoiceField(OverallStatus)
    as_of = MomentField()
    digest = serializers.CharField()
    key_id = serializers.SerializerMethodField()
    generated_at = MomentField(source="created_at")
    generated_by = serializers.CharField(source="created_by")

    def get_network(self, report: object) -> str | None:
        return report.token.network or None  # type: ignore[attr-defined]

    def get_key_id(self, report: object) -> str | None:
        return report.key_id or None  # type: ignore[attr-defined]


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {},
        "description": "What the report says. Its schema is the property `content` of the document "
        f"at {SCHEMA_PATH}.",
        "externalDocs": {
            "url": SCHEMA_PATH,
            "description": "The JSON Schema 2020-12 of sealed reports, every field described.",
        },
    }
)
class ReportContentField(serializers.DictField):
    """The content of a report, described by its own schema."""


class ReportSerializer(ReportSummarySerializer):
    """A stored report. `digest` is the SHA-256 of the RFC 8785 form of `content`.

    `reused` says that the report was stored before and nothing has changed since. The sealed file,
    with the signature over all of it, is the download in the format `json`.
    """

    signature = serializers.SerializerMethodField()
    reused = serializers.BooleanField()
    content = ReportContentField()

    def get_signature(self, report: object) -> str | None:
        return report.signature or None  # type: ignore[attr-defined]


class FindingSerializer(WireSerializer):
    """One thing that was looked at in an uploaded report."""

    name = serializers.CharField(
        help_text="form, digest, keyKnown, signature, keyValid; only form where it has no shape."
    )
    holds = serializers.BooleanField()
    detail = serializers.CharField()


class VerificationSerializer(WireSerializer):
    """What holds of an uploaded report. `valid`: everything does."""

    valid = serializers.BooleanField()
    stored_here = serializers.BooleanField(
        help_text="Whether this very report, to the byte, is stored here."
    )
    report_id = serializers.CharField(allow_null=True)
    key_id = serializers.CharField(allow_null=True)
    findings = FindingSerializer(many=True)
