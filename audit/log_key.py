"""The Ed25519 key of the log: it signs checkpoints, and the rows that speak of the tree.

It is derived from `REPORT_SIGNING_KEY` for this purpose alone. A checkpoint binds the bodies; the
signature of a row binds what the tree does not hold: times, places and transaction ids. Whoever
has the rights of the database's owner, and not the key, can make neither.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from audit.body import canonical
from audit.note import NoteKey, base64_decode, note_sign

_PURPOSE = b"assayer-log-v1\n"
_ROW = "assayer-log-row-v1\n"  # its second line is JSON: no checkpoint reads like that


def log_key() -> NoteKey:
    """Return the public key of the log."""
    return NoteKey(settings.AUDIT_ORIGIN, bytes(_signing_key().verify_key))


def log_keys() -> list[NoteKey]:
    """Return every key whose signatures count: the current one, then `AUDIT_RETIRED_KEYS`.

    Raises ValueError where one of those is no verifier key.
    """
    return [log_key(), *(NoteKey.parse(text) for text in settings.AUDIT_RETIRED_KEYS)]


def sign_note(text: str) -> str:
    """Return the note of `text` under the log's name."""
    return note_sign(text, settings.AUDIT_ORIGIN, _signing_key())


def sign_row(kind: str, content: Mapping[str, Any]) -> str:
    """Return the signature of a row's content, in base64."""
    return base64.b64encode(_signing_key().sign(_message(kind, content)).signature).decode()


def is_signed(kind: str, content: Mapping[str, Any], signature: str) -> bool:
    """Return whether a key of the log signed the row's content."""
    try:
        raw = base64_decode(signature)
    except ValueError:
        return False
    return any(_verifies(key.raw, _message(kind, content), raw) for key in log_keys())


def _verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def _message(kind: str, content: Mapping[str, Any]) -> bytes:
    return _ROW.encode() + canonical({"kind": kind, **content})


def _signing_key() -> SigningKey:
    return _derived(settings.REPORT_SIGNING_KEY)


@lru_cache(maxsize=4)
def _derived(secret: str) -> SigningKey:
    # A key of its own from the one secret: a signature over a report never passes for a note.
    return SigningKey(sha256(_PURPOSE + secret.strip().encode()).digest())
