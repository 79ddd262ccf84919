"""Attestation packages in the admin: what was made, for whom, and its content; nobody edits one."""

import json
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin_roles import RoleAdminMixin, actor_of
from compliance.choices import PackageFormat
from compliance.models import AttestationPackage
from compliance.packages.pdf import pdf_bytes
from compliance.services.packages import package_document, package_read
from config.api.errors import NotFound

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
        "printed",
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

    def get_urls(self) -> list[URLPattern]:
        pdf = self.admin_site.admin_view(self.pdf)
        name = "compliance_attestationpackage_pdf"
        return [path("<uuid:package_id>/pdf/", pdf, name=name), *super().get_urls()]

    def pdf(self, request: HttpRequest, package_id: UUID) -> HttpResponse:
        """Download the package as a PDF; that is recorded like any other reading."""
        try:
            package = package_read(
                actor=actor_of(request), package_id=package_id, form=PackageFormat.PDF
            )
        except NotFound as missing:
            raise Http404 from missing
        name = f'attachment; filename="attestation-package-{package.pk}.pdf"'
        return HttpResponse(
            pdf_bytes(package_document(package)),
            content_type="application/pdf",
            headers={"Content-Disposition": name},
        )

    @admin.display(description="To print")
    def printed(self, package: AttestationPackage) -> SafeString:
        url = reverse("admin:compliance_attestationpackage_pdf", args=[package.pk])
        return format_html('<a href="{}">Download as PDF</a>', url)

    @admin.display(description="Package")
    def document(self, package: AttestationPackage) -> SafeString:
        readable = json.dumps(package_document(package), indent=2, ensure_ascii=False)
        shown, rest = readable[:_CONTENT_SHOWN], len(readable) - _CONTENT_SHOWN
        note = f"\n... and {rest:,} characters more, which the API answers." if rest > 0 else ""
        return format_html("<pre>{}{}</pre>", shown, note)
