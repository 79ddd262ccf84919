"""Attestation packages in the admin: what was made, for whom, and its content; nobody edits one."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin_roles import RoleAdminMixin
from compliance.models import AttestationPackage
from compliance.services.packages import package_document

_CONTENT_SHOWN = 200_000


@admin.register(AttestationPackage)
class AttestationPackageAdmin(RoleAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Stored packages, as they were generated."""

    list_display = (
        "created_at",
        "token",
        "period_from",
        "period_to",
        "attestation_count",
        "created_by",
    )
    list_filter = ("created_at", "token__network")
    list_select_related: ClassVar[Any] = ("token",)
    search_fields = ("id", "token__asset_id__exact", "content_hash__exact")
    search_help_text = "Id, a whole asset id, or a whole SHA-256."
    ordering = ("-created_at", "-id")
    fields = (
        "id",
        "token",
        "period_from",
        "period_to",
        "attestation_count",
        "content_hash",
        "key_id",
        "created_by",
        "created_at",
        "document",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttestationPackage]:
        return super().get_queryset(request).defer("content")

    @admin.display(description="Package")
    def document(self, package: AttestationPackage) -> SafeString:
        readable = json.dumps(package_document(package), indent=2, ensure_ascii=False)
        shown, rest = readable[:_CONTENT_SHOWN], len(readable) - _CONTENT_SHOWN
        note = f"\n... and {rest:,} characters more, which the API answers." if rest > 0 else ""
        return format_html("<pre>{}{}</pre>", shown, note)
