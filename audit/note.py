"""Signed notes and checkpoints in the C2SP forms (c2sp.org/signed-note, tlog-checkpoint). Pure.

A checkpoint is three lines, the origin of the log, the size of its tree and the root in base64, an
empty line, and a line for each signature. A verifier key is `<name>+<key id>+<base64>`.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Self

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its origin, the size of its tree, and the root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed, its last line break included."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Return the checkpoint of a note's text. Raises ValueError where it is none."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]*", lines[1]):
            raise ValueError("a checkpoint has an origin, a size and a root")
        root = base64_decode(lines[2])
        if len(root) != 32:
            raise ValueError("the root is not 32 bytes long")
        return cls(lines[0], int(lines[1]), root)


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key by the name that it signs under; `kind` is the byte of its type."""

    kind: ClassVar[bytes] = _ED25519

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that a signature names its key by."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """The verifier key as it is published."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key of its published form. Raises ValueError."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = base64_decode(encoded)
        if raw[:1] != cls.kind or len(raw) != 33 or not _NAME.fullmatch(name):
            raise ValueError("this is no verifier key of its kind")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise ValueError("the key id is not that of the key")
        return key


class WitnessKey(NoteKey):
    """The public key of a witness: it signs a time with each checkpoint (`audit.cosignatures`)."""

    __slots__ = ()
    kind: ClassVar[bytes] = b"\x04"


def note_sign(text: str, name: str, key: SigningKey) -> str:
    """Return the note of `text`, signed under `name`."""
    public = NoteKey(name, bytes(key.verify_key))
    signature = base64.b64encode(public.key_id + key.sign(text.encode()).signature).decode()
    return f"{text}\n\u2014 {name} {signature}\n"


def note_text(note: str, key: NoteKey) -> str:
    """Return the text of a note that `key` signed. Raises ValueError where it did not."""
    text, blank, signatures = note.rpartition("\n\n")
    if not blank:
        raise ValueError("a note has an empty line before its signatures")
    text += "\n"
    if not signatures.endswith("\n"):
        raise ValueError("a note ends with a line break")
    for line in signatures[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\u2014" or name != key.name:
            continue
        try:
            raw = base64_decode(encoded)
            if raw[:4] == key.key_id:
                VerifyKey(key.raw).verify(text.encode(), raw[4:])
                return text
        except (BadSignatureError, ValueError):
            break  # one line that passes for the key's and is not is one too many
    raise ValueError(f"{key.name} did not sign this note")


def base64_decode(text: str) -> bytes:
    """Return what the text stands for. Raises ValueError unless it is the one way to write it."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("this is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise ValueError("this is not the plain base64 of what it stands for")
    return raw
