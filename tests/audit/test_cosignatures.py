"""Witnesses: what they hand in is checked strictly, kept, and served with the checkpoint."""

import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from audit.cosignatures import checkpoint_text, cosigned_note
from audit.log_key import log_key
from audit.models import AuditCheckpoint, AuditCosignature, AuditEvent
from audit.note import NoteKey, WitnessKey, note_text
from audit.principal import SYSTEM
from audit.trail import bundle_make
from tests.audit.logs import signed
from tests.audit.mutations import changes, undone
from tests.audit.witnesses import Witness
from tests.factories import client_for, event_bodies

pytestmark = pytest.mark.django_db(transaction=True)
COSIGN = "/api/v1/audit-trail/checkpoint/cosign"
VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "verify" / "verify_audit.py"


@pytest.fixture
def witness(settings: Any) -> Witness:
    one, two = Witness(), Witness("witness.example/two", 2)
    settings.AUDIT_WITNESS_KEYS = [one.key.text, two.key.text]
    return one


@pytest.fixture
def checkpoint() -> AuditCheckpoint:
    return signed(3)


def hand_in(user: User, size: int, line: str) -> Any:
    return client_for(user).post(COSIGN, {"size": size, "cosignature": line}, format="json")


def test_a_cosignature_is_kept_and_served(
    owner: User, witness: Witness, checkpoint: AuditCheckpoint
) -> None:
    client = client_for(owner)
    before = client.get("/api/v1/audit-trail/checkpoint")
    line = witness.line(checkpoint_text(checkpoint), 1_700_000_000)
    answered = hand_in(owner, 3, line)
    assert answered.status_code == 200, answered.content
    kept = answered.json()["cosignature"]
    assert {key: kept[key] for key in ("size", "witness", "keyId", "time")} == {
        "size": 3,
        "witness": witness.key.name,
        "keyId": witness.key.key_id.hex(),
        "time": 1_700_000_000,
    }
    after = client.get("/api/v1/audit-trail/checkpoint")
    assert after.content.decode() == checkpoint.note + line + "\n"
    assert after["ETag"] != before["ETag"]
    assert note_text(after.content.decode(), log_key()) == checkpoint_text(checkpoint)
    (listed,) = client.get("/api/v1/audit-trail/checkpoints").json()["checkpoints"]
    assert listed["note"] == after.content.decode()
    (event,) = event_bodies("audit.checkpoint.cosigned")
    assert (event["actor"], event["itemCount"]) == (owner.label, 3)
    assert event["details"] == {
        "witness": witness.key.name,
        "keyId": witness.key.key_id.hex(),
        "time": 1_700_000_000,
    }


def test_the_same_again_changes_nothing_and_another_time_is_refused(
    owner: User, witness: Witness, checkpoint: AuditCheckpoint
) -> None:
    text = checkpoint_text(checkpoint)
    assert hand_in(owner, 3, witness.line(text, 1_700_000_000)).status_code == 200
    rows = list(AuditCosignature.objects.values_list())
    assert hand_in(owner, 3, witness.line(text, 1_700_000_000)).status_code == 200
    assert hand_in(owner, 3, witness.line(text, 1_700_000_001)).status_code == 409
    assert list(AuditCosignature.objects.values_list()) == rows
    assert len(event_bodies("audit.checkpoint.cosigned")) == 1


def test_every_changed_byte_is_refused(
    owner: User, witness: Witness, checkpoint: AuditCheckpoint
) -> None:
    line = witness.line(checkpoint_text(checkpoint))
    for other in changes(line):
        assert hand_in(owner, 3, other).status_code in {400, 404}, other
    assert not AuditCosignature.objects.exists()
    assert not event_bodies("audit.checkpoint.cosigned")


