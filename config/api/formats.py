"""Text forms of the wire: UTC times, enum names."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def looks_like_moment(text: str) -> bool:
    """Return whether `text` has the form of a date or a time in extended ISO 8601.

    The standard library alone reads far more as one: any run of digits, week numbers, a NUL.
    """
    return _MOMENT.fullmatch(text) is not None


def utc_text(moment: datetime) -> str:
    """Return `moment` (aware) as ISO 8601 in UTC ending in `Z`; a fraction only if it has one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


_AMOUNT = re.compile(r"\d{1,78}(?:\.\d{1,78})?", re.ASCII)


def amount_of(raw: object) -> Decimal | None:
    """Return the number of at least 0 and at most 78 digits that `raw` is, as text too, or None."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    if isinstance(raw, float):
        raw = f"{Decimal(repr(raw)):f}"
    text = raw.strip() if isinstance(raw, str) else f"{Decimal(raw):f}"
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def choice_of(enum: type[Any], raw: object) -> str | None:
    """Return the stored value of `enum` that `raw` names, or None.

    Accepts the name in any case and the integer position that older clients send (design,
    section 2, idea 6).
    """
    values = [str(value) for value in enum.values]
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int) or (isinstance(raw, str) and raw.isascii() and raw.isdigit()):
        text = str(raw)
        position = int(text) if len(text) <= 4 else len(values)
        return values[position] if 0 <= position < len(values) else None
    if isinstance(raw, str):
        wanted = raw.strip().casefold()
        return next((value for value in values if value.casefold() == wanted), None)
    return None
