"""The forms of tags, facts and waivers in the admin; the words come from the catalogue."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget

from accounts.admin_roles import ModelForm
from jurisdictions.catalogue import FactDefinition
from jurisdictions.choices import PackStatus
from jurisdictions.facts import is_about_issuer, recordable
from jurisdictions.forms import SeenVersionForm
from jurisdictions.models import (
    FactValue,
    IssuerJurisdiction,
    Requirement,
    TokenJurisdiction,
    Waiver,
)
from jurisdictions.plain_fields import LinesField
from jurisdictions.selectors import fact_catalogue, jurisdiction_directory
from jurisdictions.services.tags import TAG_FACTS

_NOTHING = [("", "---------")]
APPROVE, REVOKE = "approve", "revoke"


class TagForm(SeenVersionForm):
    """An explicit tag: the jurisdiction out of the directory, the rest out of the catalogue."""

    jurisdiction_code = forms.ChoiceField(label="Jurisdiction")
    roles = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Why it is tagged: where it is offered, traded, or where people live.",
    )
    classification = forms.ChoiceField(
        required=False, help_text="What it legally is in this jurisdiction."
    )
    offering_kind = forms.ChoiceField(
        required=False, help_text="How it reaches investors in this jurisdiction."
    )
    exemption = forms.ChoiceField(
        required=False, help_text="The exemption relied on there; NONE is an answer too."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, path in TAG_FACTS.items():
            field = self.fields.get(name)
            definition = fact_catalogue().get(path)
            if isinstance(field, forms.ChoiceField):
                words = [(word, word) for word in (definition.enum or ())] if definition else []
                field.choices = words if name == "roles" else [*_NOTHING, *words]
        if not self.instance._state.adding:
            del self.fields["jurisdiction_code"]  # what is tagged stays as it is
        field = self.fields.get("jurisdiction_code")
        if isinstance(field, forms.ChoiceField):
            entries = jurisdiction_directory().entries.values()
            field.choices = [
                *_NOTHING,
                *((one.code, f"{one.code} {one.name}") for one in entries),
            ]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        code, subject = cleaned.get("jurisdiction_code"), self.subject(cleaned)
        rows = type(self.instance)._default_manager
        if code and subject and rows.filter(**subject, code=code).exists():
            self.add_error("jurisdiction_code", "There is such a tag already; change that one.")
        return cleaned

    def subject(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Return what is tagged, where it was chosen."""
        names = [name for name in ("token", "issuer") if cleaned.get(name)]
        return {name: cleaned[name] for name in names}


class TokenTagForm(TagForm):
    """A tag of a token."""

    class Meta:
        model = TokenJurisdiction
        fields = (
            "token",
            "roles",
            "classification",
            "offering_kind",
            "exemption",
            "is_primary",
            "note",
        )
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}


class IssuerTagForm(TagForm):
    """A tag of an issuer."""

    class Meta:
        model = IssuerJurisdiction
        fields = ("issuer", "roles", "classification", "offering_kind", "exemption", "note")
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}


