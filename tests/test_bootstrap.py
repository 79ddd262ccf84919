"""`python3 manage.py` from a bare clone: what it prepares, what it skips, and what it says.

Each test runs a copy of the few files that the bootstrap needs, with a stand-in for uv and for
the environment's interpreter, and no network.
"""

import fcntl
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
FILES = (
    "manage.py",
    "config/bootstrap.py",
    "pyproject.toml",
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-tools.lock",
)
# Stands for uv: notes what it is asked; `uv venv` makes an interpreter that tells its arguments.
FAKE_UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
if [ -n "$FAKE_UV_FAILS" ]; then echo "$FAKE_UV_FAILS"; exit 2; fi
case "$1" in venv)
    for folder; do :; done
    mkdir -p "$folder/bin"
    printf '#!/bin/sh\\necho "ran with $*"\\n' > "$folder/bin/python"
    chmod +x "$folder/bin/python"
esac
"""


class Clone:
    """A bare clone in a temporary folder and what can be done with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)

    @property
    def bootstrap(self) -> dict:
        return runpy.run_path(str(self.folder / "config" / "bootstrap.py"))

    @property
    def uv_calls(self) -> list[str]:
        calls = self.folder / "var" / "tools" / "bin" / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def install_fake_uv(self) -> None:
        uv = self.folder / "var" / "tools" / "bin" / "uv"
        uv.parent.mkdir(parents=True, exist_ok=True)
        uv.write_text(FAKE_UV)
        uv.chmod(0o755)
        bootstrap = self.bootstrap
        bootstrap["write_stamp"](bootstrap["TOOLS"], bootstrap["TOOLS_LOCK"])

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BASE_PYTHON, "manage.py", *arguments],
            cwd=self.folder,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.folder),
                "PIP_NO_INDEX": "1",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "assayer")


def assert_one_sentence(done, start):
    """The command failed with exit code 1 and its last line is one sentence, not a traceback."""
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(start)
    assert last.endswith(".")
    assert "Traceback" not in done.stderr + done.stdout


def test_first_run_prepares_and_hands_over(clone):
    clone.install_fake_uv()
    done = clone.run("quickstart", "--no-serve")
    assert done.returncode == 0
    assert done.stdout == f"ran with {clone.folder}/manage.py quickstart --no-serve\n"
    venv, sync = clone.uv_calls
    assert venv == f"venv --clear --python {BASE_PYTHON} {clone.folder}/var/venv"
    assert sync == (
        f"pip sync --require-hashes --python {clone.folder}/var/venv/bin/python "
        f"{clone.folder}/requirements.lock"
    )
    assert done.stderr.splitlines() == [
        "Creating the virtual environment var/venv.",
        "Installing the packages of requirements.lock into var/venv.",
    ]


