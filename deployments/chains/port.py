"""The port to a chain: what the pipeline asks, and what an adapter answers. Pure.

A transaction is built and signed once (`prepare`), kept, and only then sent (`submit`); sending
the same bytes again is harmless. What became of it is looked up (`lookup`), never concluded from
an answer to sending. An adapter holds no state: everything it must remember is in `Prepared`.

An adapter raises `ChainFault` for everything that a node or a network does wrong, and ValueError
where it is asked for what it cannot make.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from deployments.vocabulary import Standard


class ChainFault(Exception):
    """A node refused or did not answer.

    `text` is what it said, for operators alone; `rpc_code` and `http_status` are its codes, and
    `retry_after` the seconds it asked to wait. `deployments.failures` says what follows.
    """

    def __init__(
        self,
        text: str,
        *,
        rpc_code: int | None = None,
        http_status: int | None = None,
        retry_after: int | None = None,
        exception: str = "",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.rpc_code = rpc_code
        self.http_status = http_status
        self.retry_after = retry_after
        self.exception = exception


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be issued: `parameters` are valid by `deployments.standards`.

    `key` are 32 bytes that belong to this attempt alone: Algorand's lease.
    """

    network: str
    standard: Standard
    parameters: Mapping[str, Any]
    key: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed transaction, and how to tell that it can never land.

    Algorand: it is dead after round `valid_until`. EVM: it is dead once another transaction of
    `sender` with the same `nonce` is final.
    """

    transaction_id: str
    signed: bytes
    sender: str
    valid_from: int | None = None
    valid_until: int | None = None
    nonce: int | None = None


class TransactionState(Enum):
    """What a chain says of a transaction."""

    UNKNOWN = "unknown"  # the node has not heard of it; it may still land
    PENDING = "pending"  # in the pool, or in a block that is not confirmed enough
    CONFIRMED = "confirmed"  # in a block, as deep as the network's policy asks
    FINAL = "final"  # the indexer has it, or the block has the tag that the policy asks
    REVERTED = "reverted"  # in a block, and without effect
    DEAD = "dead"  # it never landed and never can


@dataclass(frozen=True, slots=True)
class Lookup:
    """What became of a transaction.

    `round` is its round or block, `block_id` names that block where blocks can be replaced, and
    `asset_identifier` is what it made: an asset id, or the address of a contract. `sender` is the
    account that sent it, where that matters: the key may have been changed since.
    """

    state: TransactionState
    round: int | None = None
    block_id: str | None = None
    asset_identifier: str | None = None
    detail: str = ""
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The asset as the chain shows it, held against the order: `differences` by field."""

    facts: Mapping[str, Any]
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


class Chain(Protocol):
    """One network through one adapter."""

    network: str

    def sender(self) -> str:
        """Return the address that issues."""

    def prepare(
        self,
        order: Order,
        *,
        used_nonces: frozenset[int] = frozenset(),
        replaces: Prepared | None = None,
    ) -> Prepared:
        """Build and sign the transaction, with fresh parameters of the network; send nothing.

        `used_nonces` are those of the sender's transactions that were prepared and are not over:
        the pool of the node may not have heard of them. One that `replaces` another has its nonce
        and a higher fee, so that at most one of the two can land; only EVM networks have that.
        Checks that the node is of this network.
        """

    def submit(self, prepared: Prepared) -> None:
        """Send the bytes, once. What a node says of bytes that it has had before is a fault too."""

    def lookup(self, prepared: Prepared) -> Lookup:
        """Return what became of the transaction; asks the chain, remembers nothing."""

    def confirm(self, order: Order, found: Lookup) -> Confirmation:
        """Read the asset back and compare it with the order."""


class Signer(Protocol):
    """Who signs. The private key stays behind this; a settings file holds it, or a key service."""

    def address(self) -> str:
        """Return the address on this kind of chain."""

    def private_key(self) -> bytes:
        """Return the 32 secret bytes: Ed25519 seed on AVM networks, secp256k1 key on EVM ones."""
