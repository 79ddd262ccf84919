"""Sealers that are killed: under load, at every statement, and two at a time.

Whatever was committed is sealed once, whatever was signed on the way stays a prefix.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from audit.checkpoints import checkpoint_sign
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal
from audit.principal import SYSTEM
from audit.proofs import tree_root
from audit.seal import seal_events
from audit.services import record_event
from audit.tiles import TileNodes, sealed_places
from audit.verification import read_again
from tests.audit.logs import recorded, signed
from tests.audit.sealers import ROOT, Sealers, url_of
from tests.factories import wait_for_horizon
from tests.services.postgres import embedded_postgres, postgres_binaries, postgres_package

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
KILLS, WRITERS, KILLED = 40, 4, "-9"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path / "last"


@pytest.fixture
def sealers(outside: Path) -> Iterator[Sealers]:
    url = url_of(connection.settings_dict)
    with Sealers(url, AUDIT_CHECKPOINT_FILE=str(outside)) as found:
        yield found


def assert_sealed_once(seen: set[tuple[int, str]]) -> int:
    """All that is committed is in the tree once, and whatever was signed is a prefix of it."""
    wait_for_horizon()
    seal_events()
    checkpoint_sign()
    committed = set(AuditEvent.objects.values_list("seq", flat=True))
    size = AuditSeal.objects.order_by("-size")[0].size
    places = sealed_places(0, size)
    assert (len(places), set(places)) == (size, committed)
    seen |= set(AuditCheckpoint.objects.values_list("size", "root"))
    nodes = TileNodes()
    assert {(at, tree_root(nodes, at).hex()) for at, _ in seen} == seen
    assert read_again().problem == ""
    return size


def write(stop: threading.Event, seed: int) -> None:
    chance = random.Random(seed)
    while not stop.is_set():
        try:
            with transaction.atomic():
                record_event("compliance.metadata.listed", actor=SYSTEM, item_count=seed)
                # Now and then one stays open while several seals are made.
                time.sleep(chance.choice((0, 0, 0.002, 0.02, 0.4)))
                record_event("compliance.metadata.listed", actor=SYSTEM, item_count=-seed)
                if chance.random() < 0.1:
                    raise ValueError
        except ValueError:
            pass
    connection.close()


def test_a_sealer_killed_under_load_loses_and_repeats_nothing(sealers: Sealers) -> None:
    stop, chance = threading.Event(), random.Random(40)
    threads = [threading.Thread(target=write, args=(stop, seed)) for seed in range(1, WRITERS + 1)]
    for thread in threads:
        thread.start()
    seen: set[tuple[int, str]] = set()
    killed = 0
    try:
        for number in range(KILLS):
            # Every other time two of them run at once.
            pids = [sealers.order("start") for _ in range(1 + number % 2)]
            time.sleep(chance.uniform(0.02, 0.5))
            assert set(sealers.order("kill", *pids).split()) == {KILLED}
            killed += len(pids)
            seen |= set(AuditCheckpoint.objects.values_list("size", "root"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    before = AuditSeal.objects.count()
    size = assert_sealed_once(seen)
    assert before > 10  # they were killed at their work
    print(f"{killed} sealers killed, {before} seals, {size} events sealed once")  # noqa: T201


def test_a_sealer_killed_after_any_statement_leaves_a_valid_tree(sealers: Sealers) -> None:
    """Between batch, tiles, seal and checkpoint; the last round runs to its end."""
    signed(250)  # so that a tile fills up, and one begins, on the way
    for number in range(1, 100):
        recorded(3)
        code = sealers.order("after", number)
        assert read_again().problem == ""
        if code == "0":
            break
        assert code == KILLED
    assert (code, number > 10) == ("0", True)
    assert_sealed_once(set())
    print(f"killed after each of {number - 1} statements")  # noqa: T201


def test_a_sealer_killed_between_the_file_and_the_commit_goes_on(
    sealers: Sealers, outside: Path
) -> None:
    recorded(3)
    assert sealers.order("file") == KILLED
    assert not AuditCheckpoint.objects.exists()
    kept = outside.read_text(encoding="utf-8")
    recorded(2)
    assert sealers.order("seal") == "0"
    assert AuditCheckpoint.objects.get().size == 5
    assert outside.read_text(encoding="utf-8") == AuditCheckpoint.objects.get().note != kept
    assert_sealed_once(set())


def test_a_dump_with_rows_pending_is_restored_and_sealed_to_the_end(tmp_path: Path) -> None:
    """Into another cluster, where transaction ids begin anew; a newer checkpoint finds it old."""
    binaries, dump = postgres_binaries(postgres_package()), tmp_path / "dump.sql"
    told_version = subprocess.check_output([binaries / "pg_dump", "--version"], text=True)
    if int(told_version.split()[2].split(".")[0]) != connection.pg_version // 10_000:  # type: ignore[attr-defined]
        pytest.skip("pg_dump is not of the version of this server")
    signed(300)
    recorded(7)
    source = url_of(connection.settings_dict)
    subprocess.run([binaries / "pg_dump", "--no-owner", "--file", dump, source], check=True)
    newer = tmp_path / "newer"
    newer.write_text(signed(5).note, encoding="utf-8")

    def verified(url: str, *options: str) -> tuple[int, str]:
        with Sealers(url) as sealers:
            assert sealers.order("seal") == "0"
            assert sealers.order("record") == "0"
            assert sealers.order("seal") == "0"
            done = subprocess.run(
                [sys.executable, "manage.py", "verify_audit", *options],
                cwd=ROOT,
                env=sealers.environment,
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode, done.stdout + done.stderr

    with embedded_postgres() as url:
        subprocess.run(
            [binaries / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump, url],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        assert verified(url) == (0, "intact: 308 sealed events\n")
        code, told = verified(url, "--against", str(newer))
        assert (code, f"{newer} is of 312 events; the log has 309" in told) == (1, True)
