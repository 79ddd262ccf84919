"""Commands of Assayer in processes of their own, with an environment that the test chooses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from django.db import connection

from tests.services.processes import end_with_parent, free_port, stop, wait_until

ROOT = Path(__file__).resolve().parents[2]

# Everything that production demands; the values reach nothing.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "kept-in-no-place-and-known-to-nobody-0123456789-abcdefghijklmnop",
    "JWT_SIGNING_KEY": "another-one-kept-in-no-place-0123456789-abcdefghijklmnopqrs",
    "DATABASE_URL": "postgres://assayer:secret@db.invalid:5432/assayer",
    "REDIS_URL": "redis://redis.invalid:6379/0",
    "CELERY_BROKER_URL": "redis://redis.invalid:6379/1",
    "ALLOWED_HOSTS": "assayer.example.com",
    "ARC14_REALMS": "Example#ARC14",
    "AUDIT_ORIGIN": "assayer.example.com/log",
    "REPORT_SIGNING_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "TRUSTED_PROXIES": "1",
}


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return `variables` with what a process needs to run at all, and nothing of our own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **variables}


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with `arguments` in the environment of `variables` alone."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a management command, without the bootstrap that prepares an interpreter."""
    return python("-m", "django", *arguments, **variables)


def database_url() -> str:
    """Return the URL of the PostgreSQL that the running test is connected to."""
    given = connection.settings_dict
    secret = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    place = f"{given['HOST']}:{given['PORT'] or 5432}"
    return f"postgres://{given['USER']}{secret}@{place}/{given['NAME']}"


@dataclass
class Running:
    """A started process, and what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines so far; what is no JSON object is left out."""
        written = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in written if line.startswith("{") and line[-1] == "}"]


@contextmanager
def started(
    command: Sequence[str], log: Path, ready: Callable[[Running], bool], variables: dict[str, str]
) -> Iterator[Running]:
    """Run `command` until the block ends; it also ends when this process does."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )
    running = Running(process, log)
    try:
        if not wait_until(lambda: ready(running), process):
            raise AssertionError(f"{command[:6]} did not start: {log.read_text()[-3_000:]}")
        yield running
    finally:
        stop(process, signal.SIGTERM)


@contextmanager
def web(folder: Path, **variables: str) -> Iterator[Running]:
    """Serve the API with granian until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--blocking-threads", "2", "--log-level", "warning"]
    command += ["config.wsgi:application"]

    def ready(running: Running) -> bool:
        try:
            return requests.get(f"{url}/health/live", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    with started(command, folder / "web.log", ready, variables) as running:
        running.url = url
        yield running


@contextmanager
def worker(folder: Path, **variables: str) -> Iterator[Running]:
    """Run a Celery worker until the block ends."""
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "solo"]
    command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle"]

    def ready(running: Running) -> bool:
        return any(str(line["event"]).endswith(" ready.") for line in running.lines())

    with started(command, folder / "worker.log", ready, variables) as running:
        yield running
