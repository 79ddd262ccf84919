"""Values of facts and rules as people type them, and back: text, number, date, true or false."""

import json
import math
import re
from datetime import date

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")
# What JSON readers keep exactly.
_MAX = 2**53 - 1


def text_of(value: object) -> str:
    """Return how a value is shown in a text box; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def number_of(text: str) -> int | float:
    """Return the number that a text says, whole where it says a whole one. Raises ValueError."""
    typed = text.strip()
    if not _NUMBER.fullmatch(typed):
        raise ValueError(f"Write a number such as 12 or 0.5, not {text[:40]}.")
    number = float(typed) if re.search(r"[.eE]", typed) else int(typed)
    if not math.isfinite(number) or abs(number) > _MAX:
        raise ValueError(f"The number is too large: at most {_MAX} either side of zero.")
    return number


def value_of(text: str, fact_type: str) -> str | bool | int | float:
    """Return the value that a text says for a type of fact. Raises ValueError in plain words."""
    if fact_type == "boolean":
        if text.strip().casefold() not in _TRUTHS:
            raise ValueError(f"Write true or false, not {text[:40]}.")
        return _TRUTHS[text.strip().casefold()]
    if fact_type in ("integer", "number"):
        return number_of(text)
    if fact_type == "date":
        try:
            return date.fromisoformat(text.strip()).isoformat()
        except ValueError:
            raise ValueError(f"Write a date such as 2026-11-22, not {text[:40]}.") from None
    if "\x00" in text:
        raise ValueError("Null characters are not allowed.")
    return text.strip()
