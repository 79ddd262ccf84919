"""Compile the contracts: `python -m deployments.chains.contracts.compile`. Needs node and npm."""

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from deployments.chains.contracts import FIXED, FOLDER, MINTABLE, artefact_path

PACKAGES: Final = FOLDER.parents[2] / "var"
SETTINGS: Final = {
    # Networks that are behind know no later instructions than those of paris.
    "evmVersion": "paris",
    "optimizer": {"enabled": True, "runs": 200},
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "metadata"]}},
}
_INSTALL_SECONDS: Final = 300
_COMPILE_SECONDS: Final = 120
_FILES: Final = ("package.json", "package-lock.json", ".npmrc")


class PackagesMissing(Exception):
    """The node packages are not here and cannot be installed; the message says why."""


class CompilationFailed(Exception):
    """The compiler refused the sources, or did not run; the message is its own."""


def packages() -> Path:
    """Return the `node_modules` that the lock asks for, installing them at most once per lock.

    Raises `PackagesMissing` where there is no npm, or it cannot install.
    """
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in _FILES)).hexdigest()
    folder = PACKAGES / f"node-{digest[:16]}"
    PACKAGES.mkdir(exist_ok=True)
    with (PACKAGES / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PackagesMissing("npm is not installed.")
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in _FILES:
        shutil.copy(FOLDER / name, part / name)
    command = [npm, "ci", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        done = subprocess.run(
            command, cwd=part, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise PackagesMissing(f"npm ci took more than {_INSTALL_SECONDS} seconds.") from problem
    if done.returncode != 0:
        # The rest of what it says names the registry.
        code = re.search(r"^npm (?:error|ERR!) code (\w+)$", done.stderr, re.MULTILINE)
        raise PackagesMissing(f"npm ci failed ({code[1] if code else done.returncode}).")
    part.rename(folder)


def compile_contract(name: str, modules: Path) -> str:
    """Return the artefact of one contract as JSON text; `modules` holds solc and the libraries."""
    node = shutil.which("node")
    if node is None:
        raise CompilationFailed("node is not installed.")
    source = f"{name}.sol"
    question = {
        "language": "Solidity",
        "sources": {source: {"urls": [source]}},
        "settings": SETTINGS,
    }
    command = [node, str(modules / "solc" / "solc.js"), "--standard-json"]
    command += ["--base-path", str(FOLDER), "--include-path", str(modules)]
    # solc ends without waiting for a pipe to take all of its answer; a file does at once.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            input=json.dumps(question).encode(),
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=_COMPILE_SECONDS,
            check=False,
        )
        output.seek(0)
        text = output.read().decode()
    if done.returncode != 0:
        raise CompilationFailed(done.stderr.decode(errors="replace") or text)
    # A line about solvers that are not there comes first.
    answer = json.loads(text[text.index("{") :])
    if problems := answer.get("errors"):
        raise CompilationFailed("\n".join(one["formattedMessage"] for one in problems))
    contract = answer["contracts"][source][name]
    document = _document(name, contract, sorted(answer["sources"]), modules)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _document(
    name: str, contract: dict[str, Any], sources: list[str], modules: Path
) -> dict[str, Any]:
    metadata = json.loads(contract["metadata"])
    library = json.loads((modules / "@openzeppelin/contracts/package.json").read_text())
    paths = {path: FOLDER / path if "/" not in path else modules / path for path in sources}
    return {
        "contract": name,
        "compiler": metadata["compiler"]["version"],
        "settings": {key: SETTINGS[key] for key in ("evmVersion", "optimizer")},
        "library": f"@openzeppelin/contracts {library['version']} ({library['license']})",
        "sourceSha256": {
            path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in paths.items()
        },
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
    }


def main() -> None:
    modules = packages()
    for name in (FIXED, MINTABLE):
        text = compile_contract(name, modules)
        path = artefact_path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
