"""The forms of the admin: rules for people who are not programmers."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.forms.utils import ErrorDict
from django.utils.html import format_html

from accounts.admin_roles import ModelForm
from jurisdictions.condition_fields import ConditionField
from jurisdictions.engine import check_kind, check_kind_names
from jurisdictions.models import Jurisdiction, Requirement, RulePack
from jurisdictions.params_fields import NOTHING
from jurisdictions.params_form import (
    REQUIRED,
    declared_fields,
    initial_of,
    offer_facts,
    params_from,
    params_of_kind,
)
from jurisdictions.plain_fields import LinesField, PlainJSONField
from jurisdictions.selectors import fact_catalogue

REDISPLAY = "_redisplay"


class SeenVersionForm(ModelForm):
    """Carries the `lock_version` that was shown, so that a change made meanwhile is not lost."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.lock_version


class RuleEditorForm(SeenVersionForm):
    """A form that a button can show again, with more to fill in, before anything is saved."""

    class Media:
        css = {"all": ("jurisdictions/rule_editor.css",)}
        js = ("jurisdictions/rule_editor.js",)

    def is_valid(self) -> bool:
        return REDISPLAY not in self.data and super().is_valid()

    def full_clean(self) -> None:
        super().full_clean()
        if REDISPLAY in self.data:
            self._errors = ErrorDict()  # nobody asked yet whether it is right


class RulePackForm(RuleEditorForm):
    """A Draft without its requirements."""

    applies_when = ConditionField(label="Applies when", initial={"always": True})
    sources = PlainJSONField(
        help_text="A list of objects with id, title, citation, url and confidence (high, medium, "
        "low). Requirements name their source by its id.",
        initial=[{"id": "policy", "title": "Policy", "citation": "Policy", "confidence": "medium"}],
    )
    parameters = PlainJSONField(required=False, rows=3)
    retention = PlainJSONField(required=False, rows=4)
    regulators = LinesField(empty_list=None, help_text="One to a line.")
    notes = LinesField(empty_list=None, help_text="One to a line.")

    class Meta:
        model = RulePack
        fields = (
            "pack_id",
            "jurisdiction",
            "framework_id",
            "framework_name",
            "regulators",
            "effective_from",
            "effective_to",
            "as_of",
            "applies_when",
            "sources",
            "parameters",
            "retention",
            "notes",
            "disclaimer",
        )
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "disclaimer": forms.Textarea(attrs={"rows": 2})
        }


class RequirementForm(RuleEditorForm):
    """A requirement of a Draft, with fields for the params of every kind of check.

    Only those of the chosen kind count; the service checks all of it once more.
    """

    applies_when = ConditionField(label="Applies when", initial={"always": True})
    check_kind = forms.ChoiceField(
        label="Kind of check",
        help_text=format_html(
            '<button type="submit" name="{}" value="kind" class="show-kind" formnovalidate>'
            "Show the fields of this kind</button>",
            REDISPLAY,
        ),
    )

    class Meta:
        model = Requirement
        fields = (
            "pack",
            "key",
            "title",
            "description",
            "citation",
            "source",
            "basis",
            "category",
            "severity",
            "applies_when",
            "check_kind",
            "on_missing",
            "evidence",
            "control",
            "confidence",
            "remediation",
            "effective_from",
            "effective_to",
            "note",
        )
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "remediation": forms.Textarea(attrs={"rows": 2}),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind_before = self.instance.check_kind
        self.params_before = self.instance.params or {}
        field = self.fields.get("check_kind")
        if isinstance(field, forms.ChoiceField):
            choices = sorted(((one, kind_label(one)) for one in check_kind_names()), key=_label)
            field.choices = [("", "(choose what is checked, then show its fields)"), *choices]
        self._offer_sources()
        offer_facts(self.fields, fact_catalogue(), self.params_before)
        if not self.is_bound:
            self.initial.update(initial_of(self.kind_before, self.params_before))
            chosen = check_kind(str(self.initial.get("check_kind")))
            if chosen and self.instance._state.adding:
                self.initial.setdefault("on_missing", chosen.default_on_missing.value.lower())

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        kind = cleaned.get("check_kind")
        if not kind:
            return cleaned
        names = [param.name for param in params_of_kind(kind)]
        before = self.params_before if kind == self.kind_before else None
        params, problems = params_from(
            kind, {name: cleaned.get(name) for name in names}, fact_catalogue(), before
        )
        is_wrong = any(name in self.errors for name in names)
        for name, texts in problems.items():
            # Of params that could not all be read, nothing but what is missing can be said.
            if name not in self.errors and (texts == [REQUIRED] or not is_wrong):
                self.add_error(name, texts)
        if not is_wrong and not problems:
            cleaned["params"] = params
        return cleaned

    def _offer_sources(self) -> None:
        """Let the source be chosen of those that the pack has, where the pack is known."""
        chosen = str(self.data.get("pack") or self.initial.get("pack") or "")
        pack = self.instance.pack if self.instance.pack_id else _pack_of(chosen)
        if pack is None or "source" not in self.fields:
            return
        sources = {one["id"]: f"{one['id']}: {one['title']}" for one in pack.sources}
        kept = self.instance.source
        sources |= {} if kept in sources or not kept else {kept: kept}
        self.fields["source"].widget = forms.Select(choices=[*NOTHING, *sources.items()])

    @property
    def params_changed(self) -> bool:
        """Whether the params are others than were shown."""
        return bool(self.cleaned_data["params"] != self.params_before)


def kind_label(name: str) -> str:
    """Return what a kind of check is called in lists: what it is for, and its name."""
    kind = check_kind(name)
    purpose = "" if kind is None else kind.purpose
    return f"{purpose[:1].upper()}{purpose[1:]} ({name})"


def _label(choice: tuple[str, str]) -> str:
    return choice[1]


def _pack_of(chosen: str) -> RulePack | None:
    try:
        return RulePack.objects.filter(pk=UUID(chosen)).first()
    except ValueError:
        return None


# A class body cannot make fields in a loop; the factory of the admin takes them over from here.
RequirementForm.declared_fields.update(declared_fields())
RequirementForm.base_fields.update(declared_fields())


class JurisdictionForm(SeenVersionForm):
    """A jurisdiction."""

    members = LinesField(
        empty_list=[], help_text="The codes of the countries in it, one to a line; for a union."
    )
    aliases = LinesField(
        empty_list=[], help_text="Other spellings of it in a jurisdiction text, one to a line."
    )

    class Meta:
        model = Jurisdiction
        fields = ("code", "kind", "name", "members", "aliases", "note")
