"""Proof hashes: is this really a hash of the kind that it says. Pure."""

import re
from base64 import b32decode, b32encode
from binascii import Error as EncodingError
from collections.abc import Callable, Mapping
from typing import Final

from accounts.addresses import decode_algorand_address

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SHA2_256: Final = 0x12
_IDENTITY: Final = 0x00
# The bounds that IPFS itself puts on a digest (go-verifcid); a hash that is shorter proves little.
_SHORTEST_DIGEST: Final = 20
_LONGEST_DIGEST: Final = 128
_VARINT_BYTES: Final = 9

_SHA256_TEXT: Final = re.compile(r"[0-9a-fA-F]{64}\Z")
_CID_V1_TEXT: Final = re.compile(r"b[a-z2-7]+\Z")
# ARC-19: template-ipfs://{ipfscid:<version>:<codec>:reserve:<hash>}, and a path into the content.
_TEMPLATE: Final = re.compile(
    r"template-ipfs://\{ipfscid:(?:0:dag-pb|1:(?:raw|dag-pb)):reserve:sha2-256\}(?:[/#][!-~]*)?\Z"
)

_CID_PROBLEM = "Not an IPFS CID: neither version 0 (Qm...) nor version 1 in base32 (b...)."
_CID_HASH_PROBLEM = "This IPFS CID does not hold a hash of the length that it says."
_SHA256_PROBLEM = "A SHA-256 hash has 64 hexadecimal digits."
_ARC19_PROBLEM = (
    "An ARC-19 proof is the reserve address (58 characters, valid checksum) or a URL "
    "template-ipfs://{ipfscid:<0 or 1>:<raw or dag-pb>:reserve:sha2-256}."
)


def proof_problem(proof_hash: str, proof_type: str) -> str | None:
    """A sentence that says why this is no proof hash of that type, or None where it is one.

    Known types are `IPFS`, `SHA-256` and `ARC19`, in any case and with or without a hyphen; with
    any other type, and without one, every text is accepted.
    """
    check = _CHECKS.get(_kind(proof_type))
    return None if check is None else check(proof_hash)


def is_checked(proof_type: str) -> bool:
    """Return whether the hashes of this type are checked, so that they are no free text."""
    return _kind(proof_type) in _CHECKS


def _kind(proof_type: str) -> str:
    return re.sub(r"[\s_-]", "", proof_type).upper()


def _ipfs_problem(text: str) -> str | None:
    if len(text) == 46 and text.startswith("Qm"):
        return _cid_v0_problem(text)
    if _CID_V1_TEXT.match(text):
        return _cid_v1_problem(text)
    return _CID_PROBLEM


def _cid_v0_problem(text: str) -> str | None:
    number = 0
    for character in text:
        digit = _BASE58.find(character)
        if digit < 0:
            return _CID_PROBLEM
        number = number * 58 + digit
    # 46 characters from Qm hold at most 34 bytes; the first is not zero, so none is lost.
    multihash = number.to_bytes(34, "big")
    return None if multihash[:2] == bytes((_SHA2_256, 32)) else _CID_HASH_PROBLEM


def _cid_v1_problem(text: str) -> str | None:
    data = _base32(text[1:])
    if data is None:
        return _CID_PROBLEM
    try:
        version, rest = _varint(data)
        _, rest = _varint(rest)
        function, rest = _varint(rest)
        length, digest = _varint(rest)
    except ValueError:
        return _CID_PROBLEM
    if version != 1:
        return _CID_PROBLEM
    bounds = range(_SHORTEST_DIGEST, _LONGEST_DIGEST + 1)
    wrong_length = len(digest) != length or length not in bounds
    if wrong_length or function == _IDENTITY or (function == _SHA2_256 and length != 32):
        return _CID_HASH_PROBLEM
    return None


def _base32(text: str) -> bytes | None:
    padded = text.upper() + "=" * (-len(text) % 8)
    try:
        data = b32decode(padded)
    except EncodingError:
        return None
    # Several last characters decode to the same bytes; only one of them is the CID.
    return data if b32encode(data).decode("ascii") == padded else None


def _varint(data: bytes) -> tuple[int, bytes]:
    """The first unsigned varint and what follows it; ValueError where there is none."""
    value = 0
    for index, byte in enumerate(data[:_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if byte == 0 and index > 0:
                raise ValueError("not the shortest form")
            return value, data[index + 1 :]
    raise ValueError("no end")


def _sha256_problem(text: str) -> str | None:
    return None if _SHA256_TEXT.match(text) else _SHA256_PROBLEM


def _arc19_problem(text: str) -> str | None:
    if _TEMPLATE.match(text):
        return None
    try:
        decode_algorand_address(text)
    except ValueError:
        return _ARC19_PROBLEM
    return None


_CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "IPFS": _ipfs_problem,
    "SHA256": _sha256_problem,
    "ARC19": _arc19_problem,
}