def test_what_is_not_known_or_not_true_is_refused(
    owner: User, anonymous: Any, witness: Witness, checkpoint: AuditCheckpoint
) -> None:
    text = checkpoint_text(checkpoint)
    good = witness.line(text)
    stranger = Witness("stranger.example/w", 3)
    impostor = Witness(witness.key.name, 4)
    refused = (
        (3, stranger.line(text), 404),
        (3, impostor.line(text), 404),
        (4, good, 404),
        (3, witness.line(text.replace("\n3\n", "\n4\n")), 400),
        (3, witness.line(text, 0), 400),
        (3, witness.line(text, 2**40), 400),
        (3, good + "\n", 400),
        (3, good + "\n" + good, 400),
        (3, "", 400),
        (3, "x" * 401, 400),
        (0, good, 400),
        ("3x", good, 400),
        (2**63, good, 400),
    )
    for size, line, status in refused:
        answered = client_for(owner).post(
            COSIGN, {"size": size, "cosignature": line}, format="json"
        )
        assert answered.status_code == status, (size, line, answered.content)
    assert (
        anonymous.post(COSIGN, {"size": 3, "cosignature": good}, format="json").status_code == 401
    )
    assert not AuditCosignature.objects.exists()


def test_it_is_kept_for_good(owner: User, witness: Witness, checkpoint: AuditCheckpoint) -> None:
    assert hand_in(owner, 3, witness.line(checkpoint_text(checkpoint))).status_code == 200
    before = list(AuditCosignature.objects.values_list())
    for change in (
        lambda: AuditCosignature.objects.update(seconds=1),
        lambda: AuditCosignature.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert list(AuditCosignature.objects.values_list()) == before


def test_a_changed_row_is_found(owner: User, witness: Witness, checkpoint: AuditCheckpoint) -> None:
    def report() -> str:
        out = StringIO()
        try:
            call_command("verify_audit", stdout=out)
        except CommandError as problem:
            return str(problem)
        return out.getvalue()

    line = witness.line(checkpoint_text(checkpoint))
    assert hand_in(owner, 3, line).status_code == 200
    assert report().startswith("intact")
    for column, value in (
        ("witness", "witness.example/two"),
        ("key_id", "00000000"),
        ("seconds", 1),
        ("line", witness.line(checkpoint_text(checkpoint).replace("\n3\n", "\n2\n"))),
    ):
        with undone(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE audit_auditcosignature SET {column} = %s", [value])
            assert "NOT INTACT: the cosignature of" in report(), column


def test_keys_of_witnesses_are_public(anonymous: Any, witness: Witness) -> None:
    published = anonymous.get("/.well-known/assayer-keys.json").json()["witnesses"]
    assert {"name": witness.key.name, "key": witness.key.text} in published
    assert WitnessKey.parse(witness.key.text) == witness.key
    with pytest.raises(ValueError, match="of its kind"):
        NoteKey.parse(witness.key.text)


def test_a_stranger_may_ask_for_witnesses(
    owner: User, witness: Witness, checkpoint: AuditCheckpoint, tmp_path: Path
) -> None:
    two = Witness("witness.example/two", 2)
    assert hand_in(owner, 3, witness.line(checkpoint_text(checkpoint))).status_code == 200

    def run(*options: str) -> tuple[int, str]:
        path = tmp_path / "bundle.zip"
        made = bundle_make(actor=SYSTEM, events=AuditEvent.objects.all(), criteria="")
        path.write_bytes(made.content)
        done = subprocess.run(
            [sys.executable, str(VERIFIER), str(path), log_key().text, *options],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )
        return done.returncode, done.stdout + done.stderr

    assert run("--witness", witness.key.text)[0] == 0
    code, told = run("--witness", witness.key.text, "--witness", two.key.text)
    assert (code, "fewer than 2 of the witnesses" in told) == (1, True)
    both = ("--witness", witness.key.text, "--witness", two.key.text)
    assert run(*both, "--witnesses", "1")[0] == 0
    assert run("--witnesses", "1")[0] == 1
    assert (
        run("--witness", witness.key.text, "--witness", witness.key.text, "--witnesses", "2")[0]
        == 1
    )
    assert run("--witness", log_key().text)[0] == 1
    assert hand_in(owner, 3, two.line(checkpoint_text(checkpoint))).status_code == 200
    assert run(*both)[0] == 0
    assert cosigned_note(AuditCheckpoint.objects.get()).count("\u2014") == 3
