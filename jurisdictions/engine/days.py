"""Calendar days in UTC: the law counts days, the engine's clock counts moments."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias

OffsetUnit: TypeAlias = Literal["days", "working_days", "months", "years"]

END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_SATURDAY = 5


def first_moment_of(day: date) -> datetime:
    """Midnight UTC at which the day begins."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def first_moment_after(day: date) -> datetime:
    """Midnight UTC at which the day is over."""
    return END_OF_TIME if day == date.max else first_moment_of(day + timedelta(days=1))


def plus_days(day: date, count: int) -> date:
    """The day `count` calendar days later, held at the ends of the calendar."""
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return date.max if count > 0 else date.min


def plus(day: date, count: int, unit: OffsetUnit) -> date:
    """The day that lies `count` units later (earlier if negative).

    A month or year later is the same day of the month, or the last one there is. Working days are
    Monday to Friday: holidays differ by place and are not known here, which callers say by the
    warning `calendar_fallback`.
    """
    if unit == "working_days":
        return _plus_working_days(day, count)
    if unit == "days":
        return plus_days(day, count)
    return _plus_months(day, count * 12 if unit == "years" else count)


def next_working_day(day: date) -> date:
    """The day itself, or the Monday after it where it falls on a weekend."""
    while day.weekday() >= _SATURDAY:
        day = plus_days(day, 1)
    return day


def _plus_working_days(day: date, count: int) -> date:
    step = 1 if count >= 0 else -1
    for _ in range(abs(count)):
        day = plus_days(day, step)
        while day.weekday() >= _SATURDAY:
            day = plus_days(day, step)
    return day


def _plus_months(day: date, count: int) -> date:
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    if year > date.max.year:
        return date.max
    if year < date.min.year:
        return date.min
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
