"""The house of design sections 1 and 8: floors, rooms, file sizes, pinned packages."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = (
    "audit",
    "accounts",
    "jurisdictions",
    "attestations",
    "whitelist",
    "deployments",
    "compliance",
)
PACKAGES = {*APPS, "config", "tests", "benchmarks"}
# Made by tools, and never part of the repository.
GENERATED = {"var", "staticfiles", "node_modules", "__pycache__"}
LONGEST_FILE = 400
LONGER_FILES: frozenset[str] = frozenset()
PURE_NAMES = {"engine", "state_machine", "network_rules", "decision", "aggregation", "merkle"}
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def existing_apps() -> list[str]:
    return [app for app in APPS if any((ROOT / app).glob("*.py"))]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def contracts() -> dict[str, dict[str, Any]]:
    return {contract["id"]: contract for contract in project()["tool"]["importlinter"]["contracts"]}


def files_of_the_tree() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = parts[0].startswith(".") and parts[0] not in {".ci", ".github"}
        if path.is_file() and not hidden and GENERATED.isdisjoint(parts):
            yield path


def test_imports_keep_the_three_contracts():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 3 kept, 0 broken." in done.stdout


def test_every_app_is_under_every_contract_and_type_checked():
    tool = project()["tool"]
    apps = set(existing_apps())
    apis = {f"{app}.api" for app in apps if (ROOT / app / "api" / "__init__.py").exists()}
    assert apps <= set(tool["importlinter"]["root_packages"])
    assert apps <= set(tool["mypy"]["files"])
    assert apis <= set(contracts()["domain"]["forbidden_modules"])


def test_every_pure_module_is_under_the_pure_contract():
    pure = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for app in existing_apps()
        for path in (ROOT / app).rglob("*")
        if path.stem in PURE_NAMES and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    covered = tuple(f"{module}." for module in contracts()["pure"]["source_modules"])
    assert {module for module in pure if not f"{module}.".startswith(covered)} == set()


def test_no_other_top_level_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - GENERATED
    assert packages <= PACKAGES
    assert {path.name for path in ROOT.glob("*.py")} == {"manage.py"}


def test_no_file_of_the_project_is_too_long():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files_of_the_tree()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {*APPS, "config"}
    }
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    assert set(too_long) == LONGER_FILES, too_long


def test_nothing_reads_outside_the_tree():
    # Spelled in two parts, so that this file does not find itself.
    outside = re.compile(rb"\.\./" + rb"shared|/work" + rb"/")
    found = [
        str(path.relative_to(ROOT))
        for path in files_of_the_tree()
        if outside.search(path.read_bytes())
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_place_to_load_from(lock):
    text = lock.read_text(encoding="utf-8").lower()
    options = [line for line in text.splitlines() if line.startswith(("-", "git+", "file:"))]
    assert "http" not in text.replace("aiohttp", "")  # a package of that name is no address
    assert options == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_pins_every_package_by_version_and_hash(lock):
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    pinned = re.compile(
        r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}"
    )
    assert [line for line in lines if not pinned.match(line)] == []


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("requirements.lock", ()),
        ("requirements-dev.lock", ("dev",)),
        ("requirements-tools.lock", ("tools",)),
    ],
)
def test_lock_holds_what_pyproject_asks_for(lock, groups):
    table = project()
    wanted = [requirement for group in groups for requirement in table["dependency-groups"][group]]
    if lock != "requirements-tools.lock":
        wanted += table["project"]["dependencies"]
    names = {re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0].lower() for requirement in wanted}
    locked = set(
        re.findall(r"^([a-z0-9._-]+)(?:\[.*?\])?==", (ROOT / lock).read_text(), re.MULTILINE)
    )
    assert names <= locked


def test_the_development_lock_agrees_with_the_one_of_production():
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*?\])?==(\S+)", text, re.MULTILINE))

    production, development = versions("requirements.lock"), versions("requirements-dev.lock")
    assert production.items() <= development.items()
