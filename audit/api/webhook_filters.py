"""The filters of the delivery log."""

import django_filters
from django.db.models import QuerySet

from audit.webhooks.models import WebhookDelivery, WebhookSubscription
from config.api.filters import BooleanFilter, MomentFilter, WireFilterSet


class SubscriptionFilter(WireFilterSet):
    """Subscriptions have no filters, only pages."""

    class Meta:
        model = WebhookSubscription
        fields: list[str] = []


class DeliveryFilter(WireFilterSet):
    """By subscription, event, outcome and when a delivery began."""

    subscriptionId = django_filters.UUIDFilter(field_name="subscription_id")
    eventId = django_filters.UUIDFilter(field_name="event_id")
    success = BooleanFilter(method="by_success")
    fromDate = MomentFilter(field_name="created_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="created_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []

    def by_success(
        self, queryset: QuerySet[WebhookDelivery], name: str, value: bool
    ) -> QuerySet[WebhookDelivery]:
        """Match what the receiver confirmed, or what it did not."""
        return queryset.filter(delivered_at__isnull=not value)
