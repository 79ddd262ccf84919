"""`manage.py verify_audit`: read the sealed log again and say whether it is what was signed."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.verification import read_again


class Command(BaseCommand):
    """Exit code 0: intact. 1: not, with the first position that is wrong."""

    help = "Read the sealed events again, and hold them against seals and signed checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=_position, default=0, metavar="POSITION")
        parser.add_argument("--to", dest="last", type=_position, default=None, metavar="POSITION")
        parser.add_argument(
            "--against", type=Path, metavar="FILE", help="a checkpoint that was kept elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = read_again(
            first=options["first"],
            last=options["last"],
            against=options["against"],
            progress=self._progress(options),
        )
        if found.problem:
            raise CommandError(f"NOT INTACT: {found.problem}")
        part = "" if options["first"] == 0 and options["last"] is None else ", the part asked for"
        self.stdout.write(f"intact: {found.size} sealed events{part}")

    def _progress(self, options: dict[str, Any]) -> Any:
        def show(done: int, total: int) -> None:
            if options["verbosity"] > 1 and total:
                self.stdout.write(f"{done} of {total} events, {100 * done // total} %")

        return show


def _position(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError("a position is a whole number")
    return int(text)
