"""Gives every command of manage.py an interpreter that has what the command needs.

It starts from Python 3.11 and pip alone. Only the standard library is used here, and only syntax
that Python 3.7 reads, so that an older interpreter gets the sentence that says what to install.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, NoReturn

try:
    import fcntl
except ImportError:  # Windows: hand_over says what to do there.
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
LOG = VAR / "bootstrap.log"
TOOLS = VAR / "tools"
UV = TOOLS / "bin" / "uv"
STAMP = ".assayer-stamp.json"
PYTHON = (3, 11)
VERSION = ".".join(map(str, PYTHON))

# execve keeps the process id, so this reaches the continued process and none of its children.
PREPARED = "ASSAYER_PREPARED_PID"


class Environment(NamedTuple):
    """A virtual environment under var/ and the lock file that says what is in it."""

    folder: Path
    lock: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


RUNTIME = Environment(VAR / "venv", ROOT / "requirements.lock")
DEVELOPMENT = Environment(VAR / "venv-dev", ROOT / "requirements-dev.lock")
TOOLS_LOCK = ROOT / "requirements-tools.lock"
ENVIRONMENTS = {"quickstart": RUNTIME, "test": DEVELOPMENT}

# What `python3 manage.py lock` compiles: a lock file and what of pyproject.toml it is made from.
LOCKS: tuple[tuple[Path, tuple[str, ...]], ...] = (
    (RUNTIME.lock, ("pyproject.toml",)),
    (DEVELOPMENT.lock, ("pyproject.toml", "--group", "dev")),
    (TOOLS_LOCK, ("--group", "tools")),
)

# What the output of a failed step contains, and what to do about it; the first that fits is said.
ADVICE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("no space left",), "The disk that holds {var} is full: free about 1 GB"),
    (
        ("permission denied", "not permitted", "read-only file system"),
        "Assayer keeps its environment in {var}, which cannot be written: make it writable",
    ),
    (
        ("hash mismatch", "do not match the hashes"),
        "The package index sent a file that is not the one {pinned} pins, so it was not "
        "installed: check which index or mirror pip is configured to use",
    ),
    (
        ("certificate", "unknownissuer"),
        "The package index's certificate is not trusted here: "
        "name your certificate authority with `pip config set global.cert FILE`",
    ),
    (
        ("connect", "sending request", "timed out", "timeout", "dns ", "resolution", "proxy"),
        "The package index cannot be reached: "
        "check the network, the proxy and pip's index settings",
    ),
    (
        ("could not find a version", "no matching distribution", "no solution found"),
        "The package index was not reached or does not offer what {pinned} names: "
        "check the network and which index pip is configured to use",
    ),
)


class CannotPrepare(Exception):
    """Preparing cannot go on; the message is one sentence that says what to do."""


def hand_over(argv: Sequence[str]) -> None:
    """Return where this interpreter can run the command; else continue in one, or exit with 1."""
    if os.environ.pop(PREPARED, None) == str(os.getpid()):
        return
    command = argv[1] if len(argv) > 1 else ""
    try:
        if command == "lock":
            check_python()
            compile_locks(argv[2:])
            sys.exit(0)
        environment = ENVIRONMENTS.get(command)
        if environment is not None:
            check_python()
            prepare(environment)
        else:
            environment = environment_for_other_commands()
        if environment is not None and os.path.realpath(sys.prefix) != str(environment.folder):
            execute(environment, argv)
    except CannotPrepare as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(sentence_for(error))
    except KeyboardInterrupt:
        say("Stopped; running the command again continues where this left off.")
        sys.exit(130)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sentence_for(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC):
        # No step has run yet, so there is no message in the log.
        return advice_for(reason).partition(" (")[0] + "."
    where = error.filename or VAR
    return f"{where} stands in the way ({reason}): correct that and run the command again."


def check_python(version: Sequence[int] = sys.version_info[:3]) -> None:
    """Raise CannotPrepare unless the lock files are made for this Python and this system."""
    if tuple(version[:2]) != PYTHON:
        this = ".".join(map(str, version[:3]))
        other = shutil.which(f"python{VERSION}")
        advice = "run" if other else f"install Python {VERSION} and run"
        raise CannotPrepare(
            f"Assayer needs Python {VERSION} and this is Python {this}: "
            f"{advice} the command again with {other or f'python{VERSION}'}."
        )
    if fcntl is None:
        raise CannotPrepare("Assayer runs on Linux and macOS: on Windows, run it in WSL.")


def environment_for_other_commands() -> Environment | None:
    """Return the environment to continue in, or None where this interpreter is the one to use.

    An activated virtual environment that has Django is somebody's choice and is kept.
    """
    has_django = find_spec("django") is not None
    if sys.prefix != sys.base_prefix and has_django:
        return None
    for environment in (RUNTIME, DEVELOPMENT):
        if is_current(environment):
            return environment
    if has_django:
        return None
    raise CannotPrepare(
        "Assayer is not installed here yet: run `python3 manage.py quickstart` once, "
        "or activate a virtual environment made from requirements.lock."
    )


def execute(environment: Environment, argv: Sequence[str]) -> NoReturn:
    """Replace this process by the same command in the environment."""
    python = str(environment.python)
    variables = {
        **os.environ,
        PREPARED: str(os.getpid()),
        "VIRTUAL_ENV": str(environment.folder),
        "PATH": f"{environment.folder}/bin:{os.environ.get('PATH', os.defpath)}",
    }
    variables.pop("PYTHONHOME", None)
    os.execve(python, [python, str(ROOT / "manage.py"), *argv[1:]], variables)


def stamp_for(folder: Path, lock: Path) -> dict[str, str]:
    """Return what a stamp in the folder says when the folder holds what the lock file pins.

    The folder's own path is part of it, because scripts name the interpreter by its full path.
    """
    return {
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest(),
        "python": VERSION,
        "platform": sysconfig.get_platform(),
        "folder": str(folder),
    }


def stamp_in(folder: Path) -> dict[str, str]:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(folder: Path, lock: Path) -> None:
    (folder / STAMP).write_text(json.dumps(stamp_for(folder, lock)) + "\n", encoding="utf-8")


def is_current(environment: Environment) -> bool:
    """Say whether the environment works and holds exactly what its lock file pins."""
    folder, lock = environment
    return os.access(environment.python, os.X_OK) and stamp_in(folder) == stamp_for(folder, lock)


def prepare(environment: Environment) -> None:
    """Make the environment hold exactly what its lock file pins; free where it does already."""
    if is_current(environment):
        return
    with one_at_a_time():
        if is_current(environment):
            return
        install_uv()
        folder = environment.folder.relative_to(ROOT)
        uv = partial(run, str(UV), variables=uv_variables())
        if is_usable(environment):
            # Interrupted from here on, the next run must look again.
            with contextlib.suppress(FileNotFoundError):
                (environment.folder / STAMP).unlink()
        else:
            say(f"Creating the virtual environment {folder}.")
            uv("venv", "--clear", "--python", base_python(), str(environment.folder))
        say(f"Installing the packages of {environment.lock.name} into {folder}.")
        sync = ("pip", "sync", "--require-hashes", "--python", str(environment.python))
        uv(*sync, str(environment.lock), lock=environment.lock)
        write_stamp(environment.folder, environment.lock)


def is_usable(environment: Environment) -> bool:
    """Say whether the folder is a working environment of this Python, made at this very place."""
    folder = str(environment.folder)
    if stamp_in(environment.folder).get("folder", folder) != folder:
        return False
    code = "import sys; print(sys.version_info[:2], sys.prefix)"
    return output_of(str(environment.python), "-I", "-c", code) == f"{PYTHON} {folder}\n"


def output_of(*command: str) -> str | None:
    """Return what the command prints, or None where it fails or does not exist."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        return None


