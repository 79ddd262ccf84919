"""The form of a fact's definition."""

from typing import Any, ClassVar

from django import forms

from accounts.admin_roles import ModelForm
from jurisdictions.models import FactDefinition
from jurisdictions.plain_fields import LinesField
from jurisdictions.services.catalogue import fact_digest
from jurisdictions.typed_text import text_of, value_of


class AssumptionField(forms.CharField):
    """A value as people type it; the form reads it by the type of the fact."""

    def prepare_value(self, value: Any) -> Any:
        return None if value is None else text_of(value)


class FactDefinitionForm(ModelForm):
    """A fact that rules may ask for."""

    enum = LinesField(
        label="Values",
        empty_list=None,
        rows=6,
        help_text="One to a line; for a fact that is one of its choices, or a list of some.",
    )
    assume_when_missing = AssumptionField(
        label="Assumed when missing",
        required=False,
        max_length=2000,
        help_text="What rules take it to be where nobody recorded it: true or false, a number, a "
        "date or a text, as its type is. Empty: nothing is assumed, the fact is unknown. A change "
        "can change the status of every token.",
    )
    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = FactDefinition
        fields = ("path", "type", "enum", "assume_when_missing", "origin", "description")
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "description": forms.Textarea(attrs={"rows": 3})
        }
        help_texts: ClassVar[dict[str, str]] = {
            "path": "How rules name it, such as token.holderCount or issuer.website. Facts of the "
            "issuer begin with issuer. It cannot change once rules or recorded values use it.",
            "type": "It cannot change once rules or recorded values use it.",
            "origin": "Where it comes from, such as a law or a document.",
            "description": "What it means, for those who record it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = fact_digest(self.instance)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        text, fact_type = cleaned.get("assume_when_missing"), cleaned.get("type")
        if text is None or not fact_type:
            return cleaned
        cleaned["assume_when_missing"] = None
        if text:
            try:
                cleaned["assume_when_missing"] = value_of(text, fact_type)
            except ValueError as refusal:
                self.add_error("assume_when_missing", str(refusal))
        return cleaned

    def _post_clean(self) -> None:
        """The service makes the row, and checks it."""
