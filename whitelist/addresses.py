"""The address of a holder: valid for the network of the token, in its one spelling."""

from typing import Final

from accounts.addresses import canonical_address

MAX_LENGTH: Final = 100


def holder_address(text: str, network: str) -> str:
    """The one stored spelling of an address; `ValueError` says what is wrong with it.

    A token whose network nobody named yet takes Algorand and EVM addresses, each checked as such,
    so that naming the network later leaves no second spelling behind.
    """
    if not network:
        network = "ethereum-mainnet" if text.strip()[:2].lower() == "0x" else "mainnet-v1.0"
    address = canonical_address(text, network)
    if not address:
        raise ValueError("An address must not be empty.")
    if len(address) > MAX_LENGTH or not address.isprintable():
        raise ValueError(f"An address has at most {MAX_LENGTH} characters, all of them printable.")
    return address
