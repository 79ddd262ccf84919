"""Parameters of the standards: what is accepted, how it is kept, and what is refused."""

from typing import Any

import pytest

from deployments.standards import ParametersRefused, read_parameters
from deployments.vocabulary import Standard

ALGORAND, BASE = "testnet-v1.0", "base-sepolia"
WALLET = "VCMJKWOY5P5P7SKMZFFOCEROPJCZOTIJMNIYNUCKH7LRO45JMJP6UYBIJA"
HOLDER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
DIGEST = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ASA = {"name": "Biatec Test", "unitName": "BTT", "totalSupply": 1_000_000}
NFT = {"name": "One of one", "unitName": "NFT"}
FNFT = {"name": "Fraction", "unitName": "FNFT", "totalSupply": 100, "decimals": 2}
FIXED = {"name": "Bond", "symbol": "BND", "initialSupply": "1000.5"}
MINTABLE = {**FIXED, "cap": 5000, "initialSupplyReceiver": HOLDER}


def problems_of(standard: Standard, given: dict[str, Any], network: str) -> dict[str, list[str]]:
    with pytest.raises(ParametersRefused) as refused:
        read_parameters(standard, network, given)
    return refused.value.problems


def test_a_fungible_asset() -> None:
    given = {**ASA, "managerAddress": WALLET.lower(), "metadataHash": DIGEST}
    assert read_parameters(Standard.ASA_FT, ALGORAND, given) == {
        "name": "Biatec Test",
        "unitName": "BTT",
        "url": "",
        "metadataHash": DIGEST,
        "defaultFrozen": False,
        "managerAddress": WALLET,
        "reserveAddress": "",
        "freezeAddress": "",
        "clawbackAddress": "",
        "totalSupply": "1000000",
        "decimals": 6,
    }


def test_a_non_fungible_asset_is_one() -> None:
    kept = read_parameters(Standard.ASA_NFT, ALGORAND, NFT)
    assert (kept["totalSupply"], kept["decimals"]) == ("1", 0)


def test_the_supply_of_an_erc20_is_kept_in_base_units_without_loss() -> None:
    kept = read_parameters(Standard.ERC20_MINTABLE, BASE, MINTABLE)
    assert kept["initialSupply"] == "1000500000000000000000"
    assert kept["cap"] == "5000000000000000000000"
    assert kept["initialSupplyReceiver"] == HOLDER


def test_the_receiver_of_a_fixed_supply_may_be_left_to_the_issuer() -> None:
    assert read_parameters(Standard.ERC20_PREMINTED, BASE, FIXED)["initialSupplyReceiver"] == ""


@pytest.mark.parametrize(
    ("standard", "network", "given", "field", "text"),
    [
        (Standard.ASA_FT, BASE, ASA, "network", "needs a known Algorand network"),
        (Standard.ERC20_PREMINTED, ALGORAND, FIXED, "network", "needs a known EVM network"),
        (Standard.ASA_FT, "nowhere", ASA, "network", "needs a known"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "cap": 1}, "cap", "Unknown parameter."),
        (Standard.ASA_FT, ALGORAND, NFT, "totalSupply", "required"),
        (Standard.ASA_NFT, ALGORAND, {**NFT, "totalSupply": 1}, "totalSupply", "Unknown"),
        # 17 letters of two bytes each are 34 bytes.
        (Standard.ASA_FT, ALGORAND, {**ASA, "name": "é" * 17}, "name", "Has 34 bytes"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "unitName": "NINECHARS"}, "unitName", "at most 8"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "url": "u" * 97}, "url", "at most 96"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "name": ""}, "name", "required"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "name": 7}, "name", "Must be text."),
        (Standard.ASA_FT, ALGORAND, {**ASA, "name": "a\x00b"}, "name", "printable"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "totalSupply": 0}, "totalSupply", "Must be from 1"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "totalSupply": 2**64}, "totalSupply", "Must be from"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "totalSupply": 1.5}, "totalSupply", "whole number"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "totalSupply": True}, "totalSupply", "whole number"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "decimals": 20}, "decimals", "from 0 to 19"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "managerAddress": "X"}, "managerAddress", "58"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "metadataHash": "AAA="}, "metadataHash", "32 bytes"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "defaultFrozen": "yes"}, "defaultFrozen", "true or"),
        (Standard.ASA_FT, ALGORAND, {**ASA, "defaultFrozen": True}, "freezeAddress", "unfreeze"),
        (Standard.ASA_FNFT, ALGORAND, {**FNFT, "totalSupply": 99}, "totalSupply", "100 (ARC-3)"),
        (Standard.ASA_FNFT, ALGORAND, {**FNFT, "decimals": 0}, "decimals", "at least one decimal"),
        (Standard.ERC20_PREMINTED, BASE, {**FIXED, "decimals": 19}, "decimals", "from 0 to 18"),
        (
            Standard.ERC20_PREMINTED,
            BASE,
            {**FIXED, "decimals": 0},
            "initialSupply",
            "more than 0 decimals",
        ),
        (Standard.ERC20_PREMINTED, BASE, {**FIXED, "initialSupply": 0}, "initialSupply", "greater"),
        (Standard.ERC20_PREMINTED, BASE, {**FIXED, "initialSupply": "-1"}, "initialSupply", "gre"),
        (Standard.ERC20_PREMINTED, BASE, {**FIXED, "initialSupply": 0.1}, "initialSupply", "text"),
        (Standard.ERC20_PREMINTED, BASE, {**FIXED, "initialSupply": "x"}, "initialSupply", "numbe"),
        (
            Standard.ERC20_PREMINTED,
            BASE,
            {**FIXED, "initialSupply": "NaN"},
            "initialSupply",
            "at most 78",
        ),
        (
            Standard.ERC20_PREMINTED,
            BASE,
            {**FIXED, "initialSupply": "1e999999999"},
            "initialSupply",
            "too large",
        ),
        (
            Standard.ERC20_PREMINTED,
            BASE,
            {**FIXED, "initialSupply": "1e-999999999"},
            "initialSupply",
            "more than 18 decimals",
        ),
        (
            Standard.ERC20_PREMINTED,
            BASE,
            {**FIXED, "initialSupply": 2**256},
            "initialSupply",
            "too large",
        ),
        (Standard.ERC20_MINTABLE, BASE, {**MINTABLE, "cap": 1000}, "cap", "less than the initial"),
        (
            Standard.ERC20_MINTABLE,
            BASE,
            {**MINTABLE, "initialSupplyReceiver": None},
            "initialSupplyReceiver",
            "Must be an address.",
        ),
        (
            Standard.ERC20_MINTABLE,
            BASE,
            {**MINTABLE, "initialSupplyReceiver": HOLDER.replace("d8d", "D8d")},
            "initialSupplyReceiver",
            "checksum",
        ),
    ],
)
def test_what_is_refused(
    standard: Standard, network: str, given: dict[str, Any], field: str, text: str
) -> None:
    problems = problems_of(standard, given, network)
    assert list(problems) == [field]
    assert text in problems[field][0]


def test_everything_wrong_is_said_at_once() -> None:
    given = {**ASA, "name": "n" * 33, "totalSupply": 0, "decimals": 99}
    assert set(problems_of(Standard.ASA_FT, given, ALGORAND)) == {
        "name",
        "totalSupply",
        "decimals",
    }
