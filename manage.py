#!/usr/bin/env python3
"""Runs any command of Assayer, after preparing the interpreter that the command needs."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    # By path, because importing the package `config` may need what is not installed yet.
    bootstrap = runpy.run_path(str(ROOT / "config" / "bootstrap.py"))
    bootstrap["hand_over"](sys.argv)

    if sys.argv[1:2] == ["test"]:
        from tests.services import run_tests

        sys.exit(run_tests(sys.argv[2:]))

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
