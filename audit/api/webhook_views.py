"""Webhooks: who signs in subscribes to what they see of the log; officers read all of them."""

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.webhook_filters import DeliveryFilter, SubscriptionFilter
from audit.api.webhook_serializers import (
    DeliverySerializer,
    SubscriptionChangeSerializer,
    SubscriptionEnableSerializer,
    SubscriptionSerializer,
    SubscriptionWriteSerializer,
)
from audit.principal import Principal
from audit.webhooks.models import WebhookDelivery, WebhookSubscription
from audit.webhooks.services import (
    WithSecret,
    deliveries_visible,
    delivery_redeliver,
    secret_rotate,
    subscription_create,
    subscription_delete,
    subscription_enable,
    subscription_get,
    subscription_test,
    subscription_update,
    subscriptions_visible,
)
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import filter_parameters, noun_serializer, page_serializer
from config.api.serializers import NothingSerializer
from config.api.views import WireViewSet, answer, answer_page

_FAILED = "audit.webhook.change_failed"
_NONE: frozenset[str] = frozenset()
_ONE = noun_serializer("WebhookSubscriptionResponse", "subscription", SubscriptionSerializer())
_SECRET = noun_serializer(
    "WebhookSubscriptionSecretResponse",
    "subscription",
    SubscriptionSerializer(),
    signingSecret=serializers.CharField(help_text="Shown this once: whsec_ and base64."),
)
_DELIVERY = noun_serializer("WebhookDeliveryResponse", "delivery", DeliverySerializer())


