"""The documented shapes of the whitelist's views of the log; rows are made by `log_entries`."""

from rest_framework import serializers

from audit.api.serializers import AmountField, DateRangeSerializer
from config.api.serializers import ChoiceField, WireSerializer
from whitelist.choices import LogAction


class WhitelistLogEntrySerializer(WireSerializer):
    """One entry of the whitelist audit log."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(allow_null=True)
    address = serializers.CharField(
        allow_null=True, help_text="Whom it is about; of a transfer, the sender."
    )
    action_type = ChoiceField(LogAction)
    performed_by = serializers.CharField()
    performed_at = serializers.DateTimeField()
    old_status = serializers.CharField(allow_null=True)
    new_status = serializers.CharField(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    to_address = serializers.CharField(allow_null=True)
    transfer_allowed = serializers.BooleanField(allow_null=True)
    denial_reason = serializers.CharField(allow_null=True)
    amount = AmountField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True, help_text="As what an entry was written.")
    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    event_type = serializers.CharField()
    correlation_id = serializers.CharField()


class EnforcementSummarySerializer(WireSerializer):
    """What all the transfers of the filter come to, not only those of the page."""

    total_validations = serializers.IntegerField()
    allowed_transfers = serializers.IntegerField()
    denied_transfers = serializers.IntegerField()
    allowed_percentage = serializers.FloatField()
    denied_percentage = serializers.FloatField()
    unique_assets = serializers.ListField(child=serializers.IntegerField())
    unique_networks = serializers.ListField(child=serializers.CharField())
    date_range = DateRangeSerializer(allow_null=True)
    denial_reasons = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="The ten most frequent, without the addresses and numbers of each transfer.",
    )


class EligibilitySerializer(WireSerializer):
    """Who may hold the token."""

    total_entries = serializers.IntegerField()
    active_entries = serializers.IntegerField(help_text="Active and not expired.")
    inactive_entries = serializers.IntegerField()
    revoked_entries = serializers.IntegerField()
    expired_entries = serializers.IntegerField(help_text="Active, but expired.")
    active_percentage = serializers.FloatField()


class EnforcementTotalsSerializer(WireSerializer):
    """How transfers were decided."""

    total_validations = serializers.IntegerField()
    allowed_transfers = serializers.IntegerField()
    denied_transfers = serializers.IntegerField()
    allowed_percentage = serializers.FloatField()
    last_validation_at = serializers.DateTimeField(allow_null=True)


class KycSerializer(WireSerializer):
    """How far holders are known."""

    kyc_verified_entries = serializers.IntegerField()
    active_without_kyc = serializers.IntegerField()
    kyc_provider_count = serializers.IntegerField()
    kyc_providers = serializers.ListField(child=serializers.CharField())


class TrailSerializer(WireSerializer):
    """What is recorded, for how long, and whether it is intact."""

    total_audit_entries = serializers.IntegerField()
    last_audit_at = serializers.DateTimeField(allow_null=True)
    earliest_audit_at = serializers.DateTimeField(allow_null=True)
    minimum_retention_years = serializers.IntegerField()
    immutable_entries = serializers.BooleanField(
        help_text="Whether the last verification found every sealed event unaltered."
    )


class MicaReadinessSerializer(WireSerializer):
    """How many of the five facts hold, each with 20 points."""

    all_active_entries_kyc_verified = serializers.BooleanField()
    audit_retention_compliant = serializers.BooleanField()
    immutable_audit_compliant = serializers.BooleanField()
    enforcement_mandatory = serializers.BooleanField(
        help_text="Whether transfers are bound by the whitelist."
    )
    no_active_entries_expired = serializers.BooleanField()
    applicable_network = serializers.CharField(allow_null=True)
    readiness_score = serializers.IntegerField()


class ComplianceOverviewSerializer(WireSerializer):
    """The whitelist of one token at a glance."""

    success = serializers.BooleanField()
    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)
    generated_at = serializers.DateTimeField()
    investor_eligibility = EligibilitySerializer()
    transfer_enforcement = EnforcementTotalsSerializer()
    kyc_verification = KycSerializer()
    audit_trail = TrailSerializer()
    mica_readiness = MicaReadinessSerializer()
