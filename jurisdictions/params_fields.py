"""The form fields of a check's params: each takes and gives the JSON value, None for none."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.datastructures import MultiValueDict

from jurisdictions.engine.values import as_day
from jurisdictions.typed_text import number_of, text_of, value_of

NOTHING = [("", "---------")]
NOW = "now"
_NO_NUL = ProhibitNullCharactersValidator()
_EMPTY_ROWS = 2


class WordField(forms.ChoiceField):
    """One of some words; a word that is no choice any more stays one for what is there."""

    def __init__(self, *, words: Sequence[str] = (), **kwargs: Any) -> None:
        choices = [*NOTHING, *((word, spaced(word)) for word in words)]
        super().__init__(choices=choices, **kwargs)

    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class YesNoField(WordField):
    """Yes, no, or not said."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(words=("yes", "no"), **kwargs)

    def clean(self, value: Any) -> Any:
        return {"yes": True, "no": False}.get(super().clean(value) or "")

    def prepare_value(self, value: Any) -> Any:
        return ("yes" if value else "no") if isinstance(value, bool) else value


class NumberField(forms.CharField):
    """A number, whole or not, within the bounds of a JSON Schema."""

    def __init__(self, *, schema: Mapping[str, Any], **kwargs: Any) -> None:
        self.schema = schema
        attrs = {"inputmode": "decimal", "size": 12}
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        number = _or_refuse(lambda: number_of(text))
        if problem := _out_of_bounds(number, self.schema):
            raise ValidationError(problem)
        return int(number) if self.schema.get("type") == "integer" else number

    def prepare_value(self, value: Any) -> Any:
        return None if value is None else text_of(value)


class ManyField(forms.MultipleChoiceField):
    """Some of a few words, as boxes to tick."""

    def __init__(self, *, words: Sequence[str], **kwargs: Any) -> None:
        choices = [(word, spaced(word)) for word in words]
        super().__init__(choices=choices, widget=forms.CheckboxSelectMultiple, **kwargs)

    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class TextField(forms.CharField):
    """A text, kept as typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return text.replace("\r\n", "\n") if text.strip() else None


class TextsField(TextField):
    """A list of texts, one to a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "cols": 50}), **kwargs)

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().clean(value) or "").split("\n")]
        return [line for line in lines if line] or None

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(text_of, value)) if isinstance(value, list) else value


class DateBoundField(forms.MultiValueField):
    """A bound for a date: the day of the evaluation, another fact, or a fixed day."""

    def __init__(self, **kwargs: Any) -> None:
        fields = (WordField(required=False), forms.DateField(required=False))
        widget = _BoundWidget((forms.Select(), AdminDateWidget()))
        super().__init__(fields, widget=widget, require_all_fields=False, **kwargs)

    def offer(self, facts: list[Any]) -> None:
        """Set the facts that can be chosen."""
        field = self.fields[0]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*NOTHING, (NOW, "the day of the evaluation"), *facts]
            self.widget.widgets[0].choices = field.choices

    def compress(self, data_list: Any) -> Any:
        word, day = (*(data_list or ()), None, None)[:2]
        if word and day:
            raise ValidationError("Choose a fact or write a day, not both.")
        return word or (day.isoformat() if day else None)


class _BoundWidget(forms.MultiWidget):
    template_name = "jurisdictions/bound.html"

    def decompress(self, value: Any) -> list[Any]:
        is_day = isinstance(value, str) and as_day(value) is not None
        return [None, value] if is_day else [value, None]


