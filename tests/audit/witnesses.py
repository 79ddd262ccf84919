"""A witness of the log, with a key of its own."""

import base64
import time

from nacl.signing import SigningKey

from audit.cosignatures import message
from audit.note import WitnessKey


class Witness:
    """Signs what it is shown, at a time of its choice."""

    def __init__(self, name: str = "witness.example/one", seed: int = 1) -> None:
        self.secret = SigningKey(bytes([seed]) * 32)
        self.key = WitnessKey(name, bytes(self.secret.verify_key))

    def line(self, text: str, seconds: int | None = None) -> str:
        """Return the cosignature of a checkpoint's text."""
        moment = int(time.time()) if seconds is None else seconds
        signature = self.secret.sign(message(text, moment)).signature
        raw = self.key.key_id + moment.to_bytes(8, "big") + signature
        return f"\u2014 {self.key.name} {base64.b64encode(raw).decode()}"
