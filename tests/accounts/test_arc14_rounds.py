import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.arc14.rounds import RoundAnchor, estimate_rounds
from accounts.arc14.verifier import Arc14Error

CLOCK = json.loads((Path(__file__).parents[1] / "vectors" / "arc14_offline_clock.json").read_text())
AT = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
ANCHOR = RoundAnchor(46_916_000, AT)


@pytest.mark.parametrize("row", CLOCK["rows"], ids=lambda row: f"{row['ms_fast']}-{row['age_s']}s")
def test_published_row(row: dict[str, Any]) -> None:
    anchored_at = datetime.fromtimestamp(CLOCK["anchor_unix"], UTC)
    low, high = estimate_rounds(
        RoundAnchor(CLOCK["anchor_round"], anchored_at),
        anchored_at + timedelta(seconds=row["age_s"]),
        row["ms_fast"],
        row["ms_slow"],
        max_age=timedelta(days=1),
    )
    assert (low, high) == (row["low"], row["high"])
    assert high - low == row["uncertainty_rounds"]


@pytest.mark.parametrize(
    ("milliseconds", "bounds"),
    [
        (0, (0, 1)),
        (2599, (0, 1)),
        (2600, (0, 2)),
        (3299, (0, 2)),
        (3300, (1, 2)),
        (5200, (1, 3)),
    ],
)
def test_a_round_counts_from_its_first_possible_moment(
    milliseconds: int, bounds: tuple[int, int]
) -> None:
    now = AT + timedelta(milliseconds=milliseconds)
    assert estimate_rounds(RoundAnchor(0, AT), now, 2600, 3300) == bounds


@pytest.mark.parametrize(
    ("age", "bounds"),
    [
        (timedelta(hours=6), (46_922_545, 46_924_308)),
        (timedelta(seconds=-5), (46_916_000, 46_916_001)),
    ],
)
def test_anchor_at_the_limit_of_its_age(age: timedelta, bounds: tuple[int, int]) -> None:
    assert estimate_rounds(ANCHOR, AT + age, 2600, 3300) == bounds


@pytest.mark.parametrize(
    "age",
    [
        timedelta(hours=6, microseconds=1),
        timedelta(days=400),
        timedelta(seconds=-5, microseconds=-1),
        timedelta(days=-400),
    ],
)
def test_anchor_that_is_too_old_or_from_the_future(age: timedelta) -> None:
    with pytest.raises(Arc14Error) as caught:
        estimate_rounds(ANCHOR, AT + age, 2600, 3300)
    assert caught.value.code == CLOCK["stale_anchor_error"] == "CHAIN_UNAVAILABLE"


def test_shorter_limit() -> None:
    limit = timedelta(minutes=1)
    assert estimate_rounds(ANCHOR, AT + limit, 2600, 3300, max_age=limit) == (
        46_916_018,
        46_916_024,
    )
    with pytest.raises(Arc14Error):
        estimate_rounds(ANCHOR, AT + limit * 1.01, 2600, 3300, max_age=limit)


@pytest.mark.parametrize(("fast", "slow"), [(0, 3300), (-1, 3300), (3301, 3300)])
def test_impossible_round_times(fast: int, slow: int) -> None:
    with pytest.raises(ValueError, match="Round times"):
        estimate_rounds(ANCHOR, AT, fast, slow)


def test_anchor_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        RoundAnchor(1, AT.replace(tzinfo=None))