class RowsField(forms.Field):
    """A list of rows of the same columns, each a field; `build` makes the value of the rows."""

    def __init__(
        self,
        *,
        columns: Mapping[str, forms.Field],
        build: Callable[[list[list[Any]]], Any],
        rows: Callable[[Any], list[list[Any]]],
        **kwargs: Any,
    ) -> None:
        self.columns, self.build, self.rows = columns, build, rows
        super().__init__(widget=RowsWidget(self), **kwargs)

    def __deepcopy__(self, memo: Any) -> "RowsField":
        copy: RowsField = super().__deepcopy__(memo)
        copy.columns = {name: field.__deepcopy__(memo) for name, field in self.columns.items()}
        copy.widget = RowsWidget(copy)
        return copy

    def clean(self, value: Any) -> Any:
        cleaned, problems = [], []
        for number, cells in enumerate(value or [], start=1):
            if not any(str(cell or "").strip() for cell in cells):
                continue
            row = []
            for (label, field), cell in zip(self.columns.items(), cells, strict=True):
                try:
                    row.append(field.clean(cell))
                    if row[-1] is None:
                        raise ValidationError("is missing.")
                except ValidationError as refusal:
                    problems += [f"Row {number}, {label.lower()}: {one}" for one in refusal]
            cleaned.append(row)
        if problems:
            raise ValidationError(problems)
        return _or_refuse(lambda: self.build(cleaned)) if cleaned else None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Posted):
            return value
        rows = [] if value is None else self.rows(value)
        fields = self.columns.values()
        return [
            [field.prepare_value(cell) for field, cell in zip(fields, row, strict=True)]
            for row in rows
        ]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data != self.prepare_value(initial))


class Posted(list[list[str]]):
    """Rows of texts as the browser sent them."""


class RowsWidget(forms.Widget):
    """Rows with the same names in each, and empty ones to fill in."""

    template_name = "jurisdictions/rows.html"

    def __init__(self, field: RowsField) -> None:
        self.field = field
        super().__init__()

    def __deepcopy__(self, memo: Any) -> "RowsWidget":
        return RowsWidget(self.field)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        get: Callable[[str], list[str]] = (
            data.getlist if isinstance(data, MultiValueDict) else lambda key: data.get(key, [])
        )
        columns = [get(f"{name}-{number}") for number in range(len(self.field.columns))]
        longest = max(map(len, columns))
        padded = [[*column, *[""] * (longest - len(column))] for column in columns]
        return Posted(list(row) for row in zip(*padded, strict=True))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-0" not in data

    def use_required_attribute(self, initial: Any) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        filled = [row for row in value or [] if any(str(cell or "").strip() for cell in row)]
        columns = self.field.columns
        empty = [[""] * len(columns) for _ in range(_EMPTY_ROWS)]
        context["widget"]["rows"] = [
            [
                (label, field.widget.render(f"{name}-{number}", cell, {"aria-label": label}))
                for number, ((label, field), cell) in enumerate(
                    zip(columns.items(), row, strict=True)
                )
            ]
            for row in [*filled, *empty]
        ]
        return context


class AttributeValueField(TextField):
    """One value, or several with | between them; true, false and numbers unless in quotes."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text is None:
            return None
        parts = [part.strip() for part in text.split("|")]
        values = [_scalar(part) for part in parts if part]
        if len(parts) == 1:
            return values[0]
        return values or None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            texts = [_scalar_text(one) for one in value]
            return " | ".join(texts) + (" |" if len(texts) == 1 else "")
        return None if value is None else _scalar_text(value)


def _scalar(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    for kind in ("boolean", "number"):
        try:
            return value_of(text, kind)
        except ValueError:
            continue
    return text


def _scalar_text(value: Any) -> str:
    text = text_of(value)
    plain = not isinstance(value, str) or (_scalar(text) == text and text == text.strip())
    return text if plain else f'"{text}"'


def spaced(word: str) -> str:
    """Return a word of the rules for reading: working_days is `working days`."""
    return word.replace("_", " ")


def _out_of_bounds(number: float, schema: Mapping[str, Any]) -> str | None:
    exact = Decimal(str(number))
    if schema.get("type") == "integer" and exact != exact.to_integral_value():
        return "Write a whole number."
    if "minimum" in schema and number < schema["minimum"]:
        return f"At least {schema['minimum']}."
    if "exclusiveMinimum" in schema and number <= schema["exclusiveMinimum"]:
        return f"More than {schema['exclusiveMinimum']}."
    if "maximum" in schema and number > schema["maximum"]:
        return f"At most {schema['maximum']}."
    return None


def _or_refuse(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ValueError as refusal:
        raise ValidationError(str(refusal)) from None
