"""Who signs: keys that a file of the operator holds, never the database."""

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from algosdk import mnemonic
from algosdk.error import WrongChecksumError, WrongMnemonicLengthError
from eth_account import Account
from nacl.signing import SigningKey

from accounts.addresses import encode_algorand_address
from accounts.networks import NetworkKind

_HEX: Final = re.compile(r"(0x)?([0-9a-fA-F]{64})")
_MAX_BYTES: Final = 4_096


class KeyUnreadable(Exception):
    """The key file is missing, or holds no key of that kind. The message never shows the key."""


@dataclass(frozen=True)
class KeyFile:
    """The key in a file: 64 hex digits for EVM networks, 25 words or 32 bytes in base64 for AVM."""

    path: Path
    kind: NetworkKind

    def address(self) -> str:
        """Return the address on this kind of chain."""
        return self._address

    def private_key(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._secret

    @cached_property
    def _secret(self) -> bytes:
        try:
            with self.path.open(encoding="ascii") as file:
                text = file.read(_MAX_BYTES).strip()
        except (OSError, UnicodeDecodeError):
            raise KeyUnreadable(f"the key file {self.path} cannot be read") from None
        return _evm(text, self.path) if self.kind == "evm" else _avm(text, self.path)

    @cached_property
    def _address(self) -> str:
        if self.kind == "evm":
            return str(Account.from_key(self._secret).address)
        return encode_algorand_address(bytes(SigningKey(self._secret).verify_key))


def _evm(text: str, path: Path) -> bytes:
    found = _HEX.fullmatch(text)
    if found is None:
        raise KeyUnreadable(f"the key file {path} holds no 64 hexadecimal digits")
    return bytes.fromhex(found[2])


def _avm(text: str, path: Path) -> bytes:
    if len(text.split()) > 1:
        try:
            secret: str = mnemonic.to_private_key(text)
        except (WrongChecksumError, WrongMnemonicLengthError, ValueError, KeyError):
            raise KeyUnreadable(f"the key file {path} holds no 25 words of a key") from None
        return base64.b64decode(secret)[:32]
    try:
        seed = base64.b64decode(text, validate=True)
    except binascii.Error:
        seed = b""
    if len(seed) != 32:
        raise KeyUnreadable(f"the key file {path} holds no 25 words and no 32 bytes in base64")
    return seed
