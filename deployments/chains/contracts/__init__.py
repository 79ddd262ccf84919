"""Our own token contracts: their sources, how they are compiled, and what came of it.

The artefacts are what is deployed. `python -m deployments.chains.contracts.compile` makes them
from the sources and the packages that `package-lock.json` pins, byte for byte the same each time.
They contain parts of OpenZeppelin Contracts (`LICENSE.openzeppelin`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
FIXED: Final = "AssayerFixedToken"
MINTABLE: Final = "AssayerMintableToken"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A compiled contract: its interface, and the code that creates it."""

    abi: Sequence[Any]
    bytecode: bytes


def artefact_path(name: str) -> Path:
    """Return where the compiled contract is kept."""
    return FOLDER / "artefacts" / f"{name}.json"


@cache
def artefact(name: str) -> Artefact:
    """Return the compiled contract `FIXED` or `MINTABLE`."""
    document = json.loads(artefact_path(name).read_text(encoding="utf-8"))
    return Artefact(document["abi"], bytes.fromhex(document["bytecode"].removeprefix("0x")))
