"""The programs of docs/evidence.md, run as they are printed there, away from the project."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Token, User
from attestations.services import attestation_revoke
from tests.compliance.conftest import attest
from tests.compliance.reports import published_keys
from tests.compliance.test_packages import STORED, many, package, post
from tests.factories import client_for

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[2] / "docs" / "evidence.md"


def program(number: int) -> str:
    return re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[number]


def run(folder: Path, number: int, *files: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program(number))
    names = [f"{at}.json" for at in range(len(files))]
    for name, content in zip(names, files, strict=True):
        (folder / name).write_bytes(content)
    command = [sys.executable, "-I", "program.py", *names]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def forged(raw: bytes, *path: str) -> bytes:
    document = json.loads(raw)
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = "2026-01-01T00:00:00Z"
    return json.dumps(document).encode()


def test_a_package_is_verified(
    compliant_token: Token, owner: User, tmp_path: Path, settings: Any
) -> None:
    many(compliant_token, owner, 101)
    address = f"{STORED}/{package(owner)['packageId']}"
    raw, keys = client_for(owner).get(address).content, published_keys()
    done = run(tmp_path, 0, raw, keys)
    assert (done.returncode, done.stdout[:14]) == (0, "VALID: package"), done.stderr
    bare = json.dumps(json.loads(raw)["package"], indent=2).encode()
    assert run(tmp_path, 0, bare, keys).returncode == 0
    for path in (("package", "generatedAt"), ("package", "network"), ("package", "packageId")):
        assert run(tmp_path, 0, forged(raw, *path), keys).returncode == 1
    part = run(tmp_path, 0, post(owner).content, keys)
    assert (part.returncode, "NOT VALID" in part.stderr) == (1, True)
    settings.REPORT_SIGNING_KEY = settings.DEMO_REPORT_SIGNING_KEY
    assert run(tmp_path, 0, raw, published_keys()).returncode == 1


def test_a_credential_is_verified_until_it_is_revoked(
    compliant_token: Token, owner: User, officer: User, tmp_path: Path
) -> None:
    row = attest(owner, officer, "License", expires_at=timezone.now() + timedelta(days=2))
    raw = client_for(owner).get(f"/api/v1/compliance/attestations/{row.pk}?format=vc").content

    def listed() -> bytes:
        url = json.loads(raw)["credentialStatus"]["statusListCredential"]
        return Client().get(url.removeprefix("http://testserver")).content

    keys, before = published_keys(), listed()
    done = run(tmp_path, 1, raw, before, keys)
    assert (done.returncode, done.stdout) == (0, f"VALID: urn:uuid:{row.pk}\n"), done.stderr
    for wrong in (
        (forged(raw, "validUntil"), before, keys),
        (forged(raw, "credentialSubject", "network"), before, keys),
        (raw, forged(before, "id"), keys),
        (raw, before, b'{"keys": []}'),
    ):
        assert run(tmp_path, 1, *wrong).returncode == 1
    attestation_revoke(actor=officer, attestation_id=row.pk, reason="left")
    after = run(tmp_path, 1, raw, listed(), keys)
    assert (after.returncode, "revoked" in after.stderr) == (1, True)


def test_a_credential_that_ran_out_is_told(
    compliant_token: Token, owner: User, officer: User, tmp_path: Path
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=9)):
        row = attest(owner, officer, "License", expires_at=timezone.now() + timedelta(days=2))
        url = f"/api/v1/compliance/attestations/{row.pk}?format=vc"
        raw = client_for(owner).get(url).content
    lists = Client().get("/.well-known/assayer-status-lists/1").content
    done = run(tmp_path, 1, raw, lists, published_keys())
    assert (done.returncode, "expired" in done.stderr) == (1, True), done.stderr
