"""Services as child processes in temporary folders, which end and vanish with the run."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 15
# A unix socket's path may have 103 bytes on macOS and 107 on Linux; ours adds about 50.
LONGEST_TEMPORARY_PATH = 50


class ServiceFailed(Exception):
    """A service did not start; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class OperatingSystemUser:
    """Who runs a service; an empty name is the user that runs the tests."""

    name: str = ""
    uid: int = -1
    gid: int = -1


OURSELVES = OperatingSystemUser()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Return True once ready; False where the process ends first or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready():
            return True
        time.sleep(0.02)
    return False


def start(
    command: Sequence[str], folder: Path, user: OperatingSystemUser, *, output: int
) -> subprocess.Popen[bytes]:
    """Start a service in the folder as the user; it ends when this process does, even by a kill.

    It has its own session, so that Ctrl-C reaches pytest first and the service only after it.
    """
    variables = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
            user=user.uid if user.name else None,
            group=user.gid if user.name else None,
            extra_groups=[] if user.name else None,
        )
    except OSError as error:
        raise ServiceFailed(
            f"{command[0]} cannot be run as {user.name or 'this user'} ({error.strerror}): "
            "set DATABASE_URL and REDIS_URL to services that are running and run the command again."
        ) from error


def end_with_parent() -> None:
    """Ask Linux to end this process when its parent ends (prctl PR_SET_PDEATHSIG)."""
    # A shell's background jobs ignore it, and would pass that on.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def stop(process: subprocess.Popen[bytes], first: signal.Signals) -> None:
    """End the process, asking before insisting, however often the user presses Ctrl-C meanwhile."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if process.poll() is None:
            process.send_signal(first)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def temporary_folder(user: OperatingSystemUser = OURSELVES) -> Iterator[Path]:
    """Give a new folder that only the user can read, and remove it and all it holds afterwards."""
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST_TEMPORARY_PATH or not may_enter(parent, user):
        parent = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="assayer-tests-", dir=parent))
    try:
        if user.name:
            os.chown(folder, user.uid, user.gid)
        yield folder
    finally:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            # A server's last child may still be writing when its parent has gone.
            for _ in range(20):
                shutil.rmtree(folder, ignore_errors=True)
                if not folder.exists():
                    break
                time.sleep(0.1)
        finally:
            signal.signal(signal.SIGINT, previous)


def may_enter(place: str, user: OperatingSystemUser) -> bool:
    """Say whether the user reaches the folder; for another user, every folder above it counts."""
    if not user.name:
        return os.access(place, os.W_OK | os.X_OK)
    path = Path(place).resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
