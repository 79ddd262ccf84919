"""What a recorded fact may be, and how two of them compare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

FactValue: TypeAlias = str | bool | int | float | Decimal | date | Sequence[str] | None


def is_recorded(value: object) -> bool:
    """Whether a value says anything: None and blank text do not, False, 0 and [] do."""
    if value is None:
        return False
    return not (isinstance(value, str) and not value.strip())


def as_day(value: object) -> date | None:
    """The UTC calendar day of a date, a datetime or an ISO 8601 text; None if it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    return value if isinstance(value, date) else None


def as_number(value: object) -> Decimal | None:
    """The exact decimal of a finite number; None for anything else, truth values included."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def as_members(value: object) -> tuple[object, ...] | None:
    """The members of a list fact; None if the value is no list."""
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else None


def same_value(left: object, right: object) -> bool:
    """Equality that never confuses a truth value with a number, nor a date with its text."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, date) or isinstance(right, date):
        day = as_day(left)
        return day is not None and day == as_day(right)
    left_number, right_number = as_number(left), as_number(right)
    if left_number is not None and right_number is not None:
        return left_number == right_number
    left_members, right_members = as_members(left), as_members(right)
    if left_members is not None and right_members is not None:
        return left_members == right_members
    return left == right
