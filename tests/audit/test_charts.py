"""Charts: what they draw, how they name it, and that no text can leave its place."""

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from audit.charts import Series, axis_marks, stacked_bars
from audit.choices import Category

SVG = "{http://www.w3.org/2000/svg}"
STYLE = Path(__file__).parents[2] / "audit/templates/admin/audit/overview/style.html"
# What the admin's two themes paint behind a chart.
BACKGROUNDS = ("#ffffff", "#121212")


def drawn(labels: list[str], *series: Series, title: str = "t") -> ElementTree.Element:
    text = stacked_bars(title=title, description="d", labels=labels, series=series)
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def bars(svg: ElementTree.Element) -> list[tuple[str | None, str | None]]:
    return [(part.get("class"), part.findtext(f"{SVG}title")) for part in svg.iter(f"{SVG}rect")]


def test_every_value_is_a_part_of_its_bar_and_says_what_it_is() -> None:
    svg = drawn(["Mon", "Tue"], Series("Audit", 10, [3, 0]), Series("Account", 8, [1, 1200]))
    assert bars(svg) == [
        ("chart-10", "Mon, Audit: 3"),
        ("chart-8", "Mon, Account: 1"),
        ("chart-8", "Tue, Account: 1,200"),
    ]
    heights = [float(part.get("height", "")) for part in svg.iter(f"{SVG}rect")]
    assert heights[0] == pytest.approx(3 * heights[1], rel=0.05)


def test_parts_stand_on_one_another_and_inside_the_frame() -> None:
    svg = drawn(["a"], Series("x", 1, [40]), Series("y", 2, [60]))
    low, high = (
        (float(part.get("y", "")), float(part.get("height", ""))) for part in svg.iter(f"{SVG}rect")
    )
    assert high[0] + high[1] == pytest.approx(low[0], abs=0.02)
    _, _, width, height = (float(one) for one in (svg.get("viewBox") or "").split())
    assert high[0] >= 0
    assert low[0] + low[1] <= height
    assert all(float(part.get("x", "")) <= width for part in svg.iter(f"{SVG}text"))


def test_it_is_named_for_those_who_do_not_see_it() -> None:
    svg = drawn([], title="Events by day")
    named = (svg.get("aria-labelledby") or "").split()
    assert [part.get("id") for part in svg[:2]] == named
    assert [part.text for part in svg[:2]] == ["Events by day", "d"]
    assert svg.get("role") == "img"


def test_text_stays_text() -> None:
    evil = '"><script>alert(1)</script>&'
    text = stacked_bars(title=evil, description=evil, labels=[evil], series=[Series(evil, 1, [1])])
    assert "<script" not in text
    assert ElementTree.fromstring(text)[0].text == evil  # noqa: S314 - our own


@pytest.mark.parametrize("values", [[1], [1, 2, 3], [1, -1]])
def test_a_series_that_does_not_fit_is_refused(values: list[int]) -> None:
    with pytest.raises(ValueError, match="one value of 0 or more"):
        drawn(["a", "b"], Series("x", 1, values))


@pytest.mark.parametrize(
    ("highest", "marks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (7, [0, 2, 4, 6, 8]),
        (1_000_001, [0, 500_000, 1_000_000, 1_500_000]),
    ],
)
def test_marks_are_round_and_reach_the_highest(highest: int, marks: list[int]) -> None:
    assert axis_marks(highest) == marks


def test_labels_are_left_out_before_they_run_into_one_another() -> None:
    days = [f"2026-11-{day:02d}" for day in range(1, 31)]
    svg = drawn(days, Series("x", 1, [1] * 30))
    shown = [part for part in svg.iter(f"{SVG}text") if part.get("class") == "chart-label"]
    places = [float(part.get("x", "")) for part in shown]
    assert shown[-1].text == days[-1]
    assert min(b - a for a, b in itertools.pairwise(places)) >= 70


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_category_has_a_colour_that_stands_out_in_both_themes() -> None:
    colours = dict(re.findall(r"\.chart-(\d+) \{ color: (#\w{6});", STYLE.read_text()))
    assert set(colours) == {str(number) for number in range(1, len(Category) + 1)}
    assert len(set(colours.values())) == len(Category)
    for colour in colours.values():
        for background in BACKGROUNDS:
            light, dark = sorted((_luminance(colour), _luminance(background)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (colour, background)
