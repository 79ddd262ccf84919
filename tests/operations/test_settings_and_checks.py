"""Settings: what production demands, by name; secrets from files; migrations there and back."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.operations.processes import PRODUCTION, ROOT, manage, python

pytestmark = pytest.mark.slow

SHORT = "x" * 31
# Each requirement of production: the one thing that is missing, by environment or as a setting.
MISSING: dict[str, tuple[dict[str, str], str]] = {
    "E001": ({"SECRET_KEY": SHORT}, ""),
    "E002": ({}, "TIME_ZONE = 'Europe/Berlin'"),
    "E003": ({"DATABASE_URL": "sqlite:////nonexistent/x.sqlite3"}, ""),
    "E004": ({"REDIS_URL": ""}, ""),
    "E005": ({"CELERY_BROKER_URL": ""}, ""),
    "E006": ({"ARC14_REALMS": ""}, ""),
    "E007": ({"JWT_SIGNING_KEY": SHORT}, ""),
    "E008": ({"SECURE_SSL_REDIRECT": "false"}, ""),
    "E009": ({"ALLOWED_HOSTS": ""}, ""),
    "E010": ({}, "DEBUG = True"),
    "E011": ({}, "ARC14_ASSUME_NOT_REKEYED = True"),
    "E012": ({}, "ARC14_MAX_ANCHOR_AGE = __import__('datetime').timedelta(hours=6, seconds=1)"),
    "E013": ({}, "RETENTION_YEARS = {'compliance_audit_event': 6}"),
    "E014": ({"REPORT_SIGNING_KEY": ""}, ""),
    "E015": ({"AUDIT_ORIGIN": "assayer.invalid/log"}, ""),
    "E016": ({"AUDIT_ANCHORS": "ftp://somewhere"}, ""),
}
ALSO_MISSING: list[tuple[str, dict[str, str], str]] = [
    ("E002", {}, "USE_TZ = False"),
    (
        "E004",
        {},
        "CACHES['default'] = {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}",
    ),
    ("E007", {"JWT_SIGNING_KEY": PRODUCTION["SECRET_KEY"]}, ""),
    ("E008", {}, "SESSION_COOKIE_SECURE = False"),
    ("E009", {"ALLOWED_HOSTS": "*"}, ""),
    ("E010", {}, "DEMO_ENABLED = True"),
    ("E014", {"REPORT_SIGNING_KEY": "AAAA"}, ""),
    ("E015", {"AUDIT_ORIGIN": ""}, ""),
    ("E015", {"AUDIT_ORIGIN": "assayer.example.com/the log"}, ""),
    ("E016", {"AUDIT_WITNESS_KEYS": "no+key"}, ""),
    ("E016", {"AUDIT_RETIRED_KEYS": "no+key"}, ""),
]

# Asks for the checks as `manage.py check` does, in one process for many settings.
_REPORT = """
import json, sys, django
from django.core.checks import run_checks
django.setup()
print(json.dumps(sorted(found.id for found in run_checks() if found.id.startswith("assayer."))))
"""


def _ids(variables: dict[str, str], setting: str, folder: Path) -> list[str]:
    given = {**PRODUCTION, **variables}
    if setting:
        (folder / "broken_production.py").write_text(
            f"from config.settings.production import *\n{setting}\n"
        )
        given["DJANGO_SETTINGS_MODULE"] = "broken_production"
        given["PYTHONPATH"] = f"{folder}:{ROOT}"
    done = python("-c", _REPORT, **given)
    assert done.returncode == 0, done.stderr[-2_000:]
    ids: list[str] = json.loads(done.stdout.splitlines()[-1])
    return ids


def test_every_check_has_a_case() -> None:
    declared = set(re.findall(r"E0\d\d", (ROOT / "config" / "checks.py").read_text()))
    assert declared == set(MISSING)


@pytest.mark.parametrize("code", sorted(MISSING))
def test_a_check_fires_for_its_one_missing_requirement(code: str, tmp_path: Path) -> None:
    variables, setting = MISSING[code]
    assert _ids(variables, setting, tmp_path) == [f"assayer.{code}"]


@pytest.mark.parametrize(("code", "variables", "setting"), ALSO_MISSING)
def test_a_check_fires_for_every_form_of_it(
    code: str, variables: dict[str, str], setting: str, tmp_path: Path
) -> None:
    assert _ids(variables, setting, tmp_path) == [f"assayer.{code}"]


def test_production_with_everything_is_silent() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "System check identified no issues" in done.stdout


def test_check_names_what_is_missing_and_what_to_do() -> None:
    done = manage("check", **{**PRODUCTION, "JWT_SIGNING_KEY": ""})
    assert done.returncode == 1
    assert "assayer.E007" in done.stderr
    assert "Set JWT_SIGNING_KEY" in done.stderr


def test_other_environments_are_not_asked() -> None:
    for name in ("development", "test"):
        done = manage("check", DJANGO_SETTINGS_MODULE=f"config.settings.{name}")
        assert done.returncode == 0, done.stderr[-2_000:]
        assert "assayer." not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "start",
    [
        ("-c", "import config.wsgi; print('started')"),
        ("-m", "celery", "-A", "config", "worker", "--pool", "solo"),
        ("-m", "celery", "-A", "config", "beat", "--schedule", "{folder}/schedule"),
    ],
    ids=["web", "worker", "beat"],
)
def test_no_process_starts_without_what_production_demands(
    start: tuple[str, ...], tmp_path: Path
) -> None:
    command = [part.format(folder=tmp_path) for part in start]
    done = python(*command, **{**PRODUCTION, "SECRET_KEY": SHORT})
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "assayer.E001" in done.stderr
    assert SHORT not in done.stderr


def test_the_web_process_starts_with_it() -> None:
    done = python("-c", "import config.wsgi; print('started')", **PRODUCTION)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "started"), done.stderr


def test_debug_in_the_environment_does_not_weaken_production() -> None:
    code = "from django.conf import settings as s; print(s.DEBUG, s.DEMO_ENABLED, s.ENVIRONMENT)"
    given = {**PRODUCTION, "DEBUG": "true", "DEMO_ENABLED": "true", "ENVIRONMENT": "development"}
    done = python("-c", code, **given)
    assert done.stdout.split() == ["False", "False", "production"]


@pytest.mark.parametrize("command", ["quickstart", "sign_arc14"])
def test_what_is_for_development_refuses_in_production(command: str) -> None:
    done = manage(command, **PRODUCTION)
    assert done.returncode == 1
    assert "development only" in done.stderr


SECRETS = {
    "SECRET_KEY": "s.SECRET_KEY",
    "JWT_SIGNING_KEY": "s.SIMPLE_JWT['SIGNING_KEY']",
    "REDIS_URL": "s.CACHES['default']['LOCATION']",
    "CELERY_BROKER_URL": "s.CELERY_BROKER_URL",
    "REPORT_SIGNING_KEY": "s.REPORT_SIGNING_KEY",
    "ARC14_ALGOD_TOKEN": "s.ARC14_ALGOD_TOKEN",
    "DATABASE_URL": "'postgres://%(USER)s:%(PASSWORD)s@%(HOST)s:%(PORT)s/%(NAME)s'"
    " % s.DATABASES['default']",
}


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    wanted = {**PRODUCTION, "ARC14_ALGOD_TOKEN": "node-token"}
    variables = {name: value for name, value in PRODUCTION.items() if name not in SECRETS}
    for name in SECRETS:
        file = tmp_path / name.lower()
        file.write_text(wanted[name] + "\n")  # as an editor or `echo` leaves it
        variables[f"{name}_FILE"] = str(file)
    shown = ", ".join(f"{name!r}: {expression}" for name, expression in SECRETS.items())
    code = f"import json; from django.conf import settings as s; print(json.dumps({{{shown}}}))"
    done = python("-c", code, **variables)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout) == {name: wanted[name] for name in SECRETS}
    assert manage("check", **variables).returncode == 0


def test_migrations_are_complete(tmp_path: Path) -> None:
    done = manage(
        "makemigrations",
        "--check",
        "--dry-run",
        DJANGO_SETTINGS_MODULE="config.settings.test",
        DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}",
    )
    assert (done.returncode, "No changes detected" in done.stdout) == (0, True), done.stdout


# Migrates, takes every app of ours back to nothing, and migrates again; prints the three schemas.
_THERE_AND_BACK = """
import json, django
django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import connection

