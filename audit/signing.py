"""The Ed25519 keys of what is signed: the one that signs now, and the public ones to check with.

A key's id is its RFC 7638 thumbprint, so that nobody can give two keys one name.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from config.api.formats import utc_text

KEY_BYTES = 32
_MULTICODEC = b"\xed\x01"  # an Ed25519 public key
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and the time for which its signatures count; None leaves an end open."""

    raw: bytes
    since: datetime | None = None
    until: datetime | None = None

    @property
    def key_id(self) -> str:
        members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(self.raw)}
        text = json.dumps(members, separators=(",", ":"), sort_keys=True)
        return _base64url(sha256(text.encode()).digest())

    @property
    def multikey(self) -> str:
        """The key as a Multikey: its multicodec prefix and its bytes in base58."""
        return base58btc(_MULTICODEC + self.raw)

    @property
    def did(self) -> str:
        """The key as an identifier that says by itself how to verify (did:key)."""
        return f"did:key:{self.multikey}"

    @property
    def verification_method(self) -> str:
        return f"{self.did}#{self.multikey}"

    def counts_at(self, moment: datetime) -> bool:
        """Return whether a signature made at `moment` counts."""
        begun = self.since is None or self.since <= moment
        return begun and (self.until is None or moment <= self.until)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` is this key's over `message`."""
        try:
            VerifyKey(self.raw).verify(message, signature)
        except (BadSignatureError, ValueError):
            return False
        return True

    def document(self) -> dict[str, Any]:
        """Return the key as a JSON Web Key (RFC 8037), with its validity and as PEM."""
        body = base64.b64encode(_DER_PREFIX + self.raw).decode()
        return {
            "kid": self.key_id,
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "x": _base64url(self.raw),
            "validFrom": utc_text(self.since) if self.since else None,
            "validUntil": utc_text(self.until) if self.until else None,
            "did": self.did,
            "pem": f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n",
        }


def current_key() -> PublicKey:
    """Return the public half of the key that seals now."""
    since = settings.REPORT_SIGNING_KEY_SINCE
    public = bytes(_signing_key(settings.REPORT_SIGNING_KEY).verify_key)
    return PublicKey(public, since=_moment(since) if since else None)


def public_keys() -> Mapping[str, PublicKey]:
    """Return every key whose signatures count, by id: the current one first."""
    keys = [current_key(), *(_retired(text) for text in settings.REPORT_RETIRED_KEYS)]
    by_id: dict[str, PublicKey] = {}
    for key in keys:
        by_id.setdefault(key.key_id, key)
    return by_id


def sign(message: bytes) -> bytes:
    """Return the 64 bytes of the current key's signature over `message`; the same every time."""
    return _signing_key(settings.REPORT_SIGNING_KEY).sign(message).signature


def signing_problem() -> str:
    """Return why production must not seal with these settings, or nothing."""
    if not settings.REPORT_SIGNING_KEY:
        return "REPORT_SIGNING_KEY is not set"
    if settings.REPORT_SIGNING_KEY.strip() == settings.DEMO_REPORT_SIGNING_KEY:
        return "REPORT_SIGNING_KEY is the demo key, which everybody knows"
    try:
        public_keys()
    except ValueError as problem:
        return str(problem)
    return ""


@lru_cache(maxsize=4)
def _signing_key(text: str) -> SigningKey:
    return SigningKey(_key_bytes("REPORT_SIGNING_KEY", text))


def _retired(text: str) -> PublicKey:
    name = "an entry of REPORT_RETIRED_KEYS"
    key, at, period = text.strip().partition("@")
    since, dots, until = period.partition("..")
    if not at or not dots:
        raise ValueError(f"{name} is not <base64>@<first moment>..<last moment>")
    return PublicKey(
        _key_bytes(name, key),
        since=_moment(since) if since else None,
        until=_moment(until) if until else None,
    )


def _key_bytes(name: str, text: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{name} is not base64") from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"{name} is not {KEY_BYTES} bytes long")
    return raw


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text} is no ISO 8601 moment") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def base58btc(raw: bytes) -> str:
    """Return `raw` in multibase base58btc, which begins with a z."""
    number, digits = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "z" + "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
