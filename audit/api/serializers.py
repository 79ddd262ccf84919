"""The documented shapes of the log's answers; rows are made by `audit.entries`."""

from rest_framework import serializers

from audit.choices import ActionType
from config.api.serializers import ChoiceField, WireSerializer


class ComplianceAuditEntrySerializer(WireSerializer):
    """One entry of the compliance audit log (seed 1, section 5)."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    action_type = ChoiceField(ActionType)
    performed_by = serializers.CharField()
    performed_at = serializers.DateTimeField()
    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    old_compliance_status = serializers.CharField(allow_null=True)
    new_compliance_status = serializers.CharField(allow_null=True)
    old_verification_status = serializers.CharField(allow_null=True)
    new_verification_status = serializers.CharField(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    item_count = serializers.IntegerField(allow_null=True)
    filter_criteria = serializers.CharField(allow_null=True)
    event_type = serializers.CharField()
    reference_type = serializers.CharField(allow_null=True)
    reference_id = serializers.CharField(allow_null=True)
    correlation_id = serializers.CharField()


class RetentionPolicySerializer(WireSerializer):
    """The retention policy (seed 1, section 8)."""

    minimum_retention_years = serializers.IntegerField()
    regulatory_framework = serializers.CharField()
    immutable_entries = serializers.BooleanField()
    description = serializers.CharField()
