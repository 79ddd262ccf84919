"""Transaction ids: is this one, and how is it spelled."""

import re
from typing import Final

from accounts.networks import network_kind

MAX_LENGTH: Final = 128

# 52 characters of base32 carry 260 bits for 256, so the last one can only be A or Q.
_AVM: Final = re.compile(r"[A-Z2-7]{51}[AQ]")
_EVM: Final = re.compile(r"0x[0-9a-f]{64}")
_OTHER: Final = re.compile(rf"[!-~]{{1,{MAX_LENGTH}}}")


def canonical_transaction_id(text: str, network: str) -> str:
    """The one stored spelling of a transaction id; `ValueError` where it is none on that network.

    Algorand: upper case. EVM: lower case. A network that nobody knows takes any word of at most
    128 ASCII characters.
    """
    bare = text.strip()
    kind = network_kind(network)
    if kind == "avm":
        # Outside ASCII, upper case would turn look-alikes into letters of the alphabet.
        if not bare.isascii() or _AVM.fullmatch(bare.upper()) is None:
            raise ValueError(
                "An Algorand transaction id has 52 base32 characters (A to Z, 2 to 7)."
            )
        return bare.upper()
    if kind == "evm":
        if not bare.isascii() or _EVM.fullmatch(bare.lower()) is None:
            raise ValueError("An EVM transaction id is 0x and 64 hexadecimal digits.")
        return bare.lower()
    if _OTHER.fullmatch(bare) is None:
        raise ValueError(f"A transaction id has 1 to {MAX_LENGTH} ASCII characters, no spaces.")
    return bare
