"""A Redis for one run, or one that is running already."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.services.processes import (
    OURSELVES,
    ServiceFailed,
    free_port,
    say,
    start,
    stop,
    temporary_folder,
    wait_until,
)

REDIS_DATABASE = 15


@contextlib.contextmanager
def redis_url() -> Iterator[str]:
    """Give the URL of a Redis, or "" where there is none and the tests that need one are skipped.

    REDIS_URL comes first; then a server of our own, which no other run shares; then one that
    listens on this machine, in its last database.
    """
    given = os.environ.get("REDIS_URL")
    program = shutil.which("redis-server")
    if given:
        say("Redis: the one that REDIS_URL names.")
        yield given
    elif program:
        with temporary_folder() as folder, own_redis(program, folder) as url:
            say("Redis: a server for this run.")
            yield url
    elif redis_answers(6379):
        say(f"Redis: the one on 127.0.0.1:6379, database {REDIS_DATABASE}.")
        yield f"redis://127.0.0.1:6379/{REDIS_DATABASE}"
    else:
        say("Redis: none found, so the tests that need it are skipped.")
        yield ""


@contextlib.contextmanager
def own_redis(program: str, folder: Path) -> Iterator[str]:
    for _ in range(5):
        port = free_port()
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        process = start(command, folder, OURSELVES, output=subprocess.DEVNULL)
        try:
            if wait_until(partial(redis_answers, port), process):
                yield f"redis://127.0.0.1:{port}/{REDIS_DATABASE}"
                return
        finally:
            stop(process, signal.SIGTERM)
    raise ServiceFailed(
        f"{program} did not start: set REDIS_URL to a Redis that is running, "
        "or take the program off PATH to skip the tests that need it."
    )


def redis_answers(port: int) -> bool:
    """Say whether a Redis that wants no password answers on the port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
