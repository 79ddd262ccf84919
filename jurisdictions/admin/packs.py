"""Rule packs in the admin: a list of versions, a Draft's form, and buttons for every step."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin_roles import ReadOnlyInline, ServiceModelAdmin, actor_of
from config.api.errors import DomainError
from jurisdictions.admin.history import compared, pack_events, pack_versions
from jurisdictions.admin.steps import STEPS, Given, Step
from jurisdictions.choices import PackStatus
from jurisdictions.difference import PackDifference, pack_difference
from jurisdictions.forms import RulePackForm
from jurisdictions.models import DryRunReport, Requirement, RulePack
from jurisdictions.selectors import pack_value
from jurisdictions.services.approvals import approval_problem
from jurisdictions.services.drafts import PackContent, pack_create, pack_update
from jurisdictions.validation import condition_sentence

CONTENT = tuple(PackContent.__annotations__)
_WRITTEN = (
    "created_by",
    "created_at",
    "submitted_by",
    "submitted_at",
    "activated_by",
    "activated_at",
)


class RequirementInline(ReadOnlyInline):
    """The requirements of a version; the key opens the form of one."""

    model = Requirement
    fields = ("opened", "title", "severity", "check_kind", "applies", "citation")
    readonly_fields = fields
    ordering = ("position", "pk")

    @admin.display(description="Key")
    def opened(self, requirement: Requirement) -> SafeString:
        page = reverse("admin:jurisdictions_requirement_change", args=[requirement.pk])
        return format_html('<a href="{}">{}</a>', page, requirement.key)

    @admin.display(description="Applies when")
    def applies(self, requirement: Requirement) -> str:
        return condition_sentence(requirement.applies_when)


@admin.register(RulePack)
class RulePackAdmin(ServiceModelAdmin):
    """Rule packs: readers see every version, officers edit Drafts and take steps."""

    form = RulePackForm
    inlines = (RequirementInline,)
    change_form_template = "admin/jurisdictions/rulepack/change_form.html"
    list_display = (
        "pack_id",
        "version",
        "status",
        "jurisdiction_code",
        "framework_name",
        "requirement_count",
        "effective_from",
        "effective_to",
        "origin",
    )
    list_filter = (
        "status",
        ("jurisdiction", admin.RelatedOnlyFieldListFilter),
        "framework_id",
        "origin",
    )
    search_fields = ("pack_id", "framework_name", "requirements__key", "requirements__title")
    ordering = ("pack_id", "-created_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RulePack]:
        rows = RulePack.objects.visible_to(actor_of(request))
        return rows.annotate(count=Count("requirements", distinct=True)).order_by(*self.ordering)

    @admin.display(description="Jurisdiction", ordering="jurisdiction")
    def jurisdiction_code(self, pack: RulePack) -> str:
        return pack.jurisdiction_id

    @admin.display(description="Requirements", ordering="count")
    def requirement_count(self, pack: RulePack) -> int:
        return int(getattr(pack, "count", 0))

    @admin.display(description="Applies when, in words")
    def condition(self, pack: RulePack) -> str:
        return condition_sentence(pack.applies_when)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_draft)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("pack_id", "jurisdiction", *CONTENT)
        shown = ("pack_id", "version", "status", "origin", "jurisdiction")
        if self.has_change_permission(request, obj):  # the editor says the condition in words
            return (*shown, *CONTENT, *_WRITTEN, "seen_version")
        words = ("condition" if field == "applies_when" else field for field in CONTENT)
        return (*shown, *words, *_WRITTEN)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        shown = ("pack_id", "version", "status", "origin", "jurisdiction")
        return (*shown, "condition", *_WRITTEN)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else self.inlines

    def save_model(self, request: HttpRequest, obj: RulePack, form: Any, change: bool) -> None:
        written = form.changed_data if change else CONTENT
        content = cast(
            PackContent, {name: form.cleaned_data[name] for name in written if name in CONTENT}
        )
        if change:
            pack_update(
                actor=actor_of(request),
                pack=obj,
                lock_version=form.cleaned_data["seen_version"],
                **content,
            )
        else:
            row = pack_create(
                actor=actor_of(request),
                pack_id=obj.pack_id,
                jurisdiction=obj.jurisdiction,
                **content,
            )
            obj.pk, obj.version = row.pk, row.version

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            actor = actor_of(request)
            context["steps"] = [step for step in STEPS.values() if step.offered(actor, obj)]
            context["may_add_requirement"] = self.has_change_permission(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show every version of the pack, what differs between two, and what was done to them."""
        pack = self.get_object(request, object_id)
        if pack is None:
            raise Http404
        if not self.has_view_permission(request, pack):
            raise PermissionDenied
        versions = pack_versions(pack)
        before, after, difference = compared(versions, pack, request.GET.dict())
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {pack.pack_id}",
            "opts": self.opts,
            "pack": pack,
            "versions": versions,
            "before": before,
            "after": after,
            "difference": difference,
            "events": pack_events(versions),
        }
        return TemplateResponse(request, "admin/jurisdictions/rulepack/history.html", context)

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/step/<slug:name>/",
            self.admin_site.admin_view(self.step_view),
            name="jurisdictions_rulepack_step",
        )
        return [own, *super().get_urls()]

    def step_view(self, request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
        """Show what a step will do; take it on POST, with a message where it is refused."""
        if not self.has_view_permission(request) or not actor_of(request).is_officer:
            raise PermissionDenied
        pack = get_object_or_404(RulePack, pk=pk)
        step = STEPS.get(name)
        if step is None:
            raise Http404
        if request.method != "POST":
            return self._step_page(request, pack, step)
        seen = request.POST.get("seen_version", "")
        given = Given(
            seen=int(seen) if seen.isdecimal() else None,
            reason=request.POST.get("reason", "").replace("\x00", ""),
            report=request.POST.get("report", "").replace("\x00", "")[:64] or None,
        )
        try:
            row = step.take(actor_of(request), pack, given)
        except (DomainError, ValidationError) as refusal:
            for text in _reasons(refusal):
                self.message_user(request, text, messages.ERROR)
            return self._step_page(request, pack, step)
        self.message_user(request, f"{row} {step.done}", messages.SUCCESS)
        page = f"admin:jurisdictions_{row._meta.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[row.pk]))

    def _step_page(self, request: HttpRequest, pack: RulePack, step: Step) -> HttpResponse:
        pack.refresh_from_db()
        active = (
            RulePack.objects.filter(pack_id=pack.pack_id, status=PackStatus.ACTIVE)
            .exclude(pk=pack.pk)
            .first()
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"{step.label}: {pack}",
            "opts": self.opts,
            "pack": pack,
            "step": step,
            "reason": request.POST.get("reason", ""),
            "active": active if step.compares else None,
            "difference": _difference(active, pack) if step.compares else None,
            **(_approval(pack) if step.asks_report else {}),
        }
        return TemplateResponse(request, "admin/jurisdictions/rulepack/step.html", context)


def _approval(pack: RulePack) -> dict[str, Any]:
    """What the page says of the dry run that is to be approved: the newest one that finished."""
    reports = DryRunReport.objects.filter(pack=pack).select_related("run__pack")
    report = reports.order_by("-created_at").first()
    return {
        "report": report,
        "report_problem": approval_problem(pack, report) if report else None,
    }


def _difference(active: RulePack | None, pack: RulePack) -> PackDifference | None:
    return None if active is None else pack_difference(pack_value(active), pack_value(pack))


def _reasons(refusal: DomainError | ValidationError) -> list[str | SafeString]:
    if isinstance(refusal, ValidationError):
        return list(refusal.messages)
    return [text for texts in refusal.details.values() for text in texts] or [refusal.message]
