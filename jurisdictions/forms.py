"""The forms of the admin: rules for people who are not programmers."""

import json
from typing import Any, ClassVar

from django import forms

from accounts.admin_roles import ModelForm
from jurisdictions.engine import check_kind, check_kind_names
from jurisdictions.models import Jurisdiction, Requirement, RulePack
from jurisdictions.validation import json_problem

CONDITION_HELP = (
    'Always: {"always": true}. One fact: {"fact": "metadata.assetType", "op": "eq", "value": '
    '"Security Token"} with eq, ne, in, not_in, exists, contains, gt, gte, lt or lte. Several: '
    '{"all": [...]}, {"any": [...]}; the opposite: {"not": ...}. The facts are listed under '
    "Fact definitions."
)


class PlainJSONField(forms.JSONField):
    """JSON as people read it: indented; what a database could not keep is refused with a reason."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "This is not JSON: check quotes, commas and brackets."
    }
    widget = forms.Textarea

    def __init__(self, *, rows: int = 8, **kwargs: Any) -> None:
        attrs = {"rows": rows, "cols": 90, "spellcheck": "false", "style": "font-family: monospace"}
        super().__init__(widget=forms.Textarea(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            parsed = super().to_python(value)
        except RecursionError:
            raise forms.ValidationError("It nests too deep.", code="invalid") from None
        if problem := json_problem(parsed):
            raise forms.ValidationError(problem, code="invalid")
        return parsed

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return forms.fields.InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str | forms.fields.InvalidJSONInput):
            return value
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


class LinesField(forms.CharField):
    """A list of texts, one to a line; where nothing is written, `empty_list`."""

    def __init__(self, *, empty_list: list[str] | None, rows: int = 3, **kwargs: Any) -> None:
        self.empty_list = empty_list
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines()]
        return [line for line in lines if line] or self.empty_list

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value or []))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or self.empty_list) != self.to_python(data))


class SeenVersionForm(ModelForm):
    """Carries the `lock_version` that was shown, so that a change made meanwhile is not lost."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.lock_version


class RulePackForm(SeenVersionForm):
    """A Draft without its requirements."""

    applies_when = PlainJSONField(
        label="Applies when", rows=4, initial={"always": True}, help_text=CONDITION_HELP
    )
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


class RequirementForm(SeenVersionForm):
    """A requirement of a Draft; the service checks the params against the kind of check."""

    applies_when = PlainJSONField(
        label="Applies when", rows=4, initial={"always": True}, help_text=CONDITION_HELP
    )
    check_kind = forms.ChoiceField(label="Kind of check")
    params = PlainJSONField(
        label="Parameters of the check",
        required=False,
        initial={},
        help_text="What each kind of check takes is listed below.",
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
            "params",
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
        field = self.fields.get("check_kind")
        if isinstance(field, forms.ChoiceField):
            kinds = ((name, check_kind(name)) for name in check_kind_names())
            field.choices = [(name, f"{name}: {kind.purpose}") for name, kind in kinds if kind]

    def clean_params(self) -> Any:
        params = self.cleaned_data["params"]
        return {} if params is None else params


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
