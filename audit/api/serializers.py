"""The documented shapes of the log's answers; rows are made by `audit.entries`."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.actions import ShownAction
from audit.choices import ActionType, Category, Severity
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


@extend_schema_field(
    {"type": ["integer", "string", "null"], "description": "Base units; text where no integer."}
)
class AmountField(serializers.IntegerField):
    """The amount of a transfer, which an event keeps as text."""


class EnterpriseAuditEntrySerializer(WireSerializer):
    """One event in the enterprise audit (seed 2)."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    category = ChoiceField(Category)
    action_type = ChoiceField(ShownAction)
    performed_by = serializers.CharField()
    performed_at = serializers.DateTimeField()
    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    affected_address = serializers.CharField(allow_null=True)
    old_status = serializers.CharField(allow_null=True)
    new_status = serializers.CharField(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    to_address = serializers.CharField(allow_null=True)
    transfer_allowed = serializers.BooleanField(allow_null=True)
    denial_reason = serializers.CharField(allow_null=True)
    amount = AmountField(allow_null=True)
    role = serializers.CharField(allow_null=True, help_text="As what a whitelist was written.")
    item_count = serializers.IntegerField(allow_null=True)
    source_system = serializers.CharField(help_text="Api, Admin, Task, Command, ...")
    correlation_id = serializers.CharField()
    payload_hash = serializers.CharField(
        help_text="SHA-256 of the event's canonical line, in hexadecimal digits. The leaf of the "
        "sealed tree is another: SHA-256(0x00 || line)."
    )
    event_type = serializers.CharField()
    reference_type = serializers.CharField(allow_null=True)
    reference_id = serializers.CharField(allow_null=True)


class DateRangeSerializer(WireSerializer):
    """When the first and the last of the events were."""

    earliest_event = serializers.DateTimeField()
    latest_event = serializers.DateTimeField()


class EventsSummarySerializer(WireSerializer):
    """What all the events of the filter come to, not only those of the page."""

    whitelist_events = serializers.IntegerField(help_text="With the transfers checked.")
    blacklist_events = serializers.IntegerField(help_text="0: nothing writes such events yet.")
    compliance_events = serializers.IntegerField()
    token_issuance_events = serializers.IntegerField()
    by_category = serializers.DictField(child=serializers.IntegerField())
    successful_operations = serializers.IntegerField()
    failed_operations = serializers.IntegerField()
    date_range = DateRangeSerializer(allow_null=True)
    networks = serializers.ListField(child=serializers.CharField())
    assets = serializers.ListField(
        child=serializers.IntegerField(), help_text="At most 1,000, the smallest ids."
    )
    assets_truncated = serializers.BooleanField(help_text="Whether there are more assets.")


class TokenIdSerializer(WireSerializer):
    """Which token an event is about; both are null for an event about none."""

    asset_id = serializers.IntegerField(allow_null=True)
    network = serializers.CharField(allow_null=True)


class TrailEntrySerializer(WireSerializer):
    """One event of the trail (seed 0)."""

    id = serializers.UUIDField()
    event_type = serializers.CharField()
    category = ChoiceField(Category)
    action_type = ChoiceField(ActionType)
    severity = ChoiceField(Severity)
    actor = serializers.CharField()
    timestamp = serializers.DateTimeField()
    success = serializers.BooleanField()
    token_id = TokenIdSerializer()
    issuer_id = serializers.CharField(allow_null=True)
    affected_address = serializers.CharField(allow_null=True)
    reference_type = serializers.CharField(allow_null=True)
    reference_id = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    correlation_id = serializers.CharField()
    payload_hash = serializers.CharField(help_text="SHA-256 of the event's canonical line.")
