"""No change of a sealed log goes unnoticed: every byte, every row, every order.

A change of one row is put to the functions of `audit.comparison` alone, with the rows as they were
read: `audit.verification` asks these same functions, row by row, and stops at the first answer, so
what one of them finds the command finds. A sample of each kind is made in the database, past the
triggers, and the command has to name the place.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import copy
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models

from audit.comparison import (
    COMPARED,
    checkpoint_problem,
    event_problem,
    seal_problem,
    tile_places,
    tile_problem,
    tile_root,
)
from audit.log_key import log_keys
from audit.merkle import Tree
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditTile
from audit.tiles import HASH, PLACE, sealed_leaves, sealed_places
from tests.audit.logs import SEALS, SIZE, thousand, triggers_off
from tests.audit.mutations import changes, undone

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
CHOSEN = random.Random(20_261_122)


class Log:
    """The rows of a sealed log as verification reads them."""

    def __init__(self) -> None:
        self.places, self.leaves = sealed_places(0, SIZE), sealed_leaves(0, SIZE)
        self.events = AuditEvent.objects.in_bulk(self.places)
        self.tiles = list(AuditTile.objects.order_by("level", "number"))
        self.seals = list(AuditSeal.objects.order_by("size"))
        self.checkpoints = list(AuditCheckpoint.objects.order_by("size"))
        self.trees: list[Tree] = []
        tree = Tree()
        for leaf in self.leaves:
            tree.append(leaf)
            if any(seal.size == tree.size for seal in self.seals):
                self.trees.append(Tree(tree.size, list(tree.frontier)))

    def order(self, number: int) -> list[tuple[int | None, int]]:
        first = self.seals[number - 1].size if number else 0
        places = self.places[first : self.seals[number].size]
        return [(self.events[place].xid, place) for place in places]

    def root_of(self, size: int) -> bytes:
        for tree in self.trees:
            if tree.size == size:
                return tree.root()
        raise LookupError(f"the log has {SIZE}")

    def event_is_found(self, event: AuditEvent, position: int) -> bool:
        """Whether the event, in place of the one at the position, is found and named."""
        place = self.places[position]
        problem = event_problem(event if event.seq == place else None, place, self.leaves[position])
        return problem.startswith(f"event {place}")


@pytest.fixture
def kept_log() -> Log:
    """A sealed log in the database, and its rows."""
    thousand()
    found = Log()
    assert (len(found.places), len(found.seals), len(found.checkpoints)) == (SIZE, SEALS, SEALS)
    assert read_again() == f"intact: {SIZE} sealed events"
    return found


_READ: list[Log] = []


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Log:
    """The rows of such a log, made once: nothing changes them."""
    if not _READ:
        _READ.append(request.getfixturevalue("kept_log"))
    return _READ[0]


def read_again(*options: str) -> str:
    out = StringIO()
    try:
        call_command("verify_audit", *options, stdout=out)
    except CommandError as problem:
        return str(problem)
    return out.getvalue().strip()


def others(row: models.Model, field: str) -> Iterator[models.Model]:
    """The row with each byte of the field changed; nothing made something, something nothing."""
    value = getattr(row, field)
    values: Iterator[Any] = changes(value) if value is not None else iter(())
    may_be_null = row._meta.get_field(field).null
    if may_be_null and value is None:
        column = row._meta.get_field(field)
        is_text, is_uuid = isinstance(column, models.CharField), column.name == "issuer_id"
        is_truth = isinstance(column, models.BooleanField)
        values = iter([uuid4() if is_uuid else True if is_truth else "1" if is_text else 1])
    for other in values:
        changed = copy(row)
        setattr(changed, field, other)
        yield changed
    if may_be_null and value is not None:
        changed = copy(row)
        setattr(changed, field, None)
        yield changed


def fields_of(model: type[models.Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}


def test_every_byte_of_every_event_is_bound(log: Log) -> None:
    """Bodies by their leaves, columns by the body, places by the tile and the seal."""
    assert fields_of(AuditEvent) == COMPARED | {"seq", "xid", "body"}
    found: Counter[str] = Counter()
    for position, place in enumerate(log.places):
        event = log.events[place]
        for field in (*COMPARED, "seq", "body"):
            for other in others(event, field):
                assert log.event_is_found(other, position), (position, field)
                found[field] += 1
    for number, seal in enumerate(log.seals):
        before, tree = log.seals[number - 1] if number else None, log.trees[number]
        order = log.order(number)
        for at, (xid, seq) in enumerate(order):
            for other in changes(xid or 0):
                changed = [*order[:at], (other, seq), *order[at + 1 :]]
                assert "the places of" in seal_problem(seal, before, tree, changed)
                found["xid"] += 1
    expected = Counter(
        {
            "body": sum(len(event.body.encode()) for event in log.events.values()),
            "id": SIZE * 16,
            "seq": SIZE * 8,
            "xid": SIZE * 8,
            "occurred_at": SIZE * 8,
            "success": SIZE,
        }
    )
    for event in log.events.values():
        for field in COMPARED - {"id", "occurred_at", "success"}:
            value = getattr(event, field)
            of_kind = {int: 8, bool: 1}.get(type(value), 16)
            length = len(value.encode()) if isinstance(value, str) else of_kind
            nullable = AuditEvent._meta.get_field(field).null
            expected[field] += 1 if value is None else length + nullable
    assert found == expected
    assert found["body"] > 400_000
    print(f"{sum(found.values()):,} changes of events, each of them found: {dict(found)}")  # noqa: T201


def test_every_row_taken_away_put_in_or_moved_is_found(log: Log) -> None:
    pairs = [(at, at + 1) for at in range(SIZE - 1)]
    pairs += [tuple(CHOSEN.sample(range(SIZE), 2)) for _ in range(1_000)]
    found = 0
    for position, place in enumerate(log.places):
        missing = event_problem(None, place, log.leaves[position])
        assert missing == f"event {place} is missing"
        found += 1
    for one, other in pairs:
        for at, by in ((one, other), (other, one)):
            event, changed = log.events[log.places[by]], copy(log.events[log.places[at]])
            changed.body = event.body
            assert log.event_is_found(changed, at)
            moved = copy(event)
            moved.seq = log.places[at]
            assert log.event_is_found(moved, at)
            found += 2
    assert found == SIZE + 4 * (SIZE - 1 + 1_000)


def test_every_byte_of_tiles_seals_and_checkpoints_is_bound(log: Log) -> None:
    found: Counter[str] = Counter()
    places, roots = list(tile_places(SIZE)), [[], []]
    assert fields_of(AuditTile) == {"id", "level", "number", "hashes", "places"}
    for tile, place in zip(log.tiles, places, strict=True):
        below = roots[tile.level - 1]
        assert tile_problem(tile, place, below) == ""
        if (root := tile_root(tile)) is not None:
            roots[tile.level].append(root)
        for field in ("level", "number"):
            for other in others(tile, field):
                assert tile_problem(other, place, below)
                found["tile places"] += 1
        for field in ("hashes", "places"):
            value = bytes(getattr(tile, field))
            for cut in {value[:-1], value[1:], value + b"\0"} - {value}:
                other = copy(tile)
                setattr(other, field, cut)
                assert f"tile {tile.level}/{tile.number} does not hold" in tile_problem(
                    other, place, below
                )
                found["tile lengths"] += 1
        if tile.level:
            for other in others(tile, "hashes"):
                assert f"tile {tile.level}/{tile.number} does not" in tile_problem(
                    other, place, below
                )
                found["tile hashes"] += 1
    for position, (place, leaf) in enumerate(zip(log.places, log.leaves, strict=True)):
        for other_leaf in changes(leaf):
            assert event_problem(log.events[place], place, other_leaf), position
            found["tile hashes"] += 1
        for other_place in changes(place):
            assert event_problem(log.events.get(other_place), other_place, leaf), position
            found["tile numbers"] += 1
    for number, seal in enumerate(log.seals):
        before, order = log.seals[number - 1] if number else None, log.order(number)
        assert seal_problem(seal, before, log.trees[number], order) == ""
        for field in fields_of(AuditSeal):
            for other in others(seal, field):
                if number == 0 and other.signature is None:
                    # As it was before seals were signed; so the next one must say, and does not.
                    after = log.seals[1], other, log.trees[1], log.order(1)
                    assert "is not as it was signed" in seal_problem(*after)
                else:
                    assert seal_problem(other, before, log.trees[number], order), field
                found["seals"] += 1
        for other_before in log.seals[:number]:
            gone = other_before is not before
            assert bool(seal_problem(seal, other_before, log.trees[number], order)) is gone
    keys = log_keys()
    for number, row in enumerate(log.checkpoints):
        before = log.checkpoints[number - 1] if number else None
        arguments = (keys, log.root_of)
        assert checkpoint_problem(row, before, *arguments) == ""
        for field in fields_of(AuditCheckpoint):
            for other in others(row, field):
                assert checkpoint_problem(other, before, *arguments), field
                found["checkpoints"] += 1
        for gone in log.checkpoints[: max(0, number - 1)]:
            assert "does not follow" in checkpoint_problem(row, gone, *arguments)
    assert found["tile hashes"] == SIZE * HASH + 3 * HASH
    assert found["tile numbers"] == SIZE * PLACE
    assert (found["tile places"], found["tile lengths"]) == (5 * 16, 4 * 6 + 4)
    assert found["seals"] == sum(
        64 + 64 + 88 + 4 * 8 + 3 + 64 * len(seal.frontier) for seal in log.seals
    )
    assert found["checkpoints"] == sum(
        64 + 3 * 8 + len(row.note.encode()) + len(row.key) + 88 + 2 for row in log.checkpoints
    )
    print(f"{sum(found.values()):,} changes of the seal, each of them found: {dict(found)}")  # noqa: T201


def reported(*statements: tuple[str, list[Any]], options: tuple[str, ...] = ()) -> str:
    """What the command says after these statements, which are undone."""
    with undone(), connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)
        return read_again(*options)


def update(row: models.Model, field: str, value: Any) -> tuple[str, list[Any]]:
    column, key = row._meta.get_field(field), row._meta.pk.attname
    cast = "::text::xid8" if field == "xid" and connection.vendor == "postgresql" else ""
    return (
        f"UPDATE {row._meta.db_table} SET {column.column} = %s{cast} WHERE {key} = %s",
        [column.get_db_prep_save(value, connection), row.pk],
    )


def stored(field: str, row: models.Model, taken: list[Any]) -> Any:
    """Another value for the field of a row, that the database can hold."""
    if field in {"level", "number"}:
        return getattr(row, field) + 7
    possible = [one for one in changes(getattr(row, field)) if one not in taken]
    whole = isinstance(getattr(row, field), int) and not isinstance(getattr(row, field), bool)
    return CHOSEN.choice([one for one in possible if not whole or 0 < one < 2**63])


def test_the_command_names_the_place_of_a_change_of_every_column(kept_log: Log) -> None:
    """Three changes of each column of each table, made in the database."""
    found = 0
    events = list(kept_log.events.values())
    for rows in (events, kept_log.tiles, kept_log.seals, kept_log.checkpoints):
        model = type(rows[0])
        for field in sorted(fields_of(model) - ({"id"} if model is AuditTile else set())):
            possible = [row for row in rows if getattr(row, field) not in (None, b"")]
            taken = [row.pk for row in rows] if field == model._meta.pk.attname else []
            for row in CHOSEN.sample(possible, min(3, len(possible))):
                report = reported(update(row, field, stored(field, row, taken)))
                assert report.startswith("NOT INTACT: "), (model, field, report)
                if model is AuditEvent and field != "xid":
                    position = kept_log.places.index(row.seq)
                    assert f"position {position}: event {row.seq}" in report
                found += 1
    print(f"{found} changes of columns, each of them named by the command")  # noqa: T201
    assert found > 100


def test_the_command_names_what_is_taken_away_put_in_moved_or_cut(kept_log: Log) -> None:
    log, table = kept_log, AuditEvent._meta.db_table
    for position in (0, 1, 99, 100, 255, 256, 500, 998, 999):
        place = log.places[position]
        report = reported((f"DELETE FROM {table} WHERE seq = %s", [place]))
        assert report == f"NOT INTACT: position {position}: event {place} is missing"
    for one, other in [(0, 1), (254, 256), (998, 999), tuple(CHOSEN.sample(range(SIZE), 2))]:
        bodies = [log.events[log.places[at]].body for at in (one, other)]
        report = reported(
            (f"UPDATE {table} SET body = %s WHERE seq = %s", [bodies[1], log.places[one]]),
            (f"UPDATE {table} SET body = %s WHERE seq = %s", [bodies[0], log.places[other]]),
        )
        first = min(one, other)
        assert report == (
            f"NOT INTACT: position {first}: event {log.places[first]} is not what was sealed"
        )
        seqs = [log.places[at] for at in (one, other)]
        report = reported(
            (f"UPDATE {table} SET seq = -1 WHERE seq = %s", [seqs[0]]),
            (f"UPDATE {table} SET seq = %s WHERE seq = %s", seqs),
            (f"UPDATE {table} SET seq = %s WHERE seq = -1", [seqs[1]]),
        )
        assert f"position {first}: event {log.places[first]} is not what was sealed" in report
    columns = [field.column for field in AuditEvent._meta.concrete_fields]
    listed = ", ".join(columns)
    for seq in (-5, 0, 10**9):
        given = {"seq": "%s", "id": "%s"}
        values = ", ".join(given.get(name, name) for name in columns)
        copied = f"INSERT INTO {table} ({listed}) SELECT {values} FROM {table} WHERE seq = %s"
        copy_of = [seq, str(uuid4()).replace("-", ""), log.places[4]]
        if seq == 10**9 and connection.vendor != "postgresql":
            continue  # it stands behind the seal, as any new event does
        assert reported((copied, copy_of)) == (
            f"NOT INTACT: {SIZE + 1} events stand where {SIZE} were sealed"
        )
    same = f"INSERT INTO {table} ({listed}) SELECT {', '.join(columns)} FROM {table} WHERE seq = %s"
    with pytest.raises(IntegrityError):
        reported((same, [log.places[4]]))
    for rows in (log.seals, log.tiles, log.checkpoints[:-1]):
        for row in rows:
            key = row._meta.pk.attname
            gone = (f"DELETE FROM {row._meta.db_table} WHERE {key} = %s", [row.pk])
            assert reported(gone).startswith("NOT INTACT: ")
    assert read_again() == f"intact: {SIZE} sealed events"


@pytest.mark.postgres
def test_an_event_of_a_transaction_that_never_was_is_found(kept_log: Log) -> None:
    """The sealer would wait for it for ever, and it would stand in the log unsealed."""
    columns = [field.column for field in AuditEvent._meta.concrete_fields]
    given = {"seq": "%s", "id": "gen_random_uuid()", "xid": "'9000000000000'"}
    values = ", ".join(given.get(name, name) for name in columns)
    report = reported(
        (
            f"INSERT INTO audit_auditevent ({', '.join(columns)}) SELECT {values} "
            "FROM audit_auditevent WHERE seq = %s",
            [10**9, kept_log.places[4]],
        )
    )
    assert report == "NOT INTACT: event 1000000000 claims a transaction that has not begun"


def test_a_log_cut_consistently_is_found_by_a_newer_checkpoint(
    kept_log: Log, tmp_path: Path, settings: Any
) -> None:
    """Whoever cuts events, tiles, seals and checkpoints alike is found by what is kept outside."""
    outside = tmp_path / "last"
    outside.write_text(kept_log.checkpoints[-1].note, encoding="utf-8")
    for number, seal in enumerate(kept_log.seals[:-1]):
        statements: list[tuple[str, list[Any]]] = [
            ("DELETE FROM audit_auditevent WHERE seq > %s", [kept_log.places[seal.size - 1]]),
            ("DELETE FROM audit_auditseal WHERE size > %s", [seal.size]),
            ("DELETE FROM audit_auditcheckpoint WHERE size > %s", [seal.size]),
        ]
        kept = {place[:2]: place[2] for place in tile_places(seal.size)}
        for tile in kept_log.tiles:
            if (width := kept.get((tile.level, tile.number))) is None:
                statements.append(("DELETE FROM audit_audittile WHERE id = %s", [tile.pk]))
                continue
            for field, wide in (("hashes", HASH), ("places", PLACE)):
                statements.append(update(tile, field, bytes(getattr(tile, field))[: width * wide]))
        assert reported(*statements) == f"intact: {seal.size} sealed events"  # inside, all fits
        assert reported(*statements, options=("--against", str(outside))) == (
            f"NOT INTACT: {outside} is of {SIZE} events; the log has {seal.size}"
        )
        settings.AUDIT_CHECKPOINT_FILE = str(outside)
        assert reported(*statements) == (
            f"NOT INTACT: the checkpoint kept outside is of {SIZE} events; the log has {seal.size}"
        )
        settings.AUDIT_CHECKPOINT_FILE = ""
        assert number < SEALS


def test_a_key_that_is_not_the_logs_signs_nothing(kept_log: Log, settings: Any) -> None:
    """Whoever owns the database can sign with a key of their own; nobody knows that one."""
    secret, retired = settings.REPORT_SIGNING_KEY, log_keys()[0].text
    settings.REPORT_SIGNING_KEY = "another"
    assert read_again() == "NOT INTACT: the seal of 100 events is not as it was signed"
    settings.AUDIT_RETIRED_KEYS = [retired]
    assert read_again() == f"intact: {SIZE} sealed events"
    settings.REPORT_SIGNING_KEY, settings.AUDIT_RETIRED_KEYS = secret, []
    assert read_again() == f"intact: {SIZE} sealed events"


def test_the_exit_code_tells_too(kept_log: Log) -> None:
    def exit_code() -> int:
        made = connection.settings_dict
        where = str(made["NAME"])
        if connection.vendor == "postgresql":
            who = f"{made['USER']}:{made['PASSWORD']}@{made['HOST']}:{made['PORT'] or 5432}"
            url = f"postgres://{who}/{where}"
        else:
            url = f"sqlite:///{where}"
        return subprocess.run(
            [sys.executable, "manage.py", "verify_audit"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
            },
            capture_output=True,
            check=False,
        ).returncode

    if "memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("another process cannot see a database in memory")
    assert exit_code() == 0
    row = kept_log.events[kept_log.places[77]]
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(*update(row, "to_address", "somebody"))
    assert exit_code() == 1