class ChooseFactForm(ModelForm):
    """The first step of recording a fact: which fact, and of whom."""

    path = forms.ChoiceField(label="Fact")

    class Meta:
        model = FactValue
        fields = ("path", "token", "issuer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("path")
        if isinstance(field, forms.ChoiceField):
            field.choices = [*_NOTHING, *_grouped(recordable(fact_catalogue()))]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        path = cleaned.get("path")
        if path:
            wanted, other = ("issuer", "token") if is_about_issuer(path) else ("token", "issuer")
            if not cleaned.get(wanted):
                self.add_error(wanted, f"This is a fact of {_WITH_ARTICLE[wanted]}: choose it.")
            if cleaned.get(other):
                self.add_error(other, f"This is a fact of {_WITH_ARTICLE[wanted]}: leave it empty.")
        return cleaned

    def chosen(self) -> dict[str, str]:
        """Return the choice as the parameters of the second step."""
        subject = {name: self.cleaned_data.get(name) for name in ("token", "issuer")}
        ids = {name: str(one.pk) for name, one in subject.items() if one is not None}
        return {"path": self.cleaned_data["path"], **ids}


_WITH_ARTICLE = {"token": "a token", "issuer": "an issuer"}


class FactForm(ModelForm):
    """The second step of recording a fact: its value, by a field of the fact's type."""

    definition: FactDefinition
    value = forms.CharField()
    withdraw = forms.BooleanField(
        required=False, help_text="Nobody knows it any more; what was recorded stays in history."
    )

    class Meta:
        model = FactValue
        fields = ("value",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"] = value_field(self.definition)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        given = cleaned.get("value") not in (None, "", [])
        if "value" not in self.errors and given == bool(cleaned.get("withdraw")):
            self.add_error("value", "Give a value, or withdraw the fact.")
        return cleaned

    def _post_clean(self) -> None:
        """The service makes the row; the model has nothing to check here."""

    def stored(self) -> Any:
        """Return the value as the service takes it; None where the fact is withdrawn."""
        value = self.cleaned_data["value"]
        if self.cleaned_data["withdraw"]:
            return None
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        return value


def value_field(definition: FactDefinition) -> forms.Field:
    """Return the form field for a fact's type."""
    common: dict[str, Any] = {
        "label": definition.path,
        "required": False,
        "help_text": definition.description,
    }
    words = [(word, word) for word in definition.enum or ()]
    if definition.type == "list":
        if words:
            widget = forms.CheckboxSelectMultiple
            return forms.MultipleChoiceField(choices=words, widget=widget, **common)
        return LinesField(empty_list=[], label=definition.path, help_text="One to a line.")
    if words:
        return forms.ChoiceField(choices=[*_NOTHING, *words], **common)
    if definition.type == "boolean":
        return forms.TypedChoiceField(
            choices=[*_NOTHING, ("yes", "Yes"), ("no", "No")],
            coerce=lambda word: word == "yes",
            empty_value=None,
            **common,
        )
    if definition.type == "date":
        return forms.DateField(widget=AdminDateWidget, **common)
    if definition.type == "integer":
        return forms.IntegerField(**common)
    if definition.type == "number":
        return forms.DecimalField(max_digits=20, **common)
    return forms.CharField(max_length=2000, **common)


def _grouped(definitions: list[FactDefinition]) -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in definitions:
        label = f"{one.path}: {one.description}" if one.description else one.path
        groups.setdefault(one.path.partition(".")[0], []).append((one.path, label))
    return list(groups.items())


class WaiverRequestForm(ModelForm):
    """Ask for a waiver; another person approves it."""

    requirement_key = forms.ChoiceField(label="Requirement")

    class Meta:
        model = Waiver
        fields = (
            "token",
            "requirement_key",
            "type",
            "reason",
            "evidence_reference",
            "expires_at",
            "pack_id",
            "version_from",
            "version_to",
        )
        widgets = {"reason": forms.Textarea(attrs={"rows": 4})}
        help_texts = {
            "type": "Required where the requirement rests on law.",
            "pack_id": "Only where the waiver is to hold in one rule pack.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("requirement_key")
        if isinstance(field, forms.ChoiceField):
            rows = Requirement.objects.filter(pack__status=PackStatus.ACTIVE).order_by("key", "pk")
            titles = {row.key: f"{row.key}: {row.title} ({row.basis})" for row in rows}
            field.choices = [*_NOTHING, *titles.items()]


class WaiverDecisionForm(SeenVersionForm):
    """What to do about a waiver that is there."""

    decision = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        choices=[(APPROVE, "Approve: it takes effect"), (REVOKE, "Revoke: it ends now")],
        help_text="Somebody else than who requested it must approve it.",
    )
    decision_reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why it is revoked.",
    )

    class Meta:
        model = Waiver
        fields = ()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == REVOKE and not cleaned.get("decision_reason", "").strip():
            self.add_error("decision_reason", "Say why it is revoked.")
        return cleaned
