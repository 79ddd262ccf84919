"""Starts the services that the tests need, runs pytest, and leaves nothing behind.

PostgreSQL comes from a wheel, so `python3 manage.py test` needs no installed server.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.services.postgres import database_url
from tests.services.processes import STOP_SECONDS, ServiceFailed, say, stop
from tests.services.redis import redis_url

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_WORKERS = 4
INFORMATION = frozenset(
    {"-h", "--help", "-V", "--version", "--markers", "--fixtures", "--co", "--collect-only"}
)
INTERACTIVE = frozenset({"-s", "--pdb", "--trace", "--sw", "--stepwise"})


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with the arguments beside the services that it needs and return its exit code."""
    signal.signal(signal.SIGTERM, exit_on_signal)
    signal.signal(signal.SIGHUP, exit_on_signal)
    try:
        with contextlib.ExitStack() as stack:
            variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
            if not only_prints(arguments):
                variables["DATABASE_URL"] = stack.enter_context(database_url())
                variables["TEST_REDIS_URL"] = stack.enter_context(redis_url())
            command = [sys.executable, "-m", "pytest", *default_options(arguments), *arguments]
            say("Running pytest " + " ".join(command[3:]))
            return run_to_the_end(command, variables)
    except ServiceFailed as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        return 130


def exit_on_signal(number: int, frame: FrameType | None) -> None:
    """Turn a request to end into an exception, so that every service is stopped on the way out."""
    sys.exit(128 + number)


def only_prints(arguments: Sequence[str]) -> bool:
    """Say whether pytest is only asked for information, which needs no service."""
    return not INFORMATION.isdisjoint(arguments)


def default_options(arguments: Sequence[str], cores: int | None = None) -> list[str]:
    """Return pytest's options where the caller has not chosen.

    Skipped tests are named. The whole suite runs on every core, up to four; a selection of files
    or tests, and anything interactive, runs in one process, where it starts sooner.
    """
    workers = min(usable_cores() if cores is None else cores, MOST_WORKERS)
    chosen = any(
        argument.startswith(("-n", "--numprocesses", "--dist", "--maxprocesses"))
        or argument in INTERACTIVE | {"no:xdist", "-pno:xdist"}
        for argument in arguments
    )
    selected = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    options = ["-rs"]
    if workers > 1 and not chosen and not selected:
        options += ["-n", str(workers)]
    return options


def usable_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def run_to_the_end(command: Sequence[str], variables: dict[str, str]) -> int:
    """Run the command and return its exit code; never return while it is still running."""
    process = subprocess.Popen(command, cwd=ROOT, env=variables)
    try:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # A terminal sends Ctrl-C to pytest too, which then ends by itself and prints a summary.
            return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return 130
    finally:
        stop(process, signal.SIGTERM)
