"""Requests and documented answers about deployments."""

from rest_framework import serializers

from accounts.api.networks import NetworkField
from config.api.serializers import (
    BooleanField,
    ChoiceField,
    IdField,
    IntegerField,
    MomentField,
    TextField,
    WireSerializer,
)
from deployments.choices import DeploymentStatus, ErrorCategory, Origin, Standard, TrailFormat
from deployments.issuance import TEXTS

_INT32 = 2**31 - 1


def _text(name: str) -> TextField:
    return TextField(max_length=TEXTS[name], required=False, allow_null=True, allow_blank=True)


class IssuanceMetadataSerializer(WireSerializer):
    """What is said of the token's compliance; it becomes its metadata when it is issued."""

    issuer_name = _text("issuerName")
    jurisdiction = _text("jurisdiction")
    asset_type = _text("assetType")
    regulatory_framework = _text("regulatoryFramework")
    disclosure_url = _text("disclosureUrl")
    requires_whitelist = BooleanField(required=False, default=False)
    requires_accredited_investors = BooleanField(required=False, default=False)
    max_holders = IntegerField(required=False, allow_null=True, min_value=1, max_value=_INT32)
    transfer_restrictions = _text("transferRestrictions")
    kyc_provider = _text("kycProvider")
    notes = _text("notes")


class DeploymentRequestSerializer(WireSerializer):
    """Which token to issue, where and for whom."""

    network = TextField(max_length=50)
    standard = ChoiceField(Standard)
    parameters = serializers.DictField(
        help_text=(
            "ASA: name, unitName, url, metadataHash, defaultFrozen, managerAddress, "
            "reserveAddress, freezeAddress, clawbackAddress, and totalSupply (base units) and "
            "decimals but for an NFT. ERC-20: name, symbol, decimals, initialSupply and "
            "initialSupplyReceiver, of a mintable one cap (whole tokens; text where they have a "
            "fraction)."
        )
    )
    compliance_metadata = IssuanceMetadataSerializer(required=False, allow_null=True)
    issuer_id = IdField(
        required=False, allow_null=True, help_text="The caller's own issuer where it is absent."
    )


class CancelSerializer(WireSerializer):
    """Why a deployment is cancelled."""

    reason = TextField(
        max_length=200,
        error_messages={
            "required": "Cancellation reason is required",
            "blank": "Cancellation reason is required",
            "null": "Cancellation reason is required",
        },
    )


class FailureSerializer(WireSerializer):
    """What went wrong, and what to do."""

    category = ChoiceField(ErrorCategory)
    error_code = serializers.CharField()
    user_message = serializers.CharField()
    technical_message = serializers.CharField(
        allow_null=True, help_text="For officers and those who may write the token alone."
    )
    is_retryable = serializers.BooleanField()
    suggested_retry_delay_seconds = serializers.IntegerField(allow_null=True)
    recommended_action = serializers.CharField()


class CheckSerializer(WireSerializer):
    """One thing that was checked on the way."""

    check_name = serializers.CharField()
    passed = serializers.BooleanField()
    message = serializers.CharField()
    checked_at = MomentField()


class HistoryEntrySerializer(WireSerializer):
    """One change of the status."""

    id = serializers.CharField()
    deployment_id = serializers.UUIDField()
    status = ChoiceField(DeploymentStatus)
    previous_status = ChoiceField(DeploymentStatus, allow_null=True)
    timestamp = MomentField()
    message = serializers.CharField(allow_null=True)
    transaction_hash = serializers.CharField(allow_null=True)
    confirmed_round = serializers.IntegerField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    error_details = FailureSerializer(allow_null=True)
    reason_code = serializers.CharField()
    actor_address = serializers.CharField()
    compliance_checks = CheckSerializer(many=True)
    duration_from_previous_status_ms = serializers.IntegerField(allow_null=True)


class DeploymentSummarySerializer(WireSerializer):
    """A deployment."""

    deployment_id = serializers.UUIDField()
    current_status = ChoiceField(DeploymentStatus)
    token_type = serializers.CharField()
    network = serializers.CharField()
    deployed_by = serializers.CharField()
    requested_by = serializers.CharField()
    issuer_id = serializers.UUIDField(allow_null=True)
    origin = ChoiceField(Origin)
    token_name = serializers.CharField(allow_null=True)
    token_symbol = serializers.CharField(allow_null=True)
    asset_id = serializers.IntegerField(allow_null=True)
    asset_identifier = serializers.CharField(allow_null=True)
    transaction_hash = serializers.CharField(allow_null=True)
    confirmed_round = serializers.IntegerField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    error_details = FailureSerializer(allow_null=True)
    parameters = serializers.DictField()
    compliance_metadata = serializers.DictField(allow_null=True)
    correlation_id = serializers.CharField(allow_null=True)
    created_at = MomentField()
    updated_at = MomentField()
    completed_at = MomentField(allow_null=True)


class DeploymentSerializer(DeploymentSummarySerializer):
    """A deployment with its history, oldest change first."""

    status_history = HistoryEntrySerializer(many=True)


class MetricsSerializer(WireSerializer):
    """Figures over a period; durations in milliseconds, rates in percent."""

    total_deployments = serializers.IntegerField()
    successful_deployments = serializers.IntegerField()
    failed_deployments = serializers.IntegerField()
    cancelled_deployments = serializers.IntegerField()
    pending_deployments = serializers.IntegerField()
    success_rate = serializers.FloatField()
    failure_rate = serializers.FloatField()
    average_duration_ms = serializers.IntegerField()
    median_duration_ms = serializers.IntegerField()
    p95_duration_ms = serializers.IntegerField()
    fastest_duration_ms = serializers.IntegerField()
    slowest_duration_ms = serializers.IntegerField()
    failures_by_category = serializers.DictField(child=serializers.IntegerField())
    deployments_by_network = serializers.DictField(child=serializers.IntegerField())
    deployments_by_token_type = serializers.DictField(child=serializers.IntegerField())
    average_duration_by_transition = serializers.DictField(child=serializers.IntegerField())
    retried_deployments = serializers.IntegerField()
    period_start = MomentField()
    period_end = MomentField()
    calculated_at = MomentField()


class AuditExportRequestSerializer(WireSerializer):
    """Which deployments' histories to export."""

    format = ChoiceField(TrailFormat, required=False, allow_null=True)
    deployed_by = TextField(max_length=100, required=False, allow_null=True)
    network = NetworkField()
    token_type = TextField(max_length=30, required=False, allow_null=True)
    status = ChoiceField(DeploymentStatus, required=False, allow_null=True)
    from_date = MomentField(required=False, allow_null=True)
    to_date = MomentField(required=False, allow_null=True)
    page = IntegerField(required=False, min_value=1, max_value=1_000_000, default=1)
    page_size = IntegerField(required=False, min_value=1, max_value=1000, default=100)
