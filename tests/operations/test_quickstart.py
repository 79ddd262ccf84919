"""`manage.py quickstart`: a newcomer's first command works, twice, and what it prints is true."""

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from compliance.demo import COMPLIANT, PASSWORD, SEED_ARAMID, SEED_VOI, STAFF
from tests.operations.processes import PRODUCTION, Running, manage, web

pytestmark = pytest.mark.slow

# What a second run may add to: it reads, and seals what it did.
GROWING = {
    "audit_auditcheckpoint",
    "audit_auditevent",
    "audit_auditseal",
    "audit_auditverification",
}
AGAIN = {
    "compliance.report.reused",
    "audit.trail.verified",
    "compliance.metadata.read",
    "compliance.metadata.listed",
}


def quickstart(database: Path) -> subprocess.CompletedProcess[str]:
    done = manage("quickstart", "--no-serve", **development(database))
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-3_000:]
    return done


def development(database: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": f"sqlite:///{database}",
    }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quickstart") / "new folder" / "assayer.sqlite3"


@pytest.fixture(scope="module")
def first(database: Path) -> str:
    """What the first run prints."""
    return quickstart(database).stdout


def rows(database: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(statement).fetchall()


def counts(database: Path) -> dict[str, int]:
    names = rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        str(name): int(str(rows(database, f'SELECT COUNT(*) FROM "{name}"')[0][0]))
        for (name,) in names
        if not str(name).startswith("sqlite_")
    }


def test_it_says_what_it_does_and_prints_a_compliant_report(first: str) -> None:
    for words in ("Migrating the database", "Loading jurisdictions", "Loading demo data"):
        assert words in first
    (report,) = re.findall(rf"Report (\S+) on asset {COMPLIANT} \((\S+)\): (\w+)\n", first)
    assert report[2] == "Compliant"
    rationale = re.findall(r"^  (\w+) +([a-z_]+\.[a-z_0-9.]+): (.+)$", first, flags=re.MULTILINE)
    assert len(rationale) >= 10
    assert {verdict for verdict, _, _ in rationale} == {"Pass"}
    assert "Refused, as the seed says: VOI network requires" in first
    assert re.search(r"Audit trail: \d+ events sealed and verified", first)


def test_the_seed_examples_are_there(first: str, database: Path) -> None:
    found = rows(
        database,
        "SELECT t.asset_id, s.status FROM accounts_token t "
        "JOIN compliance_compliancemetadata m ON m.token_id = t.id "
        "JOIN compliance_tokenstatus s ON s.token_id = t.id ORDER BY t.asset_id",
    )
    assert [asset for asset, _ in found] == sorted([SEED_VOI, SEED_ARAMID, COMPLIANT])
    refused = rows(
        database,
        "SELECT asset_id, success FROM audit_auditevent "
        "WHERE name = 'compliance.metadata.create_failed'",
    )
    assert refused == [(12346, 0)]


def test_a_second_run_adds_nothing_but_reads_and_reports(first: str, database: Path) -> None:
    before = counts(database)
    ((last,),) = rows(database, "SELECT MAX(seq) FROM audit_auditevent")
    second = quickstart(database).stdout
    after = counts(database)
    assert {name for name in after if after[name] != before[name]} <= GROWING
    added = rows(database, f"SELECT DISTINCT name FROM audit_auditevent WHERE seq > {last}")
    assert {name for (name,) in added} <= AGAIN
    # Nothing changed: the stored report is given again.
    assert after["compliance_compliancereport"] == before["compliance_compliancereport"] == 1
    assert f"on asset {COMPLIANT} (voimain-v1.0): Compliant" in second


@pytest.fixture(scope="module")
def server(
    first: str, database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with web(tmp_path_factory.mktemp("served"), **development(database)) as running:
        yield running


@pytest.mark.parametrize(("email", "roles"), [(email, roles) for email, _, roles in STAFF])
def test_every_printed_log_in_works(
    server: Running, first: str, email: str, roles: tuple[str, ...]
) -> None:
    assert email in first
    assert PASSWORD in first
    login = requests.post(
        f"{server.url}/api/v1/auth/login", json={"email": email, "password": PASSWORD}, timeout=20
    )
    assert login.status_code == 200, login.text
    bearer = {"Authorization": f"Bearer {login.json()['accessToken']}"}
    profile = requests.get(f"{server.url}/api/v1/auth/profile", headers=bearer, timeout=20).json()
    assert (profile["email"], profile["roles"]) == (email, sorted(str(role) for role in roles))
    status = requests.get(
        f"{server.url}/api/v1/compliance/{SEED_VOI}/status", headers=bearer, timeout=20
    )
    assert status.status_code == 200
    assert status.json()["status"]["assetId"] == SEED_VOI
    log = requests.get(
        f"{server.url}/api/v1/compliance/audit-log?assetId={COMPLIANT}", headers=bearer, timeout=20
    ).json()
    assert log["totalCount"] > 0


def test_the_printed_signature_works(server: Running, first: str) -> None:
    (header,) = re.findall(r"Authorization: (SigTx \S+)$", first, flags=re.MULTILINE)
    answer = requests.get(
        f"{server.url}/api/v1/auth/profile", headers={"Authorization": header}, timeout=20
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["algorandAddress"]) == 58
    assert [issuer["legalName"] for issuer in answer.json()["issuers"]] == [
        "Meridian Warehousing GmbH"
    ]


def test_the_printed_calls_name_paths_that_exist(server: Running, first: str) -> None:
    paths = set(re.findall(r"http://127\.0\.0\.1:8000(/[^\s'\"):]*)", first))
    assert {"/admin/", "/api/docs"} <= paths
    for path in paths:
        assert requests.get(f"{server.url}{path}", timeout=20).status_code != 404, path


def test_it_refuses_outside_development(tmp_path: Path) -> None:
    database = tmp_path / "untouched.sqlite3"
    for variables in (
        PRODUCTION,
        {**development(database), "DJANGO_SETTINGS_MODULE": "config.settings.test"},
    ):
        done = manage("quickstart", "--no-serve", **variables)
        assert done.returncode == 1
        assert "development only" in done.stderr
        assert "Traceback" not in done.stderr
    assert not database.exists()


def test_the_log_of_the_demo_is_in_order(first: str, database: Path) -> None:
    bodies = [
        json.loads(str(body)) for (body,) in rows(database, "SELECT body FROM audit_auditevent")
    ]
    assert all(body["actor"] for body in bodies)
    verified = rows(database, "SELECT intact FROM audit_auditverification")
    assert {intact for (intact,) in verified} == {1}
