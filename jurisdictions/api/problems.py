"""What the services find wrong with rules, under the names that fields have on the wire."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from config.api.errors import ValidationFailed
from config.api.serializers import camel

_NAMES = {"framework_id": "regulatoryFramework", "jurisdiction": "jurisdictionCode"}
# The validation of a whole document tells by its path where the problem lies.
_PATH = re.compile(r"(?:requirements\[\d+\]\.)?([A-Za-z.]+)[^:]*: ")
_PATHS = {
    "framework.id": "regulatoryFramework",
    "framework.name": "frameworkName",
    "framework.regulators": "regulators",
    "check.kind": "checkKind",
    "check.params": "params",
}


@contextmanager
def wire_problems(fields: frozenset[str]) -> Iterator[None]:
    """Raise what a service finds wrong as `ValidationFailed`, by the `fields` of the request."""
    try:
        yield
    except ValidationError as refusal:
        details: dict[str, list[str]] = {}
        found = refusal.message_dict if hasattr(refusal, "error_dict") else {"": refusal.messages}
        for name, texts in found.items():
            for text in texts:
                wire, shown = _placed(name, text, fields)
                details.setdefault(wire, []).append(shown)
        name, texts = next(iter(details.items()))
        message = texts[0] if name == "request" else f"{name}: {texts[0]}"
        # A problem quotes what was sent.
        recordable = f"The request is not valid: {', '.join(sorted(details))}"
        raise ValidationFailed(message, details=details, recordable=recordable) from refusal


def _placed(name: str, text: str, fields: frozenset[str]) -> tuple[str, str]:
    """Return the field that a problem belongs to, and its text."""
    if name not in ("", NON_FIELD_ERRORS):
        wire = _NAMES.get(name, camel(name))
        return (wire, text) if wire in fields else ("request", f"{wire}: {text}")
    path = _PATH.match(text)
    if path is None:
        return "request", text
    wire = _PATHS.get(path[1], path[1].partition(".")[0])
    return (wire, text) if wire in fields else ("request", text)
