"""The filters of whitelists in the admin."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Token
from whitelist.models import WhitelistEntry

SOON_DAYS = 30
_TOKENS_SHOWN = 50


class TokenFilter(admin.SimpleListFilter):
    """Of which token: the first fifty that have entries; the others are found by their asset id."""

    title = "token"
    parameter_name = "token"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        listed = WhitelistEntry.objects.order_by().values("token_id").distinct()
        tokens = list(Token.objects.filter(pk__in=listed).order_by("asset_id")[:_TOKENS_SHOWN])
        chosen = self.value() or ""
        if chosen.isdigit() and not any(str(token.pk) == chosen for token in tokens):
            tokens += Token.objects.filter(pk=int(chosen[:18]))
        return [(str(token.pk), str(token)) for token in tokens]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(token_id=int(chosen[:18])) if chosen.isdigit() else queryset.none()


class ExpiryFilter(admin.SimpleListFilter):
    """Whether entries have expired, or will soon."""

    title = "expiry"
    parameter_name = "expiry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("expired", "Expired"),
            ("soon", f"Expires within {SOON_DAYS} days"),
            ("later", "Expires later"),
            ("never", "Never expires"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        soon = now + timedelta(days=SOON_DAYS)
        match self.value():
            case "expired":
                return queryset.filter(expiration_date__lte=now)
            case "soon":
                return queryset.filter(Q(expiration_date__gt=now, expiration_date__lte=soon))
            case "later":
                return queryset.filter(expiration_date__gt=soon)
            case "never":
                return queryset.filter(expiration_date__isnull=True)
        return queryset
