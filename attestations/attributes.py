"""The attributes of an attestation: a flat map that rules may compare with."""

import re
from collections.abc import Mapping

Attributes = Mapping[str, str | int | bool]

MAX_ENTRIES = 50
MAX_TEXT = 1_000
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}\Z")
_SAFE_INTEGER = 2**53 - 1


def attributes_problem(value: object) -> str | None:
    """A sentence that says why `value` is no map of attributes, or None where it is one.

    A key is an ASCII name of at most 100 characters; a value is text of at most 1,000 characters,
    a whole number between -(2^53 - 1) and 2^53 - 1, or a boolean: what a report can repeat byte
    for byte in its canonical form.
    """
    if not isinstance(value, Mapping):
        return "Must be an object that maps names to text, whole numbers or booleans."
    if len(value) > MAX_ENTRIES:
        return f"Must have at most {MAX_ENTRIES} entries."
    for key, inner in value.items():
        if not isinstance(key, str) or _KEY.match(key) is None:
            return (
                "A name has 1 to 100 characters, starts with a letter, and goes on with letters, "
                "digits, dots, hyphens or underscores."
            )
        if problem := _value_problem(inner):
            return problem
    return None


def _value_problem(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if len(value) > MAX_TEXT or "\0" in value:
            return f"A text has at most {MAX_TEXT:,} characters and no null characters."
        return None
    if isinstance(value, int):
        return None if abs(value) <= _SAFE_INTEGER else "A whole number must be below 2^53."
    return "A value is text, a whole number or a boolean; write a number with a fraction as text."
