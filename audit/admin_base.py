"""What the pages of the log in the admin have in common."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from audit.events import EVENT_TYPES


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shown to those who read everything; changed by nobody."""

    def _reads(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "reads_everything", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._reads(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._reads(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def event_label(name: str) -> str:
    """Return what the events of this name are called; one no longer in the registry keeps it."""
    kind = EVENT_TYPES.get(name)
    return kind.label if kind else name


def short_actor(actor: str) -> str:
    """Return who acted as a list shows it: a wallet's address in short, in full when pointed at."""
    if len(actor) == 58 and "@" not in actor:
        return format_html('<span title="{}">{}…{}</span>', actor, actor[:6], actor[-4:])
    return actor
