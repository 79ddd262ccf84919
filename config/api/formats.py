"""Text forms of the wire: UTC times, enum names."""

from datetime import UTC, datetime
from typing import Any


def utc_text(moment: datetime) -> str:
    """Return `moment` (aware) as ISO 8601 in UTC ending in `Z`; a fraction only if it has one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


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
