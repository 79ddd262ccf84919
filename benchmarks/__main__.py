"""`python -m benchmarks [name ...] [--quick] [--events N] [--list]`: measure, print one table."""

import argparse
import importlib
import os
import platform
import sys
import time
from collections.abc import Sequence

import django

from benchmarks import NAMES
from benchmarks.database import NotThrowAway, database_url, throw_away
from benchmarks.measure import Row


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks, or all; return 0, or 1 where they cannot run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="few rounds and little data")
    parser.add_argument(
        "--events", type=int, metavar="N", help="size of the log for audit_list and log_plans"
    )
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    if options.events:
        os.environ["BENCHMARK_EVENTS"] = str(options.events)
    if options.list:
        django.setup()
        for name in NAMES:
            module = importlib.import_module(f"benchmarks.{name}")
            print(f"{name:<18}{(module.__doc__ or '').splitlines()[0]}")
        return 0
    try:
        with database_url() as url:
            os.environ["DATABASE_URL"] = url
            django.setup()
            print_table(measure(options.names or NAMES, quick=options.quick))
    except NotThrowAway as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def measure(names: Sequence[str], *, quick: bool) -> list[Row]:
    """Run each benchmark in a database of its own."""
    rows: list[Row] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        with throw_away():
            rows += module.run(quick)
    return rows


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows, the remarks below them, and on what it was measured."""
    heads = ("what", "against", "measured", "ratio", "quartiles", "goal", "met", "rounds")
    table = [heads, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(heads))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    for row in rows:
        if row.remarks:
            print(f"\n{row.name}")
            print(*(f"  {remark}" for remark in row.remarks), sep="\n")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"\n{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, "
        f"Django {django.get_version()}, {os.cpu_count()} cores, load {load}. "
        "Ratios are medians over the rounds."
    )


def cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.floor,
        row.value,
        "" if row.ratio is None else f"{row.ratio:.3g}",
        "" if row.spread is None else f"{row.spread[0]:.3g} to {row.spread[1]:.3g}",
        "" if row.goal is None else f"{row.goal:g}",
        {None: "", True: "met", False: "NOT MET"}[row.met],
        str(row.rounds or ""),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
