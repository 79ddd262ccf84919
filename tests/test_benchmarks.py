"""The benchmarks can be named and imported; what they measure is not for a test to judge."""

import importlib
import subprocess
import sys

import pytest

from benchmarks import NAMES
from benchmarks.measure import Row, sample


def test_the_list_names_every_benchmark() -> None:
    command = [sys.executable, "-m", "benchmarks", "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_has_a_sentence_and_runs(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.__doc__
    assert callable(module.run)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert all(name in refused.stderr for name in NAMES)


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    ticks = iter(range(10_000))
    samples = sample(
        {"one": lambda: next(ticks), "two": lambda: (next(ticks), next(ticks), next(ticks))},
        rounds=5,
        batch=2,
        clock=lambda: float(next(ticks)),
    )
    row = samples.row("two to one", "two", "one", goal=3)
    assert (row.ratio, row.rounds, row.met) == (pytest.approx(7 / 3), 5, True)


@pytest.mark.parametrize(("ratio", "met"), [(1.4, True), (1.5, True), (1.6, False), (None, None)])
def test_a_goal_is_met_up_to_its_value(ratio: float | None, met: bool | None) -> None:
    assert Row("a page", "another", "", ratio=ratio, goal=1.5).met is met
