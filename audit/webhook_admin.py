"""Webhook subscriptions in the admin: read-only, and disabled by officers."""

from datetime import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from audit.admin_base import ReadOnlyAdmin
from audit.webhooks.models import WebhookSubscription
from audit.webhooks.services import subscription_disable_by_officer

_SHOWN = 50


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(ReadOnlyAdmin):
    """Who is told of what, and whether it arrives."""

    list_display = ("owner", "url", "is_active", "disabled_reason", "created_at", "retry_at")
    list_filter = ("is_active", "disabled_reason")
    search_fields = ("owner__exact", "url")
    ordering = ("-created_at", "-id")
    fields = (
        "id",
        "owner",
        "url",
        "event_types",
        "asset_id",
        "network",
        "description",
        "is_active",
        "disabled_reason",
        "disabled_at",
        "created_at",
        "updated_at",
        "secret_created_at",
        "previous_expires_at",
        "retry_at",
        "deliveries",
    )
    readonly_fields = ("deliveries",)
    actions = ("disable_selected",)

    @admin.display(description=f"The newest {_SHOWN} deliveries")
    def deliveries(self, subscription: WebhookSubscription) -> str:
        rows = subscription.deliveries.order_by("-created_at", "-pk")[:_SHOWN]
        return format_html(
            "<table><tr><th>Event</th><th>Id</th><th>Attempts</th><th>Last</th><th>Status</th>"
            "<th>Error</th><th>Delivered</th><th>Next attempt</th></tr>{}</table>",
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
                "<td>{}</td></tr>",
                (
                    (
                        one.event_type,
                        one.event_id,
                        one.attempt_count,
                        _shown(one.attempted_at),
                        one.status_code or "-",
                        one.error_code or "-",
                        _shown(one.delivered_at),
                        _shown(one.next_attempt_at),
                    )
                    for one in rows
                ),
            ),
        )

    def has_disable_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_officer", False))

    @admin.action(description="Disable the selected subscriptions", permissions=["disable"])
    def disable_selected(
        self, request: HttpRequest, queryset: QuerySet[WebhookSubscription]
    ) -> None:
        count = sum(
            subscription_disable_by_officer(
                actor=request.user,  # type: ignore[arg-type]
                subscription_id=subscription_id,
            )
            for subscription_id in queryset.values_list("pk", flat=True)
        )
        self.message_user(request, f"{count} disabled.", messages.SUCCESS)


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"
