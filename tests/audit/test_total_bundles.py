"""No change of a bundle goes unnoticed by the verifier that strangers run.

The verifier computes the root from the leaf of every position. A changed line gives, by the
verifier's own function, another leaf; for each of them that is asked, and that no other leaf at
this position leads to the signed root is computed along the path to it. A sample of every kind is
put to the whole verifier, in a bundle, and so is every change of the small files.
"""

import json
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest

from audit.log_key import log_key
from audit.models import AuditCheckpoint, AuditEvent
from audit.principal import SYSTEM
from audit.proofs import inclusion_proof, root_from_inclusion
from audit.tiles import TileNodes
from audit.trail import bundle_make
from tests.audit.logs import SIZE, signed, thousand
from tests.audit.mutations import changes

pytestmark = pytest.mark.django_db(transaction=True)
VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "verify" / "verify_audit.py"
CHOSEN = random.Random(20_261_122)
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    specification = spec_from_file_location("verify_audit", VERIFIER)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    # Its Ed25519 is plain Python: the same checkpoint is checked once.
    module.signed_tree = lru_cache(module.signed_tree)  # type: ignore[attr-defined]
    return module


def opened(content: bytes) -> Files:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refused(verifier: ModuleType, files: Files) -> bool:
    """Whether the whole verifier refuses a bundle of these files, in one of the ways it catches."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    try:
        verifier.check(made, log_key().text)
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile):
        return True
    return False


def test_every_byte_of_every_event_is_bound(verifier: ModuleType) -> None:
    thousand()
    files = opened(bundle_make(actor=SYSTEM, events=AuditEvent.objects.all(), criteria="").content)
    assert not refused(verifier, files)
    lines = files["events.ndjson"].split(b"\n")[:-1]
    root = bytes.fromhex(AuditCheckpoint.objects.order_by("-size")[0].root)
    leaves_of: Callable[..., Iterator[bytes]] = verifier.leaves_of
    nodes, found = TileNodes(), 0
    for position, line in enumerate(lines):
        proof = inclusion_proof(nodes, position, SIZE)
        (leaf,) = leaves_of([line], [0], b"")
        assert root_from_inclusion(leaf, position, SIZE, proof) == root
        for other in changes(line):
            (leaf,) = leaves_of([other], [0], b"")
            assert root_from_inclusion(leaf, position, SIZE, proof) != root
            found += 1
    assert found == sum(map(len, lines)) > 400_000
    content = files["events.ndjson"]
    for at in CHOSEN.sample(range(len(content)), 30):
        other = content[:at] + bytes([content[at] ^ CHOSEN.randrange(1, 256)]) + content[at + 1 :]
        assert refused(verifier, {**files, "events.ndjson": other})
    print(f"{found:,} changes of lines, each of them found")  # noqa: T201


def test_every_byte_of_the_other_files_is_bound(verifier: ModuleType) -> None:
    """The checkpoint, the positions and the withheld leaves, all put to the whole verifier."""
    signed(24)
    own = AuditEvent.objects.order_by("seq")[::3]
    shown = AuditEvent.objects.filter(seq__in=[event.seq for event in own])
    files = opened(bundle_make(actor=SYSTEM, events=shown, criteria="").content)
    assert not refused(verifier, files)
    assert len(files["withheld.bin"]) == 16 * 32
    found = 0
    for name in ("checkpoint.txt", "positions.json", "withheld.bin"):
        for other in changes(files[name]):
            assert refused(verifier, {**files, name: other}), (name, other)
            found += 1
    assert found == sum(len(files[name]) for name in ("checkpoint.txt", "positions.json")) + 512
    print(f"{found:,} changes of the other files, each of them found")  # noqa: T201


def test_every_event_taken_away_put_in_moved_or_cut_is_found(verifier: ModuleType) -> None:
    signed(24)
    files = opened(bundle_make(actor=SYSTEM, events=AuditEvent.objects.all(), criteria="").content)
    lines = files["events.ndjson"].splitlines(keepends=True)
    positions = json.loads(files["positions.json"])
    found = 0

    def is_found(changed: list[bytes], at: list[int]) -> None:
        nonlocal found
        other = {"events.ndjson": b"".join(changed), "positions.json": json.dumps(at).encode()}
        assert refused(verifier, {**files, **other})
        found += 1

    for number, line in enumerate(lines):
        rest = [*lines[:number], *lines[number + 1 :]]
        is_found(rest, positions)
        is_found(rest, positions[:-1])
        is_found([*lines[:number], line, *lines[number:]], positions)
        is_found([*lines[:number], line, *lines[number:]], [*positions, len(lines)])
        is_found(lines[:number], positions[:number])
        for other in range(number + 1, len(lines)):
            swapped = list(lines)
            swapped[number], swapped[other] = lines[other], line
            is_found(swapped, positions)
    assert found == 5 * 24 + 24 * 23 // 2
