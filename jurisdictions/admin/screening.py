"""Screening lists in the admin: a list, its day, and its jurisdictions one to a line."""

from datetime import date
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.admin_roles import ServiceModelAdmin, actor_of
from accounts.models import User
from jurisdictions.forms import SeenVersionForm
from jurisdictions.models import ScreeningList
from jurisdictions.plain_fields import LinesField
from jurisdictions.services.screening import (
    ListEntry,
    ScreeningListContent,
    list_entries,
    screening_list_create,
    screening_list_update,
)

CONTENT = tuple(ScreeningListContent.__annotations__)


class ScreeningListForm(SeenVersionForm):
    """A list; an entry is a line of code, what it asks for, and since when."""

    sources = LinesField(empty_list=[], help_text="Where it was read, one to a line.")
    entries = LinesField(
        empty_list=[],
        rows=12,
        label="Jurisdictions",
        help_text="One to a line: the code, and, where known, what the list asks for and the day "
        "since when, with semicolons between them: KP; countermeasures; 2020-02-21.",
    )

    class Meta:
        model = ScreeningList
        fields = ("list_id", "title", "as_of", "max_age_days", "sources")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["entries"] = [_line(one) for one in list_entries(self.instance)]

    def clean_entries(self) -> list[ListEntry]:
        return [_entry(line) for line in self.cleaned_data["entries"]]


@admin.register(ScreeningList)
class ScreeningListAdmin(ServiceModelAdmin):
    """Screening lists: readers see them, administrators add and change them."""

    form = ScreeningListForm
    list_display = ("list_id", "title", "as_of", "max_age_days", "jurisdictions", "edited_by")
    search_fields = ("list_id", "title", "entries__code")
    ordering = ("list_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScreeningList]:
        rows = ScreeningList.objects.annotate(count=Count("entries", distinct=True))
        return rows.order_by(*self.ordering)

    @admin.display(ordering="count")
    def jurisdictions(self, row: ScreeningList) -> int:
        return int(getattr(row, "count", 0))

    @admin.display(description="Jurisdictions")
    def lines(self, row: ScreeningList) -> str:
        return "\n".join(_line(one) for one in list_entries(row))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return isinstance(request.user, User) and request.user.is_administrator

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        content = ("list_id", "title", "as_of", "max_age_days", "sources")
        if obj is None:
            return (*content, "entries")
        if not self.has_change_permission(request, obj):
            return (*content, "lines", "edited_by", "edited_at")
        return (*content, "entries", "edited_by", "edited_at", "seen_version")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("list_id", "lines", "edited_by", "edited_at")

    def save_model(self, request: HttpRequest, obj: ScreeningList, form: Any, change: bool) -> None:
        written = form.changed_data if change else CONTENT
        content = cast(
            ScreeningListContent,
            {name: form.cleaned_data[name] for name in written if name in CONTENT},
        )
        if change:
            screening_list_update(
                actor=actor_of(request),
                screening_list=obj,
                lock_version=form.cleaned_data["seen_version"],
                **content,
            )
        else:
            row = screening_list_create(actor=actor_of(request), list_id=obj.list_id, **content)
            obj.pk = row.pk


def _line(entry: ListEntry) -> str:
    since = entry.get("since")
    parts = [entry["code"], entry.get("measure", ""), since.isoformat() if since else ""]
    return "; ".join(parts).rstrip("; ")


def _entry(line: str) -> ListEntry:
    code, measure, since, *more = [part.strip() for part in (*line.split(";"), "", "")][:4]
    if any(more) or line.count(";") > 2:
        raise forms.ValidationError(f"More than a code, a measure and a day: {line[:60]}")
    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise forms.ValidationError(f"No day such as 2020-02-21: {since[:60]}") from None
    return {"code": code.upper(), "measure": measure, "since": day}
