"""Form fields for what is kept as JSON: as JSON, or as a list with one text to a line."""

import json
from typing import Any, ClassVar

from django import forms

from jurisdictions.validation import json_problem


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
