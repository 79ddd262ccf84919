"""The networks that Assayer knows, and the one spelling of each network's name."""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

NetworkKind = Literal["avm", "evm"]

NAME_MAX_LENGTH: Final = 50

_NAME: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{NAME_MAX_LENGTH - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One known network; `name` is the spelling that is stored and answered.

    An AVM network's name is its genesis id, and it carries its genesis hash; an EVM network
    carries its chain id. `ms_fast` and `ms_slow` bound the average time of a round or block in
    milliseconds, over minutes or longer. `confirmations` is how many blocks make a transaction
    confirmed, and `indexed_block_tag` the tag an EVM block must have reached for more than that.
    """

    name: str
    label: str
    kind: NetworkKind
    aliases: tuple[str, ...]
    native: str
    ms_average: int
    ms_fast: int
    ms_slow: int
    confirmations: int = 1
    genesis_hash: bytes | None = None
    chain_id: int | None = None
    indexed_block_tag: Literal["safe", "finalized"] | None = None

    @property
    def caip2(self) -> str:
        """The CAIP-2 identifier: `algorand:...` or `eip155:...`."""
        if self.genesis_hash is None:
            return f"eip155:{self.chain_id}"
        return "algorand:" + urlsafe_b64encode(self.genesis_hash).decode()[:32]


def _avm(
    name: str, label: str, genesis_hash: str, aliases: tuple[str, ...], native: str, ms_slow: int
) -> Network:
    return Network(
        name=name,
        label=label,
        kind="avm",
        aliases=aliases,
        native=native,
        ms_average=2800,
        ms_fast=2600,
        ms_slow=ms_slow,
        genesis_hash=b64decode(genesis_hash, validate=True),
    )


def _evm(
    name: str,
    label: str,
    chain_id: int,
    aliases: tuple[str, ...],
    ms_block: int,
    confirmations: int,
    indexed_block_tag: Literal["safe", "finalized"],
    native: str = "ETH",
) -> Network:
    return Network(
        name=name,
        label=label,
        kind="evm",
        aliases=aliases,
        native=native,
        ms_average=ms_block,
        ms_fast=ms_block,
        ms_slow=ms_block,
        confirmations=confirmations,
        chain_id=chain_id,
        indexed_block_tag=indexed_block_tag,
    )


# Genesis hashes of mainnet and testnet: go-algorand v5.0.0, cmd/algokey/keyreg.go. Those of Voi
# and Aramid: the incumbent's configuration and eight unrelated public repositories each. Round
# times of Voi and Aramid are assumed equal to Algorand's; Aramid has fewer validators, so its
# slow bound is wider.
NETWORKS: Final[tuple[Network, ...]] = (
    _avm(
        "mainnet-v1.0",
        "Algorand",
        "wGHE2Pwdvd7S12BL5FaOP20EGYesN73ktiC1qzkkit8=",
        ("mainnet", "algorand", "algorand-mainnet"),
        "ALGO",
        3300,
    ),
    _avm(
        "testnet-v1.0",
        "Algorand TestNet",
        "SGO1GKSzyE7IEPItTxCByw9x8FmnrCDexi9/cOUJOiI=",
        ("testnet", "algorand-testnet"),
        "ALGO",
        3300,
    ),
    _avm(
        "voimain-v1.0",
        "Voi",
        "r20fSQI8gWe/kFZziNonSPCXLwcQmH/nxROvnnueWOk=",
        ("voimain", "voi", "voi-mainnet"),
        "VOI",
        3300,
    ),
    _avm(
        "aramidmain-v1.0",
        "Aramid",
        "PgeQVJJgx/LYKJfIEz7dbfNPuXmDyJ+O7FwQ4XL9tE8=",
        ("aramidmain", "aramid", "aramid-mainnet"),
        "ARAMID",
        3500,
    ),
    _evm("ethereum-mainnet", "Ethereum", 1, ("ethereum",), 12_000, 2, "finalized"),
    _evm("base-mainnet", "Base", 8453, ("base",), 2_000, 1, "safe"),
    _evm("arbitrum-one", "Arbitrum One", 42161, ("arbitrum",), 250, 1, "safe"),
    _evm(
        "ethereum-sepolia",
        "Ethereum Sepolia",
        11155111,
        ("sepolia",),
        12_000,
        2,
        "finalized",
        "SepoliaETH",
    ),
    _evm("base-sepolia", "Base Sepolia", 84532, (), 2_000, 1, "safe"),
)

_BY_SPELLING: Final[Mapping[str, Network]] = MappingProxyType(
    {spelling: network for network in NETWORKS for spelling in (network.name, *network.aliases)}
)
_BY_GENESIS_HASH: Final[Mapping[bytes, Network]] = MappingProxyType(
    {network.genesis_hash: network for network in NETWORKS if network.genesis_hash is not None}
)


def canonical_network(text: str) -> str:
    """The one stored spelling of a network name; `ValueError` where it is malformed.

    Case and surrounding white space do not matter and an alias becomes the name it stands for. A
    well-formed name that nobody knows is kept, since an issuer may use a network of their own.
    """
    name = text.strip().lower()
    known = _BY_SPELLING.get(name)
    if known is not None:
        return known.name
    if not name:
        raise ValueError("A network name must not be empty.")
    if not text.isascii() or _NAME.fullmatch(name) is None:
        raise ValueError(
            "A network name has 1 to 50 characters, starts with a letter or a digit, and goes on "
            "with letters, digits, dots, hyphens or underscores."
        )
    return name


def known_network(name: str) -> Network | None:
    """The registered network under this name or alias, or None."""
    return _BY_SPELLING.get(name.strip().lower())


def network_kind(name: str) -> NetworkKind | None:
    """`avm` or `evm` for a known network, None for any other."""
    network = known_network(name)
    return None if network is None else network.kind


def network_by_genesis_hash(genesis_hash: bytes) -> Network | None:
    """The known AVM network that starts from this genesis block, or None."""
    return _BY_GENESIS_HASH.get(genesis_hash)