def base_python() -> str:
    """Return the interpreter itself, or the one that its virtual environment was made from."""
    return getattr(sys, "_base_executable", None) or sys.executable


def install_uv() -> None:
    """Put the pinned uv into var/tools, with pip, without write access to any other place."""
    if os.access(UV, os.X_OK) and stamp_in(TOOLS) == stamp_for(TOOLS, TOOLS_LOCK):
        return
    say(f"Installing uv from {TOOLS_LOCK.name} into var/tools.")
    if output_of(base_python(), "-m", "pip", "--version") is None:
        raise CannotPrepare(
            f"Assayer needs pip and {base_python()} has none: install it "
            "(on Debian and Ubuntu: apt install python3-pip) and run the command again."
        )
    # A neighbour first, then a rename: a half-finished installation never stands in var/tools.
    fresh = VAR / "tools.fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    pip = (base_python(), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")
    source = ("--only-binary", ":all:", "--target", str(fresh), "-r", str(TOOLS_LOCK))
    settings = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    run(*pip, *source, variables={**os.environ, **settings}, lock=TOOLS_LOCK)
    shutil.rmtree(TOOLS, ignore_errors=True)
    fresh.rename(TOOLS)
    write_stamp(TOOLS, TOOLS_LOCK)


def uv_variables(*, extra_sources: bool = True) -> dict[str, str]:
    """Return this process's variables and, in uv's names, pip's index, certificate and proxy.

    uv does not read pip's configuration, and where pip reaches an index uv must reach the same
    one. What is set for uv itself wins. Without `extra_sources` only the main index is taken over.
    """
    variables = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    if "UV_CACHE_DIR" not in variables and not os.access(os.path.expanduser("~"), os.W_OK):
        variables["UV_CACHE_DIR"] = str(VAR / "cache" / "uv")
    options = pip_options(output_of(base_python(), "-m", "pip", "config", "list") or "")
    for name, value in translate(options, extra_sources=extra_sources).items():
        variables.setdefault(name, value)
    return variables


