"""Sealers of their own: a process that starts others, which die when and where they are told.

It never connects to the database itself, so each that it starts begins anew. Each line that it
reads is an order, each that it writes what became of it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def url_of(settings: dict[str, Any]) -> str:
    """Return the URL of the PostgreSQL database of these Django settings."""
    who = f"{settings['USER']}:{settings['PASSWORD']}"
    return f"postgres://{who}@{settings['HOST']}:{settings['PORT'] or 5432}/{settings['NAME']}"


class Sealers:
    """The process that starts sealers, as the tests see it."""

    def __init__(self, url: str, **more: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": url,
            "LOG_LEVEL": "ERROR",
            **more,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.audit.sealers"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.order("ready") == "ready"

    def order(self, *words: object) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self) -> "Sealers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


def _seal() -> None:
    from audit.checkpoints import checkpoint_sign
    from audit.seal import seal_events

    seal_events()
    checkpoint_sign()


def _loop() -> None:
    while True:
        _seal()
        time.sleep(0.002)


def _die_after(statement: int) -> None:
    """Seal and sign, and be gone as soon as so many statements have run."""
    from django.db import connection

    ran = 0

    def wrapped(execute: Any, *arguments: Any) -> Any:
        nonlocal ran
        done = execute(*arguments)
        ran += 1
        if ran == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    with connection.execute_wrapper(wrapped):
        _seal()


def _die_with_the_file_written() -> None:
    """Be gone when the checkpoint is kept outside and its row is not committed."""
    replace = os.replace

    def then_die(*arguments: Any) -> None:
        replace(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    os.replace = then_die  # type: ignore[assignment]
    _seal()


def _record() -> None:
    from audit.principal import SYSTEM
    from audit.services import record_event

    record_event("compliance.metadata.listed", actor=SYSTEM)


def _started(work: Callable[[], None]) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _ended(pid: int) -> str:
    _, status = os.waitpid(pid, 0)
    return str(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def _obeyed(words: list[str]) -> str:
    if words[0] == "start":
        return str(_started(_loop))
    if words[0] == "kill":
        for pid in words[1:]:
            os.kill(int(pid), signal.SIGKILL)
        return " ".join(_ended(int(pid)) for pid in words[1:])
    work: dict[str, Callable[[], None]] = {
        "seal": _seal,
        "record": _record,
        "after": lambda: _die_after(int(words[1])),
        "file": _die_with_the_file_written,
    }
    return _ended(_started(work[words[0]])) if words[0] in work else words[0]


if __name__ == "__main__":
    import django

    django.setup()
    for line in sys.stdin:
        print(_obeyed(line.split()), flush=True)  # noqa: T201
