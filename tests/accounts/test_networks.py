import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from accounts.networks import (
    NETWORKS,
    canonical_network,
    known_network,
    network_by_genesis_hash,
    network_kind,
)
from tests.accounts.arc14_headers import GENESIS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mainnet-v1.0", "mainnet-v1.0"),
        ("mainnet", "mainnet-v1.0"),
        ("algorand", "mainnet-v1.0"),
        ("algorand-mainnet", "mainnet-v1.0"),
        ("testnet", "testnet-v1.0"),
        ("algorand-testnet", "testnet-v1.0"),
        ("voimain", "voimain-v1.0"),
        ("voi", "voimain-v1.0"),
        ("voi-mainnet", "voimain-v1.0"),
        ("  VoiMain-V1.0\n", "voimain-v1.0"),
        ("aramidmain", "aramidmain-v1.0"),
        ("ARAMID-MAINNET", "aramidmain-v1.0"),
        ("base", "base-mainnet"),
        ("Base-Mainnet", "base-mainnet"),
        ("sepolia", "ethereum-sepolia"),
        ("betanet-v1.0", "betanet-v1.0"),
        ("voi-testnet", "voi-testnet"),
        ("invoice-net", "invoice-net"),
        ("EVM-Chain-137", "evm-chain-137"),
        ("7", "7"),
        ("a" * 50, "a" * 50),
    ],
)
def test_canonical_network(text: str, name: str) -> None:
    assert canonical_network(text) == name
    assert canonical_network(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "a" * 51,
        "-voimain",
        ".hidden",
        "_x",
        "voi main",
        "voi/main",
        "voimain;drop",
        "voimain\0",
        "réseau",
        "\u212aelvin",
        "voimain\uff0dv1",
    ],
)
def test_malformed_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"^A network name has 1 to 50 characters, starts with"):
        canonical_network(text)


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_empty_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"^A network name must not be empty\.$"):
        canonical_network(text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("voimain-v1.0", "avm"),
        ("voimain", "avm"),
        (" TESTNET ", "avm"),
        ("base-mainnet", "evm"),
        ("arbitrum-one", "evm"),
        ("betanet-v1.0", None),
        ("invoice-net", None),
        ("", None),
    ],
)
def test_network_kind(name: str, kind: str | None) -> None:
    assert network_kind(name) == kind


def test_genesis_hashes_are_those_of_the_published_vectors() -> None:
    hashes = {n.name: n.genesis_hash for n in NETWORKS if n.kind == "avm"}
    assert hashes == GENESIS


def test_network_by_genesis_hash() -> None:
    voi = network_by_genesis_hash(b64decode("r20fSQI8gWe/kFZziNonSPCXLwcQmH/nxROvnnueWOk="))
    assert voi is not None
    assert voi.name == "voimain-v1.0"
    assert network_by_genesis_hash(b"u" * 32) is None
    assert network_by_genesis_hash(b"") is None


@pytest.mark.parametrize(
    ("name", "caip2"),
    [
        ("mainnet-v1.0", "algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k"),
        ("testnet-v1.0", "algorand:SGO1GKSzyE7IEPItTxCByw9x8FmnrCDe"),
        ("voimain-v1.0", "algorand:r20fSQI8gWe_kFZziNonSPCXLwcQmH_n"),
        ("aramidmain-v1.0", "algorand:PgeQVJJgx_LYKJfIEz7dbfNPuXmDyJ-O"),
        ("ethereum-mainnet", "eip155:1"),
        ("base-mainnet", "eip155:8453"),
        ("arbitrum-one", "eip155:42161"),
        ("ethereum-sepolia", "eip155:11155111"),
        ("base-sepolia", "eip155:84532"),
    ],
)
def test_caip2(name: str, caip2: str) -> None:
    network = known_network(name)
    assert network is not None
    assert network.caip2 == caip2


def test_round_times() -> None:
    times = {n.name: (n.ms_fast, n.ms_average, n.ms_slow) for n in NETWORKS}
    assert times == {
        "mainnet-v1.0": (2600, 2800, 3300),
        "testnet-v1.0": (2600, 2800, 3300),
        "voimain-v1.0": (2600, 2800, 3300),
        "aramidmain-v1.0": (2600, 2800, 3500),
        "ethereum-mainnet": (12000, 12000, 12000),
        "base-mainnet": (2000, 2000, 2000),
        "arbitrum-one": (250, 250, 250),
        "ethereum-sepolia": (12000, 12000, 12000),
        "base-sepolia": (2000, 2000, 2000),
    }


def test_no_spelling_stands_for_two_networks() -> None:
    spellings = [spelling for n in NETWORKS for spelling in (n.name, *n.aliases)]
    assert len(spellings) == len(set(spellings))
    assert all(canonical_network(spelling) == spelling for spelling in [n.name for n in NETWORKS])


def test_pure_modules_start_without_django() -> None:
    modules = ["networks", "addresses", "arc14.verifier", "arc14.rounds", "arc14.signer"]
    imports = "; ".join(f"import accounts.{module}" for module in modules)
    program = f"import sys; {imports}; print('django' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "False\n"
