"""Dry runs in the admin: how far one is, what it found, and the tokens that would change."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin_roles import RoleAdminMixin, actor_of
from config.api.errors import DomainError
from jurisdictions.models import DryRun, DryRunChange
from jurisdictions.services.dry_runs import dry_run_cancel, dry_run_get, dry_run_report_read

_SHOWN = 50
_REQUIREMENTS = 20


class _ReadOnlyAdmin(RoleAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DryRun)
class DryRunAdmin(_ReadOnlyAdmin):
    """Dry runs: started from the page of a draft, read here by everyone with a platform role."""

    change_form_template = "admin/jurisdictions/dryrun/change_form.html"
    list_display = ("pack", "state", "progress", "flips", "requested_by", "created_at")
    list_filter = ("state", "pack__pack_id")
    list_select_related = ("pack",)
    ordering = ("-created_at", "-id")
    fields = (
        "pack",
        "state",
        "progress",
        "moment",
        "summary",
        "transitions",
        "requirements",
        "tokens",
        "report_digest",
        "requested_by",
        "created_at",
        "finished_at",
    )
    readonly_fields = fields

    @admin.display(description="Progress")
    def progress(self, run: DryRun) -> SafeString:
        return format_html(
            '<progress max="100" value="{}">{} %</progress> {} of {} tokens',
            run.percent,
            run.percent,
            run.done,
            run.total,
        )

    @admin.display(description="In short")
    def summary(self, run: DryRun) -> str:
        if run.problem:
            return run.problem
        so_far = "so far " if run.is_unfinished else ""
        return (
            f"{run.flips} tokens would {so_far}change status, {run.shifts} would keep it with "
            f"other verdicts, of {run.done} evaluated."
        )

    @admin.display(description="From and to")
    def transitions(self, run: DryRun) -> SafeString | str:
        moves = run.changes.values("before", "after").annotate(count=Count("pk"))
        rows = [
            (before, after, _changes_url(run, {"before": before, "after": after}), count)
            for before, after, count in moves.order_by("before", "after").values_list(
                "before", "after", "count"
            )
        ]
        if not rows:
            return "No token changes status."
        return format_html(
            "<table><thead><tr><th>From</th><th>To</th><th>Tokens</th></tr></thead>{}</table>",
            format_html_join(
                "",
                '<tr><td>{}</td><td>{}</td><td><a href="{}">{}</a></td></tr>',
                rows,
            ),
        )

    @admin.display(description="By requirement")
    def requirements(self, run: DryRun) -> SafeString | str:
        report = getattr(run, "report", None)
        if report is None:
            return "Counted when it has finished."
        found = json.loads(report.document)["content"]["requirements"]
        if not found:
            return "None."
        return format_html(
            "<table><thead><tr><th>Requirement</th><th>Tokens</th></tr></thead>{}</table>",
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td></tr>",
                ((one["key"], one["tokens"]) for one in found[:_REQUIREMENTS]),
            ),
        )

    @admin.display(description="Tokens")
    def tokens(self, run: DryRun) -> SafeString | str:
        rows = list(run.changes.select_related("token").order_by("pk")[:_SHOWN])
        if not rows:
            return "None."
        return format_html(
            "<table><thead><tr><th>Token</th><th>From</th><th>To</th><th>By</th></tr></thead>{}"
            '</table><p><a href="{}">All {} of them, to filter and search</a></p>',
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                ((row.token, row.before, row.after, checks_of(row)) for row in rows),
            ),
            _changes_url(run, {}),
            run.flips,
        )

    @admin.display(description="Sealed report")
    def report_digest(self, run: DryRun) -> SafeString | str:
        report = getattr(run, "report", None)
        if report is None:
            return "None yet."
        return format_html(
            '<code>{}</code> <a href="{}">Download</a>',
            report.digest,
            reverse("admin:jurisdictions_dryrun_report", args=[run.pk]),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DryRun]:
        return DryRun.objects.select_related("pack")

    def get_urls(self) -> list[URLPattern]:
        views = {"cancel": self.cancel_view, "report": self.report_view}
        own = [
            path(
                f"<uuid:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"jurisdictions_dryrun_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """End a run that has not finished."""
        if request.method != "POST" or not actor_of(request).is_officer:
            raise PermissionDenied
        actor = actor_of(request)
        try:
            dry_run_cancel(actor=actor, run=dry_run_get(actor=actor, run_id=pk))
            self.message_user(request, "The dry run was cancelled.")
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:jurisdictions_dryrun_change", args=[pk]))

    def report_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Download the sealed report."""
        actor = actor_of(request)
        try:
            report = dry_run_report_read(actor=actor, run=dry_run_get(actor=actor, run_id=pk))
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:jurisdictions_dryrun_changelist"))
        return HttpResponse(
            report.document,
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="dry-run-{pk}.json"'},
        )


@admin.register(DryRunChange)
class DryRunChangeAdmin(_ReadOnlyAdmin):
    """The tokens that dry runs would change, to filter and search; reached from a run's page."""

    list_display = ("token", "before", "after", "decided_by", "run")
    list_display_links = None
    list_filter = ("before", "after", "token__network")
    list_select_related = ("token", "run__pack")
    search_fields = ("token__asset_id__exact", "token__name")
    ordering = ("-run__created_at", "pk")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="Decided by")
    def decided_by(self, change: DryRunChange) -> SafeString:
        return checks_of(change)


def checks_of(change: DryRunChange) -> SafeString:
    """Return the checks that a change of status turns on, a line each."""
    return format_html_join(
        "",
        "<div><code>{}</code> {}: {} → {}</div>",
        (
            (
                check["key"],
                check["viaTag"] or check["jurisdiction"],
                check["before"] or "no such check",
                check["after"] or "no such check",
            )
            for check in change.checks[:10]
        ),
    )


def _changes_url(run: DryRun, move: dict[str, str]) -> str:
    url = reverse("admin:jurisdictions_dryrunchange_changelist")
    narrowed = "".join(f"&{name}__exact={move[name]}" for name in ("before", "after") if move)
    return f"{url}?run__id__exact={run.pk}{narrowed}"
