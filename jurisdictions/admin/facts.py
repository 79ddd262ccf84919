"""Recorded facts in the admin: chosen in one step, given by a field of their type in the next."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin_roles import ModelForm, ServiceModelAdmin, actor_of
from accounts.models import Issuer, Token
from jurisdictions.catalogue import FactDefinition
from jurisdictions.facts import home_of
from jurisdictions.models import FactValue
from jurisdictions.record_forms import ChooseFactForm, FactForm
from jurisdictions.selectors import fact_catalogue
from jurisdictions.services.facts import facts_record, issuer_facts_record


class CurrentFilter(admin.SimpleListFilter):
    """Shows what holds now, unless the history is asked for."""

    title = "time"
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "What holds now"), ("past", "What held before")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "now":
            return queryset.filter(newer=False, value__isnull=False)
        return queryset.filter(newer=True) if self.value() == "past" else queryset


@admin.register(FactValue)
class FactValueAdmin(ServiceModelAdmin):
    """Facts: readers see them and their history, officers record new values."""

    list_display = ("path", "subject", "shown_value", "holds", "recorded_by", "recorded_at")
    list_filter = (CurrentFilter, "path")
    list_select_related = ("token", "issuer")
    search_fields = ("path", "token__asset_id__exact", "issuer__legal_name")
    search_help_text = "Fact, whole asset id, or name of an issuer."
    ordering = ("-pk",)
    autocomplete_fields = ("token", "issuer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FactValue]:
        same_subject = Q(token=OuterRef("token")) | Q(issuer=OuterRef("issuer"))
        newer = FactValue.objects.filter(same_subject, path=OuterRef("path"), pk__gt=OuterRef("pk"))
        rows = FactValue.objects.visible_to(actor_of(request)).annotate(newer=Exists(newer))
        return rows.order_by(*self.ordering)

    @admin.display(description="Of")
    def subject(self, fact: FactValue) -> str:
        return str(fact.token or fact.issuer)

    @admin.display(description="Value")
    def shown_value(self, fact: FactValue) -> str:
        if fact.value is None:
            return "(withdrawn)"
        return fact.value if isinstance(fact.value, str) else json.dumps(fact.value)

    @admin.display(description="Holds", boolean=True)
    def holds(self, fact: FactValue) -> bool:
        return not getattr(fact, "newer", False) and fact.value is not None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return ("path", "subject", "shown_value", "holds", "recorded_by", "recorded_at")
        return ("path", "token", "issuer") if _chosen(request) is None else ("value", "withdraw")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        definition = _chosen(request)
        if obj is None and definition is None:
            kwargs["form"] = ChooseFactForm
        elif obj is None:
            kwargs["form"] = type("FactForm", (FactForm,), {"definition": definition})
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # The parameters are the choice of the first step, or nothing that a form could show.
        return {}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        definition = _chosen(request)
        if definition is None and request.method == "POST" and self.has_add_permission(request):
            form = self.get_form(request)(request.POST)
            if isinstance(form, ChooseFactForm) and form.is_valid():
                return HttpResponseRedirect(f"{request.path}?{urlencode(form.chosen())}")
        title = "Record a fact: which one?"
        if definition is not None:
            title = f"{definition.path} of {_subject(request)}"
        context = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(
            request, form_url, {**context, "title": title, **(extra_context or {})}
        )

    def save_model(self, request: HttpRequest, obj: FactValue, form: Any, change: bool) -> None:
        subject = _subject(request)
        path = form.definition.path
        facts = {path: form.stored()}
        rows = FactValue.objects.filter(path=path)
        if isinstance(subject, Token):
            facts_record(
                actor=actor_of(request),
                asset_id=subject.asset_id,
                network=subject.network,
                facts=facts,
            )
            rows = rows.filter(token=subject)
        elif subject is not None:
            issuer_facts_record(actor=actor_of(request), issuer_id=subject.pk, facts=facts)
            rows = rows.filter(issuer=subject)
        # What is the same as before makes no new row: the one that holds is shown.
        last = rows.order_by("-pk").first()
        if last is not None:
            obj.pk, obj.path, obj.token, obj.issuer = last.pk, path, last.token, last.issuer


def _chosen(request: HttpRequest) -> FactDefinition | None:
    """Return the fact that the first step chose, where its subject is there too."""
    path = request.GET.get("path", "")
    if home_of(path) is not None or _subject(request) is None:
        return None
    return fact_catalogue().get(path)


def _subject(request: HttpRequest) -> Token | Issuer | None:
    token, issuer = request.GET.get("token", ""), request.GET.get("issuer", "")
    if token.isascii() and token.isdigit() and len(token) < 19:
        return Token.objects.filter(pk=int(token)).first()
    try:
        return Issuer.objects.filter(pk=UUID(issuer)).first()
    except ValueError:
        return None
