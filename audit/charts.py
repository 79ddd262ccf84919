"""Charts as SVG, drawn on the server: figures in, text out; nothing here reads anything.

A chart needs no script. It is named and described for readers of screens, and takes its colours
from classes (`chart-1`, `chart-2`, ...), so that the page's theme decides them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from xml.etree.ElementTree import Element, SubElement, tostring

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 30, 12, 28
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_WIDEST_BAR = 60.0
_LETTER = 7.0
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Series:
    """One part of every bar: what it is called, its colour's number, and a value for each bar."""

    name: str
    colour: int
    values: Sequence[int]


def stacked_bars(
    *, title: str, description: str, labels: Sequence[str], series: Sequence[Series]
) -> str:
    """Return the SVG of a bar for each of `labels`, made of the values of `series`, first below.

    Raises ValueError where a series has not exactly one value, 0 or more, for each label.
    """
    for one in series:
        if len(one.values) != len(labels) or any(value < 0 for value in one.values):
            raise ValueError(f"{one.name}: one value of 0 or more for each label")
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    marks = axis_marks(max(totals, default=0))
    svg = _frame(title, description)
    for mark in marks:
        _grid_line(svg, mark, marks[-1])
    room = _PLOT_WIDTH / max(len(labels), 1)
    width = min(room * 0.76, _WIDEST_BAR)
    longest = max(map(len, labels), default=0) + 2
    every = ceil(longest * _LETTER / room)
    for at, label in enumerate(labels):
        middle = _LEFT + room * (at + 0.5)
        top = float(_TOP + _PLOT_HEIGHT)
        for one in series:
            if value := one.values[at]:
                height = _PLOT_HEIGHT * value / marks[-1]
                top -= height
                box = {"x": middle - width / 2, "y": top, "width": width, "height": height}
                part = _add(svg, "rect", box, f"chart-{one.colour}")
                SubElement(part, "title").text = f"{label}, {one.name}: {value:,}"
        if (len(labels) - 1 - at) % every == 0:
            place = {"x": middle, "y": _HEIGHT - 8.0}
            _add(svg, "text", place, "chart-label").text = label
    return tostring(svg, encoding="unicode")


def axis_marks(highest: int) -> list[int]:
    """Return up to six round numbers from 0 to one that is not below `highest`."""
    unit = 1
    while True:
        for step in _STEPS:
            if highest <= 5 * step * unit:
                count = max(1, -(-highest // (step * unit)))
                return [step * unit * at for at in range(count + 1)]
        unit *= 10


def _frame(title: str, description: str) -> Element:
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {_HEIGHT}",
            "role": "img",
            "aria-labelledby": "chart-title chart-description",
            "class": "chart",
        },
    )
    SubElement(svg, "title", {"id": "chart-title"}).text = title
    SubElement(svg, "desc", {"id": "chart-description"}).text = description
    return svg


def _grid_line(svg: Element, mark: int, highest: int) -> None:
    y = _TOP + _PLOT_HEIGHT * (1 - mark / highest)
    _add(
        svg,
        "line",
        {"x1": float(_LEFT), "x2": float(_WIDTH - _RIGHT), "y1": y, "y2": y},
        "chart-grid",
    )
    _add(svg, "text", {"x": _LEFT - 8.0, "y": y + 4}, "chart-mark").text = f"{mark:,}"


def _add(svg: Element, name: str, places: dict[str, float], css: str) -> Element:
    numbers = {key: f"{value:.2f}".rstrip("0").rstrip(".") for key, value in places.items()}
    return SubElement(svg, name, {**numbers, "class": css})
