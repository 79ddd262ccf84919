"""The only way a check may look at the time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from jurisdictions.engine.days import END_OF_TIME, first_moment_after, plus_days

EXPIRING_WITHIN = timedelta(days=30)


class Clock:
    """Answers whether a moment has come at `now`, and remembers the next that has not.

    A check that asks only here gives the same verdict until `flips_at`: up to then every answer
    stays the same. That is what makes `next_evaluation_at` right by construction.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("now needs a time zone")
        self.now = now
        self._next = END_OF_TIME

    def reached(self, moment: datetime) -> bool:
        """Whether the moment is now or past; one still to come may change the verdict."""
        if moment <= self.now:
            return True
        self._next = min(self._next, moment)
        return False

    def too_old(self, day: date, max_age_days: int) -> bool:
        """Whether more than `max_age_days` calendar days have passed since the day."""
        return self.reached(age_ends(day, max_age_days))

    def soon(self, moment: datetime) -> bool:
        """Whether the moment comes within 30 days; for warnings, so it is not remembered."""
        return moment - self.now <= EXPIRING_WITHIN

    @property
    def flips_at(self) -> datetime | None:
        """The earliest moment asked for that is still to come."""
        return None if self._next == END_OF_TIME else self._next


def age_ends(day: date, max_age_days: int) -> datetime:
    """The first moment at which something of that day is older than `max_age_days`."""
    return first_moment_after(plus_days(day, max_age_days))
