"""Which round a network has reached, estimated from the last one that was seen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.arc14.verifier import Arc14Error

MAX_ANCHOR_AGE: Final = timedelta(hours=6)
CLOCK_TOLERANCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RoundAnchor:
    """A round and the moment, with its time zone, at which the network had just finished it."""

    round: int
    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("The moment of a round needs a time zone.")


def estimate_rounds(
    anchor: RoundAnchor,
    now: datetime,
    ms_fast: int,
    ms_slow: int,
    *,
    max_age: timedelta = MAX_ANCHOR_AGE,
) -> tuple[int, int]:
    """The lowest and the highest round that the network can have reached by `now`.

    `ms_fast` and `ms_slow` bound the average time of a round in milliseconds. An anchor older
    than `max_age`, or from the future by more than clocks differ, raises `CHAIN_UNAVAILABLE`.
    """
    if not 0 < ms_fast <= ms_slow:
        raise ValueError("Round times must be positive, and the fast one not above the slow one.")
    age = now - anchor.at
    if not -CLOCK_TOLERANCE <= age <= max_age:
        raise Arc14Error("CHAIN_UNAVAILABLE")
    elapsed = max(age, timedelta())
    low = anchor.round + elapsed // timedelta(milliseconds=ms_slow)
    # One more: the network may have been about to finish the next round at the anchor.
    high = anchor.round + elapsed // timedelta(milliseconds=ms_fast) + 1
    return low, high