def test_a_current_environment_is_used_at_once(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    asked = clone.uv_calls
    done = clone.run("quickstart")
    assert (done.returncode, done.stderr) == (0, "")
    assert clone.uv_calls == asked


def test_test_has_an_environment_of_its_own(clone):
    clone.install_fake_uv()
    done = clone.run("test", "-k", "something")
    assert done.stdout == f"ran with {clone.folder}/manage.py test -k something\n"
    assert clone.uv_calls[-1].endswith(f"{clone.folder}/requirements-dev.lock")
    assert not (clone.folder / "var" / "venv").exists()


def test_a_changed_lock_is_installed(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    before = len(clone.uv_calls)
    with (clone.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    done = clone.run("quickstart")
    assert done.returncode == 0
    assert len(clone.uv_calls) > before
    assert clone.bootstrap["is_current"](clone.bootstrap["RUNTIME"])


def test_an_environment_that_lost_its_interpreter_is_made_again(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    (clone.folder / "var" / "venv" / "bin" / "python").unlink()
    done = clone.run("quickstart")
    assert done.returncode == 0
    assert done.stderr.startswith("Creating the virtual environment var/venv.\n")


def test_a_moved_clone_makes_its_environment_again(clone, tmp_path):
    clone.install_fake_uv()
    clone.run("quickstart")
    clone.folder.rename(tmp_path / "moved")
    clone.folder = tmp_path / "moved"
    clone.install_fake_uv()
    done = clone.run("quickstart")
    assert done.stdout == f"ran with {clone.folder}/manage.py quickstart\n"
    assert done.stderr.startswith("Creating the virtual environment var/venv.\n")


def test_a_failed_installation_leaves_no_stamp(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    with (clone.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    done = clone.run("quickstart", FAKE_UV_FAILS="error: something new")
    assert_one_sentence(done, "Installing from the lock file failed: read var/bootstrap.log")
    assert not clone.bootstrap["is_current"](clone.bootstrap["RUNTIME"])


def test_a_stamp_of_another_python_is_stale(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    stamp = clone.folder / "var" / "venv" / clone.bootstrap["STAMP"]
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "python": "3.10"}))
    assert not clone.bootstrap["is_current"](clone.bootstrap["RUNTIME"])


def test_a_broken_stamp_is_stale(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    (clone.folder / "var" / "venv" / clone.bootstrap["STAMP"]).write_text("[")
    assert not clone.bootstrap["is_current"](clone.bootstrap["RUNTIME"])


def test_another_python_is_told_which_one_to_use(clone):
    bootstrap = clone.bootstrap
    with pytest.raises(bootstrap["CannotPrepare"]) as caught:
        bootstrap["check_python"]((3, 9, 2))
    assert str(caught.value).startswith("Assayer needs Python 3.11 and this is Python 3.9.2: ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("command", ["quickstart", "test", "lock"])
def test_another_python_changes_nothing(clone, command):
    bootstrap = clone.folder / "config" / "bootstrap.py"
    bootstrap.write_text(bootstrap.read_text().replace("PYTHON = (3, 11)", "PYTHON = (3, 99)"))
    assert_one_sentence(
        clone.run(command),
        f"Assayer needs Python 3.99 and this is Python {sys.version.split()[0]}: "
        "install Python 3.99 and run the command again with python3.99.",
    )
    assert not (clone.folder / "var").exists()


def test_the_bootstrap_is_readable_by_python_3_7():
    for name in ("manage.py", "config/bootstrap.py"):
        compile_for_3_7 = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=7)"
        subprocess.run([sys.executable, "-c", compile_for_3_7, ROOT / name], check=True)


def test_without_pip_it_says_how_to_get_pip(clone, tmp_path):
    no_pip = tmp_path / "no-pip"
    (no_pip / "pip").mkdir(parents=True)
    (no_pip / "pip" / "__init__.py").touch()
    (no_pip / "pip" / "__main__.py").write_text("raise SystemExit('no pip here')")
    done = clone.run("quickstart", PYTHONPATH=str(no_pip))
    assert_one_sentence(done, f"Assayer needs pip and {BASE_PYTHON} has none: install it")
    assert "apt install python3-pip" in done.stderr


def test_without_an_index_it_says_so(clone):
    done = clone.run(
        "quickstart",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="0",
        PIP_RETRIES="1",
    )
    assert_one_sentence(done, "The package index cannot be reached: check the network")
    assert not (clone.folder / "var" / "tools").exists()


def test_a_folder_that_cannot_be_written_is_named(clone):
    (clone.folder / "var").write_text("in the way")
    assert_one_sentence(
        clone.run("quickstart"), f"{clone.folder}/var stands in the way (File exists): "
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_clone_is_named(clone):
    clone.folder.chmod(0o555)
    try:
        done = clone.run("quickstart")
    finally:
        clone.folder.chmod(0o755)
    assert_one_sentence(done, f"Assayer keeps its environment in {clone.folder}/var, which cannot")


@pytest.mark.parametrize(
    ("output", "start"),
    [
        ("error: No space left on device (os error 28)", "The disk that holds "),
        ("error: Permission denied (os error 13)", "Assayer keeps its environment in "),
        ("Hash mismatch for `django==5.2`", "The package index sent a file that is not the one"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "The package index sent a file that is not the"),
        ("invalid peer certificate: UnknownIssuer", "The package index's certificate is not"),
        ("client error (Connect)", "The package index cannot be reached"),
        ("NewConnectionError(...)", "The package index cannot be reached"),
        ("ERROR: No matching distribution found for uv", "The package index was not reached or"),
        ("error: a surprise", "Installing from requirements.lock failed: read var/bootstrap.log"),
    ],
)
def test_every_failure_of_the_installer_has_its_sentence(clone, output, start):
    bootstrap = clone.bootstrap
    sentence = bootstrap["advice_for"](output, bootstrap["RUNTIME"].lock)
    assert sentence.startswith(start)
    assert sentence.endswith(".")
    assert "run the command again" in sentence


def test_another_command_before_the_quickstart_says_what_to_run(clone):
    assert_one_sentence(clone.run("migrate"), "Assayer is not installed here yet: run `python3 ")


def test_another_command_runs_in_the_prepared_environment(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    done = clone.run("migrate", "--plan")
    assert done.stdout == f"ran with {clone.folder}/manage.py migrate --plan\n"


def test_another_command_does_not_run_in_a_stale_environment(clone):
    clone.install_fake_uv()
    clone.run("quickstart")
    with (clone.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert_one_sentence(clone.run("migrate"), "Assayer is not installed here yet")


def test_two_runs_take_turns(clone):
    clone.install_fake_uv()
    command = [BASE_PYTHON, "manage.py", "quickstart"]
    with (clone.folder / "var" / "bootstrap.lock").open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen(
            command,
            cwd=clone.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr.readline() == (
            "Waiting for another run that is preparing the same environment.\n"
        )
        assert clone.uv_calls == []
    output, _ = second.communicate(timeout=60)
    assert output == f"ran with {clone.folder}/manage.py quickstart\n"


def test_lock_compiles_the_three_files_alike(clone):
    clone.install_fake_uv()
    done = clone.run("lock", "--upgrade")
    assert done.returncode == 0
    common = "--universal --generate-hashes --no-emit-index-url --python-version 3.11 --upgrade"
    assert clone.uv_calls == [
        f"pip compile pyproject.toml {common} --output-file requirements.lock",
        f"pip compile pyproject.toml --group dev {common} --output-file requirements-dev.lock",
        f"pip compile --group tools {common} --output-file requirements-tools.lock",
    ]


def test_pips_settings_reach_uv(clone, tmp_path):
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    listing = (
        ":env:.index-url='https://env.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        f"global.cert='{certificate}'\n"
        "global.extra-index-url='https://a.example/simple\\nhttps://b.example/simple'\n"
        f"install.find-links='{tmp_path} /does/not/exist'\n"
        "global.proxy='http://proxy.example:3128'\n"
        "download.index-url='https://not-this.example/simple'\n"
    )
    bootstrap = clone.bootstrap
    options = bootstrap["pip_options"](listing)
    assert bootstrap["translate"](options) == {
        "UV_DEFAULT_INDEX": "https://env.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(tmp_path),
        "SSL_CERT_FILE": str(certificate),
        "HTTPS_PROXY": "http://proxy.example:3128",
        "HTTP_PROXY": "http://proxy.example:3128",
    }
    assert "UV_INDEX" not in bootstrap["translate"](options, extra_sources=False)


def test_without_settings_of_pip_uv_keeps_its_own(clone):
    assert clone.bootstrap["translate"]({}) == {}
