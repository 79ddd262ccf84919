"""Algorand and EVM addresses: is this one real, and how is it spelled."""

import hashlib
import re
from base64 import b32decode, b32encode
from typing import Final

from Cryptodome.Hash import keccak

from accounts.networks import network_kind

_ALGORAND_LENGTH: Final = 58
_BASE32: Final = re.compile(r"[A-Z2-7]{58}")
_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def _algorand_checksum(public_key: bytes) -> bytes:
    return hashlib.new("sha512_256", public_key).digest()[-4:]


def encode_algorand_address(public_key: bytes) -> str:
    """The 58 characters of a 32-byte public key, multisig hash or program hash."""
    if len(public_key) != 32:
        raise ValueError("An Algorand public key has 32 bytes.")
    return b32encode(public_key + _algorand_checksum(public_key)).decode("ascii")[:58]


def decode_algorand_address(text: str) -> bytes:
    """The 32 bytes behind an Algorand address; `ValueError` says what is wrong with it."""
    if len(text) != _ALGORAND_LENGTH:
        raise ValueError("An Algorand address has 58 characters.")
    if _BASE32.fullmatch(text) is None:
        raise ValueError("An Algorand address has only the letters A to Z and the digits 2 to 7.")
    public_key = b32decode(text + "======")[:32]
    # Comparing the text, not only the checksum: four last characters decode to the same bytes.
    if encode_algorand_address(public_key) != text:
        raise ValueError("The checksum of this Algorand address is wrong; check it for typos.")
    return public_key


def _eip55(address: str) -> str:
    digits = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode("ascii")).hexdigest()
    return "0x" + "".join(
        digit.upper() if nibble in "89abcdef" else digit
        for digit, nibble in zip(digits, digest, strict=False)
    )


def _evm_problem(address: str) -> str | None:
    if _EVM.fullmatch(address) is None:
        return "An EVM address is 0x and 40 hexadecimal digits."
    digits = address[2:]
    # EIP-55: one case throughout means that the writer gave no checksum.
    if digits in (digits.lower(), digits.upper()) or address == _eip55(address):
        return None
    return "The checksum (upper and lower case) of this EVM address is wrong; check it for typos."


def _algorand_spelling(address: str) -> str:
    text = address.strip()
    # Outside ASCII, upper case would turn look-alikes into letters of the alphabet.
    return text.upper() if text.isascii() else text


def address_problem(address: str, network: str) -> str | None:
    """A sentence that says why this is no address on that network, or None where it is one.

    Surrounding white space is not a problem, nor is an Algorand address in lower case:
    `canonical_address` removes both. On a network that nobody knows every text is accepted.
    """
    kind = network_kind(network)
    if kind == "avm":
        try:
            decode_algorand_address(_algorand_spelling(address))
        except ValueError as exc:
            return str(exc)
        return None
    if kind == "evm":
        return _evm_problem(address.strip())
    return None


def canonical_address(address: str, network: str) -> str:
    """The one stored spelling of an address; `ValueError` where it is none on that network.

    Algorand: upper case. EVM: the EIP-55 spelling. Elsewhere: without surrounding white space.
    """
    problem = address_problem(address, network)
    if problem is not None:
        raise ValueError(problem)
    kind = network_kind(network)
    if kind == "avm":
        return _algorand_spelling(address)
    return _eip55(address.strip()) if kind == "evm" else address.strip()
