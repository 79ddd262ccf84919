"""Requests and answers of the record and its status."""

from rest_framework import serializers

from accounts.api.networks import NetworkField
from compliance.api.status_serializers import (
    ConflictSerializer,
    FrameworkStatusSerializer,
    PathSerializer,
    StatusWarningSerializer,
)
from compliance.choices import ComplianceStatus, OverallStatus, VerificationStatus
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
