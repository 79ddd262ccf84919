"""The provable trail: tiles, checkpoints, proofs over the wire, and what finds every change."""

import base64
import subprocess
import sys
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from audit.checkpoints import checkpoint_sign
from audit.log_key import log_key, sign_row
from audit.merkle import Tree, leaf_hash
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditTile
from audit.note import Checkpoint, NoteKey, note_text
from audit.proofs import is_consistent, root_from_inclusion
from audit.seal import seal_content, seal_events
from audit.tiles import TileNodes, tiles_size
from audit.trail import position_of
from audit.verification import verify_trail
from tests.audit.logs import recorded, signed, triggers_off
from tests.factories import client_for, event_bodies, wait_for_horizon

pytestmark = pytest.mark.django_db(transaction=True)
TRAIL = "/api/v1/audit-trail"
VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "verify" / "verify_audit.py"


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def opened(checkpoint: AuditCheckpoint) -> Checkpoint:
    return Checkpoint.parse(note_text(checkpoint.note, log_key()))


class TestTiles:
    def test_they_hold_every_leaf_and_every_complete_subtree(self) -> None:
        for count in (1, 3, 255, 300):
            recorded(count)
            seal_events()
        assert tiles_size() == 559
        leaves = [
            leaf_hash(body.encode())
            for body in AuditEvent.objects.order_by("seq").values_list("body", flat=True)
        ]
        nodes = TileNodes()
        assert [nodes.node(0, at) for at in range(559)] == leaves
        for level in (1, 5, 8, 9):
            for index in range(559 >> level):
                tree = Tree()
                for leaf in leaves[index << level : (index + 1) << level]:
                    tree.append(leaf)
                assert nodes.node(level, index) == tree.root()
        with pytest.raises(LookupError):
            nodes.node(0, 559)
        with pytest.raises(LookupError):
            nodes.node(9, 1)

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM audit_audittile",
            "UPDATE audit_audittile SET number = 7",
            "UPDATE audit_audittile SET level = 1",
            "UPDATE audit_audittile SET hashes = places",
            "UPDATE audit_audittile SET places = hashes",
        ],
    )
    def test_they_only_grow(self, statement: str) -> None:
        signed(3)
        before = AuditTile.objects.values_list().get()
        with (
            pytest.raises(DatabaseError, match="only grows"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert AuditTile.objects.values_list().get() == before

    def test_what_was_sealed_before_there_were_tiles_gets_them(self) -> None:
        recorded(4)
        seal_events()
        recorded(3)
        seal_events()
        before = [bytes(row.hashes) for row in AuditTile.objects.all()]
        with triggers_off("audit_audittile"):
            AuditTile.objects.all().delete()
        recorded(1)
        assert seal_events() == 1
        assert bytes(AuditTile.objects.get().hashes).startswith(before[0])
        assert verify_trail().intact


class TestCheckpoints:
    def test_a_checkpoint_is_a_signed_note_of_the_newest_seal(self) -> None:
        checkpoint = signed(5)
        seal = AuditSeal.objects.get()
        lines = checkpoint.note.split("\n")
        assert lines[:2] == [log_key().name, "5"]
        assert opened(checkpoint) == Checkpoint(log_key().name, 5, bytes.fromhex(seal.root))
        assert NoteKey.parse(checkpoint.key) == log_key()
        assert checkpoint_sign() is None

    @pytest.mark.parametrize("place", range(0, 150, 7))
    def test_no_other_note_passes(self, place: int) -> None:
        note = signed(2).note
        changed = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        with pytest.raises(ValueError):
            note_text(changed, log_key())

    def test_what_contradicts_the_last_one_is_not_signed(self) -> None:
        signed(3)
        with triggers_off(), triggers_off("audit_audittile"):
            tile = AuditTile.objects.get()
            tile.hashes = bytes(32) + bytes(tile.hashes)[32:]
            tile.save()
        recorded(2)
        seal_events()
        assert checkpoint_sign() is None
        assert AuditCheckpoint.objects.count() == 1
        (refused,) = event_bodies("audit.checkpoint.refused")
        assert "the first 3 events are not those of the last checkpoint" in refused["errorMessage"]

    def test_a_restored_older_backup_is_noticed(self, settings: Any, tmp_path: Path) -> None:
        settings.AUDIT_CHECKPOINT_FILE = str(tmp_path / "last")
        signed(3)
        newer = signed(4)
        assert (tmp_path / "last").read_text(encoding="utf-8") == newer.note
        tables = ("audit_auditevent", "audit_audittile", "audit_auditseal", "audit_auditcheckpoint")
        with (
            triggers_off(tables[0]),
            triggers_off(tables[1]),
            triggers_off(tables[2]),
            triggers_off(tables[3]),
        ):
            for model in (AuditEvent, AuditTile, AuditSeal, AuditCheckpoint):
                model.objects.all().delete()
        recorded(2)
        seal_events()
        assert checkpoint_sign() is None
        (refused,) = event_bodies("audit.checkpoint.refused")
        assert "kept outside is of 7 events; the log has 2" in refused["errorMessage"]
        assert (tmp_path / "last").read_text(encoding="utf-8") == newer.note

    def test_another_key_did_not_sign_it(self) -> None:
        checkpoint = signed(1)
        with pytest.raises(ValueError, match="did not sign"):
            note_text(checkpoint.note, NoteKey(log_key().name, bytes(range(32))))
        with pytest.raises(ValueError, match="did not sign"):
            note_text(checkpoint.note, NoteKey("other.example/log", log_key().raw))


class TestOverTheWire:
    def test_an_event_is_proved_to_be_in_the_log(self, auditor: User) -> None:
        signed(300)
        client = client_for(auditor)
        for number in (0, 7, 255, 256, 299):
            event = AuditEvent.objects.order_by("seq")[number]
            proof = client.get(f"{TRAIL}/{event.id}/proof").json()["proof"]
            assert (proof["position"], proof["event"]) == (number, event.body)
            checkpoint = Checkpoint.parse(note_text(proof["checkpoint"], log_key()))
            root = root_from_inclusion(
                leaf_hash(proof["event"].encode()),
                proof["position"],
                proof["size"],
                [raw(one) for one in proof["hashes"]],
            )
            assert (root, proof["size"]) == (checkpoint.root, checkpoint.size)

    def test_a_larger_log_is_proved_to_continue_a_smaller_one(self, owner: User) -> None:
        small, large = opened(signed(70)), opened(signed(41))
        client = client_for(owner)
        answered = client.get(f"{TRAIL}/consistency?from={small.size}&to={large.size}")
        hashes = [raw(one) for one in answered.json()["proof"]["hashes"]]
        assert is_consistent(small.size, large.size, small.root, large.root, hashes)
        listed = client.get(f"{TRAIL}/checkpoints").json()["checkpoints"]
        assert [one["size"] for one in listed] == [large.size, small.size]
        for query in ("from=0&to=3", "from=5&to=4", f"from=1&to={large.size + 1}"):
            assert client.get(f"{TRAIL}/consistency?{query}").status_code == 404
        for query in ("from=1", "from=x&to=2", "from=-1&to=2", f"from={'9' * 30}&to=1"):
            assert client.get(f"{TRAIL}/consistency?{query}").status_code == 400

    def test_the_note_is_plain_text_and_is_asked_for_cheaply(self, owner: User) -> None:
        client = client_for(owner)
        assert client.get(f"{TRAIL}/checkpoint").status_code == 404
        note = signed(2).note
        answered = client.get(f"{TRAIL}/checkpoint")
        assert (answered.content.decode(), answered["Content-Type"]) == (
            note,
            "text/plain; charset=utf-8",
        )
        again = client.get(f"{TRAIL}/checkpoint", HTTP_IF_NONE_MATCH=answered["ETag"])
        assert again.status_code == 304

    def test_tiles_are_spelled_as_c2sp_has_it(self, owner: User) -> None:
        signed(300)
        client = client_for(owner)
        full = client.get(f"{TRAIL}/tile/0/000")
        assert (len(full.content), "immutable" in full["Cache-Control"]) == (8192, True)
        assert full.content[:32] == leaf_hash(AuditEvent.objects.order_by("seq")[0].body.encode())
        assert len(client.get(f"{TRAIL}/tile/0/001.p/44").content) == 44 * 32
        assert len(client.get(f"{TRAIL}/tile/1/000.p/1").content) == 32
        for path in ("0/001", "0/001.p/45", "1/000", "2/000", "0/x001/000", "0/1", "64/000",
                     "0/000.p/0", "0/000.p/256"):  # fmt: skip
            assert client.get(f"{TRAIL}/tile/{path}").status_code == 404, path

    def test_who_sees_no_event_gets_no_proof_of_it(self, owner: User, auditor: User) -> None:
        signed(2)
        event = AuditEvent.objects.order_by("seq")[0]
        assert client_for(owner).get(f"{TRAIL}/{event.id}/proof").status_code == 404
        recorded(1)
        newest = AuditEvent.objects.order_by("-seq")[0]
        early = client_for(auditor).get(f"{TRAIL}/{newest.id}/proof")
        assert early.status_code == 409
        assert "ask again" in early.json()["errorMessage"]

    def test_the_key_is_published(self, anonymous: Any) -> None:
        published = anonymous.get("/.well-known/assayer-keys.json").json()["logs"]
        assert published == [{"origin": log_key().name, "key": log_key().text}]


class TestStranger:
    """The verifier of `docs/verify`, run as a stranger would: a file, a bundle and a key."""

    @pytest.fixture
    def bundle(self, auditor: User, tmp_path: Path) -> Path:
        signed(40)
        answered = client_for(auditor).get(f"{TRAIL}/export/bundle?actionType=List")
        assert answered.status_code == 200, answered.content
        path = tmp_path / "bundle.zip"
        path.write_bytes(answered.content)
        return path

    def run(self, bundle: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(VERIFIER), str(bundle), log_key().text, *more],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )

    def changed(self, bundle: Path, name: str, content: bytes) -> Path:
        made = bundle.with_name("changed.zip")
        with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(made, "w") as new:
            for one in old.namelist():
                new.writestr(one, content if one == name else old.read(one))
        return made

    def test_a_bundle_holds(self, bundle: Path) -> None:
        done = self.run(bundle)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "40 events are as they were sealed; 0 others are withheld\n"

    def test_a_filter_withholds_only_what_it_says(self, owner: User, tmp_path: Path) -> None:
        signed(12)
        answered = client_for(owner).get(f"{TRAIL}/export/bundle")
        path = tmp_path / "bundle.zip"
        path.write_bytes(answered.content)
        shown = AuditEvent.objects.visible_to(owner).count()
        done = self.run(path)
        assert done.returncode == 0, done.stderr
        size = AuditSeal.objects.order_by("-size")[0].size
        assert f"{size - int(done.stdout.split()[0])} others are withheld" in done.stdout
        assert int(done.stdout.split()[0]) <= shown
        with zipfile.ZipFile(BytesIO(answered.content)) as archive:
            assert b"compliance.metadata.listed" not in archive.read("events.ndjson")

    def test_every_changed_event_is_found(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as archive:
            content = archive.read("events.ndjson")
        lines = content.splitlines(keepends=True)
        for other in (
            content.replace(b'"itemCount":7', b'"itemCount":8', 1),
            b"".join(lines[1:]),
            b"".join([*lines, lines[0]]),
            b"".join([lines[1], lines[0], *lines[2:]]),
            content[:-1],
            content[:-40],
        ):
            done = self.run(self.changed(bundle, "events.ndjson", other))
            assert (done.returncode, "DOES NOT HOLD" in done.stderr) == (1, True)

    def test_a_withheld_event_cannot_be_left_out(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as archive:
            positions = archive.read("positions.json")
            content = archive.read("events.ndjson")
        fewer = self.changed(bundle, "positions.json", positions.replace(b",39]", b"]"))
        fewer = fewer.rename(bundle.with_name("fewer.zip"))
        done = self.run(self.changed(fewer, "events.ndjson", content.rsplit(b"\n", 2)[0] + b"\n"))
        assert done.returncode == 1
        assert "39 events, the checkpoint of 40" in done.stderr

    def test_a_checkpoint_that_was_kept_binds_the_log(self, bundle: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept.txt"
        kept.write_text(AuditCheckpoint.objects.get().note, encoding="utf-8")
        assert self.run(bundle, str(kept)).returncode == 0
        newer = tmp_path / "newer.txt"
        newer.write_text(signed(3).note, encoding="utf-8")
        done = self.run(bundle, str(newer))
        assert (done.returncode, "older than the checkpoint" in done.stderr) == (1, True)

    def test_another_key_is_refused(self, bundle: Path) -> None:
        other = NoteKey(log_key().name, bytes(range(32))).text
        done = subprocess.run(
            [sys.executable, str(VERIFIER), str(bundle), other],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1


class TestDetection:
    def test_every_change_of_a_sealed_log_is_found_and_located(self) -> None:
        signed(40)
        rows = list(AuditEvent.objects.order_by("seq"))
        found = 0
        for number in (0, 17, 39):
            row = rows[number]
            for place in range(0, len(row.body), 5):
                other = row.body[:place] + chr(ord(row.body[place]) ^ 1) + row.body[place + 1 :]
                if "\x00" in other:
                    continue
                with triggers_off():
                    AuditEvent.objects.filter(pk=row.pk).update(body=other)
                    report = _read_again()
                    AuditEvent.objects.filter(pk=row.pk).update(body=row.body)
                assert f"position {number}: event {row.seq} is not what was sealed" in report
                found += 1
        assert found > 150
        assert _read_again() == "intact: 40 sealed events"

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE audit_auditevent SET actor = 'x' WHERE seq = {seq}",
            "UPDATE audit_auditevent SET name = 'x' WHERE seq = {seq}",
            "UPDATE audit_auditevent SET asset_id = 5 WHERE seq = {seq}",
            "UPDATE audit_auditevent SET success = NOT success WHERE seq = {seq}",
            "DELETE FROM audit_auditevent WHERE seq = {seq}",
        ],
    )
    def test_what_the_columns_say_is_held_against_the_body(self, change: str) -> None:
        signed(10)
        row = AuditEvent.objects.order_by("seq")[4]
        with triggers_off(), connection.cursor() as cursor:
            cursor.execute(change.format(seq=row.seq))
        assert f"position 4: event {row.seq}" in _read_again()

    def test_an_event_slipped_in_front_of_the_seal_is_found(self) -> None:
        signed(6)
        recorded(1)
        late = AuditEvent.objects.order_by("-seq")[0]
        with triggers_off(), connection.cursor() as cursor:
            early = "xid = '1'" if connection.vendor == "postgresql" else "seq = 0"
            cursor.execute(f"UPDATE audit_auditevent SET {early} WHERE seq = %s", [late.seq])
        assert seal_events() == 0
        assert _read_again() == "NOT INTACT: 7 events stand where 6 were sealed"

    def test_a_part_of_the_log_is_read_alone(self) -> None:
        signed(30)
        row = AuditEvent.objects.order_by("seq")[20]
        with triggers_off():
            AuditEvent.objects.filter(pk=row.pk).update(body=row.body.replace("20", "21"))
        assert "position 20" in _read_again("--from", "15", "--to", "25")
        assert "the part asked for" in _read_again("--to", "20")

    def test_a_log_rewritten_with_its_seals_is_found_by_a_kept_checkpoint(
        self, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.txt"
        kept.write_text(signed(5).note, encoding="utf-8")
        tables = ("audit_auditevent", "audit_audittile", "audit_auditseal", "audit_auditcheckpoint")
        with (
            triggers_off(tables[0]),
            triggers_off(tables[1]),
            triggers_off(tables[2]),
            triggers_off(tables[3]),
        ):
            for model in (AuditTile, AuditSeal, AuditCheckpoint):
                model.objects.all().delete()
            AuditEvent.objects.filter(pk=AuditEvent.objects.order_by("seq")[2].pk).delete()
        recorded(1)
        seal_events()
        checkpoint_sign()
        assert _read_again() == "intact: 5 sealed events"  # nobody inside can tell
        assert "are not those that were signed" in _read_again("--against", str(kept))


def _read_again(*options: str) -> str:
    out = StringIO()
    try:
        call_command("verify_audit", *options, stdout=out)
    except CommandError as problem:
        return str(problem)
    return out.getvalue().strip()


@pytest.mark.postgres
def test_after_a_dump_and_restore_nothing_is_skipped() -> None:
    """Transaction ids begin anew below the last one sealed; the test moves the seal far ahead."""
    signed(3)
    seal = AuditSeal.objects.get()
    seal.last_xid = 2**40
    seal.signature = sign_row("seal", seal_content(seal, None))
    with triggers_off("audit_auditseal"):
        seal.save()
    recorded(2)
    assert seal_events() == 2
    recorded(2)
    assert seal_events() == 2
    wait_for_horizon()
    assert seal_events() == 0
    seal = AuditSeal.objects.order_by("-size")[0]
    assert (seal.size, seal.floor_seq is not None) == (7, True)
    assert verify_trail().intact
    positions = [position_of(event) for event in AuditEvent.objects.order_by("seq")[:7]]
    assert positions == list(range(7))
