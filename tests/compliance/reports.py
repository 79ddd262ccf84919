"""What the tests of reports share: asking for one, its file, the published ways to check it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.test import Client

from accounts.models import User
from tests.compliance.conftest import ASSET
from tests.factories import client_for

URL = "/api/v1/compliance/reports"
KEYS = "/.well-known/assayer-keys.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "verify-a-report.md"


def generate(user: User, **body: Any) -> dict[str, Any]:
    response = client_for(user).post(URL, {"assetId": ASSET, **body}, format="json")
    assert response.status_code == 200, response.content
    report: dict[str, Any] = response.json()["report"]
    return report


def check(user: User, raw: bytes) -> dict[str, Any]:
    """Return what the service says of a file."""
    response = client_for(user).post(f"{URL}/verify", raw, content_type="application/json")
    assert response.status_code == 200, response.content
    verification: dict[str, Any] = response.json()["verification"]
    return verification


def failed(verification: dict[str, Any]) -> list[str]:
    return [one["name"] for one in verification["findings"] if not one["holds"]]


def published_keys() -> bytes:
    return Client().get(KEYS).content


def block(language: str) -> str:
    """Return the first code block of this language in the document on verifying."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def run_python(folder: Path, raw: bytes, keys: bytes) -> subprocess.CompletedProcess[str]:
    """Run the document's lines of Python on a file, away from the project."""
    (folder / "verify_report.py").write_text(block("python"))
    return _run(
        folder, raw, keys, [sys.executable, "-I", "verify_report.py", "report.json", "keys.json"]
    )


def run_shell(folder: Path, raw: bytes, keys: bytes) -> subprocess.CompletedProcess[str]:
    """Run the document's commands of openssl on a file."""
    return _run(folder, raw, keys, ["sh", "-c", block("sh")])


def _run(
    folder: Path, raw: bytes, keys: bytes, command: list[str]
) -> subprocess.CompletedProcess[str]:
    (folder / "report.json").write_bytes(raw)
    (folder / "keys.json").write_bytes(keys)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
