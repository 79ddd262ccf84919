import pytest
from algosdk import encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.addresses import (
    address_problem,
    canonical_address,
    decode_algorand_address,
    encode_algorand_address,
)

ALGORAND = "BH2RSWELCO3CSHGKOMEGE3YQCVZFBHJPWWQN3BL4WR7D3ZEDDO3DOVH5HM"
ZERO = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ"
EIP55 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # from the text of EIP-55

LENGTH = "An Algorand address has 58 characters."
ALPHABET = "An Algorand address has only the letters A to Z and the digits 2 to 7."
CHECKSUM = "The checksum of this Algorand address is wrong; check it for typos."
EVM_FORM = "An EVM address is 0x and 40 hexadecimal digits."
EVM_CHECKSUM = (
    "The checksum (upper and lower case) of this EVM address is wrong; check it for typos."
)


@settings(max_examples=200)
@given(st.binary(min_size=32, max_size=32))
def test_algorand_address_is_the_one_of_the_sdk(public_key: bytes) -> None:
    address = encode_algorand_address(public_key)
    assert address == encoding.encode_address(public_key)
    assert decode_algorand_address(address) == public_key


def test_zero_address() -> None:
    assert encode_algorand_address(bytes(32)) == ZERO
    assert decode_algorand_address(ZERO) == bytes(32)


@pytest.mark.parametrize("length", [0, 31, 33, 36])
def test_public_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encode_algorand_address(bytes(length))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", LENGTH),
        (ALGORAND[:-1], LENGTH),
        (ALGORAND + "A", LENGTH),
        (ALGORAND + "\n", LENGTH),
        (" " + ALGORAND, LENGTH),
        (EIP55, LENGTH),
        (ALGORAND.lower(), ALPHABET),
        ("0" + ALGORAND[1:], ALPHABET),
        ("1" + ALGORAND[1:], ALPHABET),
        ("8" + ALGORAND[1:], ALPHABET),
        (ALGORAND[:-1] + "=", ALPHABET),
        ("É" + ALGORAND[1:], ALPHABET),
        ("\uff21" + ALGORAND[1:], ALPHABET),
        ("A" + ALGORAND[1:], CHECKSUM),
        (ALGORAND[1] + ALGORAND[0] + ALGORAND[2:], CHECKSUM),
        (ALGORAND[:-1] + "A", CHECKSUM),
    ],
)
def test_decode_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode_algorand_address(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("last", ["N", "O", "P"])
def test_unused_bits_of_the_last_character(last: str) -> None:
    assert ALGORAND[-1] == "M"
    assert address_problem(ALGORAND[:-1] + last, "voimain-v1.0") == CHECKSUM


@pytest.mark.parametrize(
    ("address", "network", "problem"),
    [
        (ALGORAND, "voimain-v1.0", None),
        (ALGORAND, "voimain", None),
        (ALGORAND.lower(), "mainnet-v1.0", None),
        (f" {ALGORAND}\n", "mainnet-v1.0", None),
        ("", "mainnet-v1.0", LENGTH),
        (EIP55, "mainnet-v1.0", LENGTH),
        ("\u017f" + ALGORAND[1:], "mainnet-v1.0", ALPHABET),
        ("\u00df" + ALGORAND[2:], "mainnet-v1.0", LENGTH),
        (ALGORAND[:-2] + "AA", "mainnet-v1.0", CHECKSUM),
        (EIP55, "base-mainnet", None),
        (f" {EIP55} ", "base", None),
        (EIP55.lower(), "base-mainnet", None),
        ("0x" + EIP55[2:].upper(), "base-mainnet", None),
        ("0x" + "1" * 40, "base-mainnet", None),
        (EIP55.replace("aAeb", "aaeb"), "base-mainnet", EVM_CHECKSUM),
        (EIP55.replace("Ef1", "ef1"), "arbitrum-one", EVM_CHECKSUM),
        (EIP55[:-1], "base-mainnet", EVM_FORM),
        (EIP55 + "0", "base-mainnet", EVM_FORM),
        ("0X" + EIP55[2:], "base-mainnet", EVM_FORM),
        (EIP55[2:], "base-mainnet", EVM_FORM),
        ("0x" + "g" * 40, "base-mainnet", EVM_FORM),
        ("0x" + "\uff11" * 40, "base-mainnet", EVM_FORM),
        ("", "base-mainnet", EVM_FORM),
        (ALGORAND, "base-mainnet", EVM_FORM),
        (ALGORAND, "invoice-net", None),
        (EIP55, "invoice-net", None),
        ("anything", "invoice-net", None),
    ],
)
def test_address_problem(address: str, network: str, problem: str | None) -> None:
    assert address_problem(address, network) == problem


@pytest.mark.parametrize(
    "address",
    [
        EIP55,
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x6fD4983EaC3F958d1BF2009be4FCc0E8792A8AC6",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_eip55_spelling(address: str) -> None:
    for spelling in (address, address.lower(), "0x" + address[2:].upper(), f"\t{address} "):
        assert canonical_address(spelling, "ethereum-mainnet") == address


@pytest.mark.parametrize(
    ("address", "network", "canonical"),
    [
        (ALGORAND, "voimain-v1.0", ALGORAND),
        (f" {ALGORAND.lower()} ", "voimain", ALGORAND),
        (" Anything ", "invoice-net", "Anything"),
    ],
)
def test_canonical_address(address: str, network: str, canonical: str) -> None:
    assert canonical_address(address, network) == canonical


@pytest.mark.parametrize(
    ("address", "network", "message"),
    [
        ("x", "voimain-v1.0", LENGTH),
        (ALGORAND, "base-mainnet", EVM_FORM),
        (EIP55.replace("aAeb", "aaeb"), "base-mainnet", EVM_CHECKSUM),
    ],
)
def test_canonical_address_refuses(address: str, network: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        canonical_address(address, network)
    assert str(caught.value) == message
