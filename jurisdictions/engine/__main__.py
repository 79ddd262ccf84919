"""`python -m jurisdictions.engine replay BUNDLE`: evaluate a report again, from its bundle alone.

Needs neither Django nor a database. Ends with 0 only where every verdict agrees, with 1 where one
differs, and with 2 where the bundle cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence

from jurisdictions.engine.replay import UnreadableBundle, replay_bundle

AGREES, DIFFERS, UNREADABLE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m jurisdictions.engine")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("replay", help="evaluate a report again and compare")
    command.add_argument("bundle", help="the archive of /compliance/reports/{id}/bundle")
    chosen = parser.parse_args(arguments)
    try:
        replay = replay_bundle(chosen.bundle)
    except UnreadableBundle as problem:
        sys.stderr.write(f"The bundle cannot be read: {problem}\n")
        return UNREADABLE
    for note in replay.notes:
        sys.stdout.write(f"Note: {note}.\n")
    for difference in replay.differences:
        sys.stdout.write(f"{difference}\n")
    if replay.differences:
        sys.stdout.write(f"Report {replay.report_id}: {len(replay.differences)} differences.\n")
        return DIFFERS
    sys.stdout.write(
        f"Report {replay.report_id}: {replay.status}; every verdict agrees "
        f"({replay.checks} checks).\n"
    )
    return AGREES


if __name__ == "__main__":
    sys.exit(main())
