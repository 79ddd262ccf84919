"""Requests and answers about webhooks."""

from rest_framework import serializers

from audit.webhooks.models import DeliveryFault, DisabledReason
from audit.webhooks.patterns import MAX_PATTERNS
from config.api.serializers import (
    AssetIdField,
    BooleanField,
    ChoiceField,
    MomentField,
    TextField,
    WireSerializer,
)

_TYPES_HELP = (
    "Names of events, beginnings of names such as deployments.deployment.*, or * for everything "
    "that you see."
)


class SubscriptionWriteSerializer(WireSerializer):
    """Where which events go."""

    url = TextField(max_length=2000)
    event_types = serializers.ListField(
        child=TextField(max_length=64),
        min_length=1,
        max_length=MAX_PATTERNS,
        help_text=_TYPES_HELP,
    )
    asset_id_filter = AssetIdField(required=False, allow_null=True, source="asset_id")
    network_filter = TextField(max_length=50, required=False, allow_null=True, source="network")
    description = TextField(max_length=200, required=False, allow_null=True, allow_blank=True)


class SubscriptionChangeSerializer(SubscriptionWriteSerializer):
    """What changes of a subscription, and whether it is active."""

    is_active = BooleanField(required=False)


class SubscriptionEnableSerializer(WireSerializer):
    """Whether to leave out what was recorded while the subscription was disabled."""

    skip_missed = BooleanField(required=False, default=False)


class SubscriptionSerializer(WireSerializer):
    """A subscription, without its secret."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    event_types = serializers.ListField(child=serializers.CharField())
    asset_id_filter = serializers.IntegerField(source="asset_id", allow_null=True)
    network_filter = serializers.CharField(source="network", allow_null=True)
    description = serializers.CharField()
    is_active = serializers.BooleanField()
    disabled_reason = ChoiceField(DisabledReason, allow_null=True)
    disabled_at = MomentField(allow_null=True)
    created_by = serializers.CharField(source="owner")
    created_at = MomentField()
    updated_at = MomentField(allow_null=True)
    secret_created_at = MomentField()
    previous_secret_expires_at = MomentField(source="previous_expires_at", allow_null=True)
    next_attempt_at = MomentField(
        source="retry_at", allow_null=True, help_text="When what failed is tried again."
    )


class AttemptSerializer(WireSerializer):
    """One attempt."""

    at = MomentField()
    status_code = serializers.IntegerField(allow_null=True)
    error_code = ChoiceField(DeliveryFault, allow_null=True)


class DeliverySerializer(WireSerializer):
    """An event on its way to a subscription; what the receiver answered is not kept."""

    id = serializers.UUIDField()
    subscription_id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    event_type = serializers.CharField()
    success = serializers.BooleanField()
    status_code = serializers.IntegerField(allow_null=True)
    error_code = ChoiceField(DeliveryFault, allow_null=True)
    created_at = MomentField()
    attempted_at = MomentField(allow_null=True)
    delivered_at = MomentField(allow_null=True)
    attempt_count = serializers.IntegerField()
    next_attempt_at = MomentField(allow_null=True)
    redelivery_requested_at = MomentField(source="redelivery_at", allow_null=True)
    attempts = AttemptSerializer(many=True, help_text="The newest 20, oldest first.")