OURS = ["compliance", "attestations", "whitelist", "deployments", "jurisdictions", "audit"]

def rows(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted([str(cell) for cell in row] for row in cursor.fetchall())

def schema():
    if connection.vendor == "sqlite":
        return rows("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return (
        rows("SELECT table_name, column_name, data_type, is_nullable, column_default "
             "FROM information_schema.columns WHERE table_schema = 'public'")
        + rows("SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
               "WHERE connamespace = 'public'::regnamespace")
        + rows("SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        + rows("SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid) FROM pg_trigger "
               "WHERE NOT tgisinternal")
        + rows("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    )

def tables():
    return sorted(connection.introspection.table_names())

call_command("migrate", verbosity=0)
there = schema()
call_command("migrate", "admin", "zero", verbosity=0)
call_command("migrate", "token_blacklist", "zero", verbosity=0)
for app in OURS + ["accounts"]:
    call_command("migrate", app, "zero", verbosity=0)
left = [t for t in tables() if t.split("_")[0] in OURS + ["accounts"]]
gone = schema()
call_command("migrate", verbosity=0)
print(json.dumps({"there": there, "left": left, "gone": len(gone), "again": schema()}))
"""


def _assert_reversible(url: str) -> None:
    done = python(
        "-c", _THERE_AND_BACK, DJANGO_SETTINGS_MODULE="config.settings.test", DATABASE_URL=url
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["left"] == []
    assert found["gone"] < len(found["there"]) / 2
    assert found["again"] == found["there"]


def test_migrations_go_back_and_forth_on_sqlite(tmp_path: Path) -> None:
    _assert_reversible(f"sqlite:///{tmp_path / 'there.sqlite3'}")


@pytest.fixture
def empty_postgres() -> Iterator[str]:
    """Give the URL of a new database beside the one of the tests, and drop it afterwards."""
    given = settings.DATABASES["default"]
    server = {
        "host": given["HOST"],
        "port": given["PORT"] or 5432,
        "user": given["USER"],
        "password": given["PASSWORD"] or None,
    }
    name = f"{given['NAME']}_there_and_back"
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            secret = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
            yield f"postgres://{given['USER']}{secret}@{server['host']}:{server['port']}/{name}"
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.mark.postgres
def test_migrations_go_back_and_forth_on_postgresql(empty_postgres: str) -> None:
    _assert_reversible(empty_postgres)
