"""What `python3 manage.py test` starts beside pytest, and that it leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.services import default_options, only_prints, run_to_the_end
from tests.services.postgres import embedded_postgres
from tests.services.processes import OperatingSystemUser, may_enter, temporary_folder
from tests.services.redis import redis_url


def answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], ["-rs", "-n", "2"]),
        (["-m", "not slow"], ["-rs", "-n", "2"]),
        (["-n", "0"], ["-rs"]),
        (["-n4"], ["-rs"]),
        (["--numprocesses=3"], ["-rs"]),
        (["-p", "no:xdist"], ["-rs"]),
        (["--pdb"], ["-rs"]),
        (["tests/test_services.py"], ["-rs"]),
        (["tests/test_services.py::test_nothing"], ["-rs"]),
    ],
)
def test_the_whole_suite_runs_in_parallel_and_a_selection_does_not(arguments, options):
    assert default_options(arguments, cores=2) == options


def test_one_core_runs_one_process():
    assert default_options([], cores=1) == ["-rs"]


def test_many_cores_run_four():
    assert default_options([], cores=64) == ["-rs", "-n", "4"]


def test_a_question_about_pytest_starts_nothing():
    assert only_prints(["--markers"])
    assert not only_prints(["-m", "slow"])


@pytest.mark.slow
def test_embedded_postgres_runs_with_the_promised_settings_and_vanishes():
    with embedded_postgres() as url:
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT current_setting('fsync'), current_setting('TimeZone'),"
                " current_setting('server_encoding'), current_setting('max_connections')::int,"
                " current_setting('data_directory')"
            ).fetchone()
            assert row is not None
        *settings, connections, folder = row
        assert settings == ["off", "UTC", "UTF8"]
        assert connections >= 100
        assert Path(folder).is_dir()
        wrong = urlsplit(url)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgres://postgres:wrong@{wrong.hostname}:{wrong.port}/postgres")
    assert not answers(url)
    assert not Path(folder).parent.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)]
)
def test_services_end_with_a_run_that_is_ended(tmp_path, number, code):
    told = tmp_path / "url"
    program = (
        "import pathlib, signal, sys, time\n"
        "from tests.services import exit_on_signal\n"
        "from tests.services.postgres import embedded_postgres\n"
        "signal.signal(signal.SIGTERM, exit_on_signal)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    with embedded_postgres() as url:\n"
        f"        pathlib.Path({str(told)!r}).write_text(url)\n"
        "        time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "TMPDIR": "/tmp"},
    )
    try:
        deadline = time.monotonic() + 60
        while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        url = told.read_text()
        assert answers(url)
        process.send_signal(number)
        assert process.wait(30) == code
        assert not answers(url)
    finally:
        process.kill()
        process.wait()


def test_a_run_that_fails_gives_its_exit_code():
    assert run_to_the_end([sys.executable, "-c", "raise SystemExit(5)"], dict(os.environ)) == 5


def test_a_named_redis_is_used_as_it_is(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://redis.example:6379/3")
    with redis_url() as url:
        assert url == "redis://redis.example:6379/3"


def test_no_redis_is_said_and_is_no_failure(monkeypatch, capsys):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PATH", "/does/not/exist")
    monkeypatch.setattr("tests.services.redis.redis_answers", lambda port: False)
    with redis_url() as url:
        assert url == ""
    assert "Redis: none found, so the tests that need it are skipped." in capsys.readouterr().err


def test_a_temporary_folder_is_removed_after_a_failure():
    def fail_in_a_folder():
        with temporary_folder() as folder:
            folders.append(folder)
            (folder / "file").touch()
            raise ZeroDivisionError

    folders: list[Path] = []
    with pytest.raises(ZeroDivisionError):
        fail_in_a_folder()
    assert not folders[0].exists()


def test_another_user_needs_every_folder_above_to_be_open(tmp_path):
    (tmp_path / "open").mkdir()
    tmp_path.chmod(0o700)
    other = OperatingSystemUser("nobody", 65534, 65534)
    assert not may_enter(str(tmp_path / "open"), other)
    assert may_enter("/", other)
