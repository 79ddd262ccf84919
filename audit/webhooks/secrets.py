"""The signing secrets of subscriptions: random, shown once, kept encrypted.

They must be readable to sign, so they are sealed with a key that comes from `SECRET_KEY` for this
purpose alone (XSalsa20-Poly1305). Whoever has the database without `SECRET_KEY` has no secret.
"""

import base64
import os
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from django.conf import settings
from django.utils.encoding import force_bytes
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_PURPOSE: Final = b"webhook secrets"  # at most 16 bytes


class SecretUnreadable(Exception):
    """No `SECRET_KEY` at hand opens it: a secret must be rotated."""


def secret_make() -> str:
    """Return a new secret in the form of Standard Webhooks: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def secret_seal(secret: str) -> bytes:
    """Return the secret encrypted, as it is kept."""
    return bytes(_box(settings.SECRET_KEY).encrypt(secret.encode()))


def secret_open(sealed: bytes | memoryview) -> str:
    """Return the secret that was sealed under `SECRET_KEY` or one of `SECRET_KEY_FALLBACKS`.

    Raises `SecretUnreadable`.
    """
    for box in _boxes():
        try:
            return box.decrypt(bytes(sealed)).decode()
        except CryptoError:
            continue
    raise SecretUnreadable


def _boxes() -> Iterator[SecretBox]:
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _box(key)


def _box(key: str | bytes) -> SecretBox:
    digest = blake2b(force_bytes(key), digest_size=SecretBox.KEY_SIZE, person=_PURPOSE).digest()
    return SecretBox(digest)