class WebhookSubscriptionViewSet(WireViewSet):
    """Subscriptions to the log: signed, in order, at least once."""

    paginator = Paginator(("created_at", "id"))
    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        ("create", "update", "partial_update", "destroy", "rotate_secret", "enable", "test"),
        _FAILED,
    )
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        **dict.fromkeys(failure_events, _NONE),
        "retrieve": _NONE,
    }

    @extend_schema(request=SubscriptionWriteSerializer, responses={200: _SECRET})
    def create(self, request: Request) -> Response:
        """Subscribe to what is recorded from now on; the answer alone has the secret."""
        body = SubscriptionWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        response = _with_secret(
            subscription_create(actor=_principal(request), **_given(body.validated_data))
        )
        where = response.data["subscription"]["id"]
        response["Location"] = f"/api/v1/webhooks/subscriptions/{where}"
        return response

    @extend_schema(
        parameters=filter_parameters(SubscriptionFilter),
        responses=page_serializer(
            "WebhookSubscriptionListResponse", "subscriptions", SubscriptionSerializer
        ),
    )
    def list(self, request: Request) -> Response:
        """List your subscriptions, newest first; officers see all."""
        rows, _ = SubscriptionFilter.apply(subscriptions_visible(_principal(request)), request)
        page = self.paginator.paginate(rows, request)
        return answer_page("subscriptions", page, SubscriptionSerializer(page.rows, many=True).data)

    @extend_schema(responses=_ONE)
    def retrieve(self, request: Request, subscription_id: UUID) -> Response:
        """Get one subscription: whether it is active, and if not, why."""
        return _answer(subscription_get(actor=_principal(request), subscription_id=subscription_id))

    @extend_schema(request=SubscriptionChangeSerializer, responses=_ONE)
    def update(self, request: Request, subscription_id: UUID) -> Response:
        """Replace url, eventTypes, filters and description; what is left out becomes empty."""
        return self._change(request, subscription_id, partial=False)

    @extend_schema(request=SubscriptionChangeSerializer, responses=_ONE)
    def partial_update(self, request: Request, subscription_id: UUID) -> Response:
        """Change what is given; isActive false pauses, and true goes on from there."""
        return self._change(request, subscription_id, partial=True)

    @extend_schema(responses={200: _ONE})
    def destroy(self, request: Request, subscription_id: UUID) -> Response:
        """Delete a subscription and its delivery log."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        return _answer(
            subscription_delete(actor=_principal(request), subscription_id=subscription_id)
        )

    @extend_schema(request=NothingSerializer, responses=_SECRET)
    def rotate_secret(self, request: Request, subscription_id: UUID) -> Response:
        """Get a new secret, this once; for 24 hours the one before signs too."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        return _with_secret(
            secret_rotate(actor=_principal(request), subscription_id=subscription_id)
        )

    @extend_schema(request=SubscriptionEnableSerializer, responses=_ONE)
    @idempotent
    def enable(self, request: Request, subscription_id: UUID) -> Response:
        """Deliver again to a disabled subscription, from where it stopped."""
        body = SubscriptionEnableSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(
            subscription_enable(
                actor=_principal(request), subscription_id=subscription_id, **body.validated_data
            )
        )

    @extend_schema(request=NothingSerializer, responses=_DELIVERY)
    @idempotent
    def test(self, request: Request, subscription_id: UUID) -> Response:
        """Send an `audit.webhook.tested` event; the delivery log says whether it arrived."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        delivery = subscription_test(actor=_principal(request), subscription_id=subscription_id)
        return answer("delivery", DeliverySerializer(delivery).data)

    def _change(self, request: Request, subscription_id: UUID, *, partial: bool) -> Response:
        body = SubscriptionChangeSerializer(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        is_active = given.pop("is_active", None)
        empty: dict[str, Any] = {} if partial else dict.fromkeys(("asset_id", "network"))
        return _answer(
            subscription_update(
                actor=_principal(request),
                subscription_id=subscription_id,
                changes=_given(given) if partial else {"description": "", **empty, **_given(given)},
                is_active=is_active,
            )
        )


class WebhookDeliveryViewSet(WireViewSet):
    """How each event arrived."""

    paginator = Paginator(("created_at", "id"), default=50)
    failure_events: ClassVar[dict[str, str]] = {"redeliver": _FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"redeliver": _NONE}

    @extend_schema(
        parameters=filter_parameters(DeliveryFilter),
        responses=page_serializer(
            "WebhookDeliveryListResponse",
            "deliveries",
            DeliverySerializer,
            successCount=serializers.IntegerField(),
            failedCount=serializers.IntegerField(),
            pendingRetries=serializers.IntegerField(),
        ),
    )
    def list(self, request: Request) -> Response:
        """List deliveries to your subscriptions, newest first; the counts are of the whole filter.

        `failedCount` is what was not confirmed, of which `pendingRetries` will be tried again.
        """
        rows, _ = DeliveryFilter.apply(deliveries_visible(_principal(request)), request)
        totals = _totals(rows)
        page = self.paginator.paginate(rows, request, count=lambda _: totals.pop("all"))
        return answer_page(
            "deliveries", page, DeliverySerializer(page.rows, many=True).data, **totals
        )

    @extend_schema(request=NothingSerializer, responses=_DELIVERY)
    @idempotent
    def redeliver(self, request: Request, delivery_id: UUID) -> Response:
        """Send an event again, once, beside the order; its `webhook-id` stays the same."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        delivery = delivery_redeliver(actor=_principal(request), delivery_id=delivery_id)
        return answer("delivery", DeliverySerializer(delivery).data)


def _totals(rows: QuerySet[WebhookDelivery]) -> dict[str, int]:
    attempted = Q(delivered_at=None, attempt_count__gt=0)
    return rows.aggregate(
        all=Count("pk"),
        successCount=Count("pk", filter=Q(delivered_at__isnull=False)),
        failedCount=Count("pk", filter=attempted),
        pendingRetries=Count("pk", filter=attempted & Q(next_attempt_at__isnull=False)),
    )


def _given(validated: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent, where null for the description means none."""
    if validated.get("description", "") is None:
        return {**validated, "description": ""}
    return dict(validated)


def _answer(subscription: WebhookSubscription) -> Response:
    return answer("subscription", SubscriptionSerializer(subscription).data)


def _with_secret(made: WithSecret) -> Response:
    return answer(
        "subscription", SubscriptionSerializer(made.subscription).data, signingSecret=made.secret
    )


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)
