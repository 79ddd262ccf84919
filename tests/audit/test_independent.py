"""What we compute, computed again by code that is not ours.

The tree and its proofs by pymerkle, signatures by PyCryptodome (ours are libsodium's), the bodies
by the rfc8785 package, and the note by the known answer of Go's golang.org/x/mod/sumdb/note.
"""

import base64
import json
from hashlib import sha256

import pytest
import rfc8785
from Cryptodome.Signature import eddsa
from nacl.signing import SigningKey
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion
from pymerkle.proof import InclusionProof

from audit.cosignatures import checkpoint_text
from audit.log_key import log_key
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal
from audit.note import NoteKey, note_sign, note_text
from audit.proofs import consistency_proof, inclusion_proof, is_consistent
from audit.tiles import TileNodes
from tests.audit.logs import SIZE, thousand
from tests.audit.witnesses import Witness

SIZES = (1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 512, 999, SIZE)

# The examples in the documentation of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)


@pytest.mark.django_db(transaction=True)
def test_tree_proofs_bodies_and_signatures_of_a_log() -> None:
    thousand()
    tree = InmemoryTree(algorithm="sha256")
    events = AuditEvent.objects.in_bulk()
    order = sorted(events.values(), key=lambda event: (event.xid or 0, event.seq))
    for event in order:
        assert rfc8785.dumps(json.loads(event.body)) == event.body.encode()
        tree.append_entry(event.body.encode())
    for seal in AuditSeal.objects.all():
        assert tree.get_root(seal.size).hex() == seal.root
    nodes, checked = TileNodes(), 0
    for size in SIZES:
        for position in range(0, size, 7):
            theirs = tree.prove_inclusion(position + 1, size)
            leaf, ours = tree.get_leaf(position + 1), inclusion_proof(nodes, position, size)
            assert [leaf, *ours] == theirs.path
            made = InclusionProof(
                theirs.algorithm, theirs.security, size, position + 1, theirs.rule, [leaf, *ours]
            )
            verify_inclusion(leaf, tree.get_root(size), made)
            checked += 1
        for old in SIZES:
            if old > size:
                continue
            # Their proofs take another path than RFC 9162's: both must show the same.
            roots = tree.get_root(old), tree.get_root(size)
            verify_consistency(*roots, tree.prove_consistency(old, size))
            assert is_consistent(old, size, *roots, consistency_proof(nodes, old, size))
            checked += 1
    assert checked > 600
    for row in AuditCheckpoint.objects.all():
        assert_signed(row.note, checkpoint_text(row).encode(), log_key())


def assert_signed(note: str, message: bytes, key: NoteKey, skipped: int = 4) -> None:
    raw = base64.b64decode(note.rstrip("\n").rsplit(" ", 1)[1])
    public = eddsa.import_public_key(key.raw)
    eddsa.new(public, "rfc8032").verify(message, raw[skipped:])


def test_a_cosignature_is_the_ed25519_signature_of_the_specified_message() -> None:
    witness, text = Witness(), "origin.example/log\n3\n" + "A" * 43 + "=\n"
    line = witness.line(text, 1_679_315_147)
    assert_signed(line, f"cosignature/v1\ntime 1679315147\n{text}".encode(), witness.key, 12)
    raw = base64.b64decode(line.rsplit(" ", 1)[1])
    identity = sha256(witness.key.name.encode() + b"\n\x04" + witness.key.raw).digest()[:4]
    assert (raw[:4], int.from_bytes(raw[4:12], "big")) == (identity, 1_679_315_147)


def test_the_known_answer_of_the_go_implementation() -> None:
    key = NoteKey.parse(PETER)
    assert key.text == PETER
    assert note_text(NOTE, key) == TEXT
    seed = base64.b64decode(SECRET)
    assert seed[:1] == b"\x01"
    assert note_sign(TEXT, "PeterNeumann", SigningKey(seed[1:])) == NOTE
    with pytest.raises(ValueError, match="did not sign"):
        note_text(NOTE.replace("answer", "ANSWER"), key)
