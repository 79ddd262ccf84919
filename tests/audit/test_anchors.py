"""Anchors: checkpoints are written down outside, not too often, and never at sealing's cost."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.anchors import MOST_BYTES, anchored_text, anchors, checkpoint_anchor
from audit.models import AuditAnchoring, AuditCheckpoint, AuditSeal
from audit.tasks import seal_events
from tests.audit.logs import recorded, signed
from tests.factories import event_bodies

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def file(settings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "anchors" / "log.jsonl"
    path.parent.mkdir()
    settings.AUDIT_ANCHORS = [f"file:{path}"]
    return path


def told(file: Path) -> list[tuple[int, str]]:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(line["size"], line["root"]) for line in lines]


def later(minutes: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True)


def report() -> str:
    out = StringIO()
    try:
        call_command("verify_audit", stdout=out)
    except CommandError as problem:
        return str(problem)
    return out.getvalue().strip()


def test_a_checkpoint_is_written_down_at_most_so_often(file: Path, settings: Any) -> None:
    settings.AUDIT_ANCHOR_MINUTES = 30
    recorded(3)
    seal_events()
    row = AuditCheckpoint.objects.get()
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) | {"time": ""} == json.loads(anchored_text(row)) | {"time": ""}
    (kept,) = AuditAnchoring.objects.all()
    assert (kept.checkpoint_id, kept.kind, kept.reference) == (3, "file", "byte 0")
    assert [body["success"] for body in event_bodies("audit.checkpoint.anchored")] == [True]
    recorded(2)
    seal_events()
    assert [size for size, _ in told(file)] == [3]
    with later(31):
        seal_events()
        seal_events()
    assert [size for size, _ in told(file)][:2] == [
        3,
        AuditAnchoring.objects.all()[1].checkpoint_id,
    ]
    assert len(told(file)) == 2
    assert report().startswith("intact")


def test_a_place_that_is_away_stops_nothing_and_is_tried_again(file: Path) -> None:
    file.parent.rmdir()
    recorded(3)
    seal_events()
    assert AuditSeal.objects.get().size == 3
    assert AuditCheckpoint.objects.get().size == 3
    assert [row.reference for row in AuditAnchoring.objects.all()] == [None]
    assert checkpoint_anchor() == []  # not within a minute
    with later(2):
        assert [row.reference for row in checkpoint_anchor()] == [None]
    file.parent.mkdir()
    with later(4):
        assert [row.reference for row in checkpoint_anchor()] == ["byte 0"]
    assert [size for size, _ in told(file)] == [3]
    assert [body["success"] for body in event_bodies("audit.checkpoint.anchored")] == [False, True]


def test_what_was_written_down_is_held_against_the_log(file: Path) -> None:
    signed(3)
    checkpoint_anchor()
    good = file.read_text(encoding="utf-8")
    line = json.loads(good)
    for other, finding in (
        (line | {"size": 2}, "the first 2 events are not those that were anchored"),
        (line | {"size": 9}, "is of 9 events; the log has 3"),
        (line | {"origin": "other.example/log"}, "are not those that were anchored"),
        (line | {"root": line["root"].replace("=", "")}, "is not an anchored checkpoint"),
        (line | {"size": "3"}, "is not an anchored checkpoint"),
    ):
        file.write_text(json.dumps(other) + "\n", encoding="utf-8")
        assert report().startswith("NOT INTACT: line 1 of ")
        assert finding in report()
    file.write_text(good, encoding="utf-8")
    assert report() == "intact: 3 sealed events"


def test_a_line_that_a_crash_cut_is_followed_by_a_whole_one(file: Path) -> None:
    signed(3)
    file.write_bytes(b'{"origin":"assay')
    checkpoint_anchor()
    lines = file.read_bytes().split(b"\n")
    assert lines[0] == b'{"origin":"assay'
    assert json.loads(lines[1])["size"] == 3
    assert report() == "intact: 3 sealed events"


def test_the_line_fits_the_note_of_a_transaction(settings: Any) -> None:
    row = signed(1)
    assert json.loads(anchored_text(row)).keys() == {"origin", "size", "root"}
    assert len(anchored_text(row).encode()) < 200
    settings.AUDIT_ORIGIN = "x" * MOST_BYTES
    with pytest.raises(ValueError, match="at most"):
        anchored_text(row)


def test_an_unknown_kind_is_refused(settings: Any) -> None:
    for text in ("file:", "file", "tape:/dev/st0"):
        settings.AUDIT_ANCHORS = [text]
        with pytest.raises(ValueError, match="is not file:<path>"):
            anchors()


def test_what_was_anchored_is_kept_for_good(file: Path) -> None:
    signed(1)
    checkpoint_anchor()
    before = list(AuditAnchoring.objects.values_list())
    for change in (
        lambda: AuditAnchoring.objects.update(reference="elsewhere"),
        lambda: AuditAnchoring.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert list(AuditAnchoring.objects.values_list()) == before