def pip_options(listing: str) -> dict[str, str]:
    """Return the options for `pip install` in what `pip config list` prints, the strongest win."""
    options: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            key, separator, literal = line.partition("=")
            if separator and key.startswith(section):
                with contextlib.suppress(ValueError, SyntaxError):
                    options[key[len(section) :]] = str(ast.literal_eval(literal))
    return options


def translate(options: Mapping[str, str], *, extra_sources: bool = True) -> dict[str, str]:
    """Return uv's variables for pip's options, without local folders that do not exist."""

    def listed(option: str) -> list[str]:
        places = options.get(option, "").split() if extra_sources else []
        return [place for place in places if not is_missing(place)]

    certificate = options.get("cert", "")
    variables = {
        "UV_DEFAULT_INDEX": options.get("index-url", ""),
        "UV_OFFLINE": options.get("no-index", ""),
        "UV_INDEX": " ".join(listed("extra-index-url")),
        # pip asks every index; every file is pinned by hash, so none can slip in another one.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if listed("extra-index-url") else "",
        "UV_FIND_LINKS": ",".join(listed("find-links")),
        "UV_INSECURE_HOST": " ".join(options.get("trusted-host", "").split()),
        "SSL_CERT_DIR": certificate if os.path.isdir(certificate) else "",
        "SSL_CERT_FILE": certificate if os.path.isfile(certificate) else "",
        "HTTPS_PROXY": options.get("proxy", ""),
        "HTTP_PROXY": options.get("proxy", ""),
    }
    return {name: value for name, value in variables.items() if value}


def is_missing(place: str) -> bool:
    path = place.replace("file://", "", 1)
    return "://" not in path and not os.path.exists(path)


def compile_locks(arguments: Sequence[str]) -> None:
    """Compile the lock files; arguments such as `--upgrade` are passed to `uv pip compile`."""
    with one_at_a_time():
        install_uv()
        # What one machine adds to the index must not show in a file that all machines read.
        variables = uv_variables(extra_sources=False)
        variables["UV_CUSTOM_COMPILE_COMMAND"] = "python3 manage.py lock"
        options = ("--universal", "--generate-hashes", "--no-emit-index-url", "--python-version")
        uv = partial(run, str(UV), "pip", "compile", variables=variables)
        for lock, sources in LOCKS:
            say(f"Compiling {lock.name}.")
            uv(*sources, *options, VERSION, *arguments, "--output-file", lock.name, lock=lock)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep every other run out of var/ until the block ends, however it ends."""
    VAR.mkdir(exist_ok=True)
    with open(VAR / "bootstrap.lock", "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another run that is preparing the same environment.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(*command: str, variables: Mapping[str, str], lock: Path | None = None) -> None:
    """Run the command, its output in var/bootstrap.log; raise CannotPrepare where it fails."""
    with open(LOG, "w", encoding="utf-8") as log:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode == 0:
        return
    output = LOG.read_text(encoding="utf-8", errors="replace")
    if "UnknownIssuer" in output and "UV_SYSTEM_CERTS" not in variables:
        # Where the system trusts the index's certificate, uv is to trust it too.
        run(*command, variables={**variables, "UV_SYSTEM_CERTS": "true"}, lock=lock)
    else:
        raise CannotPrepare(advice_for(output, lock))


def advice_for(output: str, lock: Path | None = None) -> str:
    """Return the sentence for what pip, uv or the system said before it gave up."""
    text = output.lower()
    pinned = lock.name if lock else "the lock file"
    place = LOG.relative_to(ROOT)
    for words, advice in ADVICE:
        if any(word in text for word in words):
            advice = advice.format(pinned=pinned, var=VAR)
            return f"{advice}, and run the command again (the whole message is in {place})."
    return f"Installing from {pinned} failed: read {place} and run the command again."
