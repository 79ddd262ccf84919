"""A chain in memory that fulfils the port, with a node that can be made to fail.

It is a chain as far as the pipeline can tell: bytes are kept by their hash, a nonce is used once, a
transaction lands in a block, blocks become final, and may be replaced before. The real adapters are
tested against real nodes elsewhere.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deployments.chains.port import (
    ChainFault,
    Confirmation,
    Lookup,
    Order,
    Prepared,
    TransactionState,
)

SENDER = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
S = TransactionState


@dataclass
class Ledger:
    """`before` and `after` are called with the name of every call; what they raise is raised."""

    network: str = "base-sepolia"
    before: Callable[[str], None] = lambda name: None
    after: Callable[[str], None] = lambda name: None
    pool: dict[str, Prepared] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    reverted: set[str] = field(default_factory=set)
    differences: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    height: int = 100
    final: int = 0
    confirmations: int = 1
    submissions: int = 0

    def sender(self) -> str:
        return SENDER

    def prepare(
        self,
        order: Order,
        *,
        used_nonces: frozenset[int] = frozenset(),
        replaces: Prepared | None = None,
    ) -> Prepared:
        self.before("prepare")
        nonce = replaces.nonce if replaces else self.next_nonce
        while replaces is None and nonce in used_nonces:
            nonce = (nonce or 0) + 1
        content = [order.standard, dict(order.parameters), nonce, order.key.hex()]
        signed = json.dumps(content).encode()
        name = "0x" + hashlib.sha256(signed).hexdigest()
        self.orders[name] = order
        self.after("prepare")
        return Prepared(name, signed, SENDER, nonce=nonce)

    def submit(self, prepared: Prepared) -> None:
        self.before("submit")
        self.submissions += 1
        assert "0x" + hashlib.sha256(prepared.signed).hexdigest() == prepared.transaction_id
        if prepared.transaction_id in self.pool:
            raise ChainFault("already known")
        if prepared.nonce in self.used:
            raise ChainFault("nonce too low")
        self.pool[prepared.transaction_id] = prepared
        self.after("submit")

    def lookup(self, prepared: Prepared) -> Lookup:
        self.before("lookup")
        found = self._lookup(prepared)
        self.after("lookup")
        return found

    def confirm(self, order: Order, found: Lookup) -> Confirmation:
        self.before("confirm")
        facts = {"name": order.parameters["name"], "totalSupply": order.parameters["initialSupply"]}
        self.after("confirm")
        return Confirmation(facts, self.differences)

    def _lookup(self, prepared: Prepared) -> Lookup:
        name = prepared.transaction_id
        block = self.blocks.get(name)
        if block is not None:
            if name in self.reverted:
                return Lookup(S.REVERTED, block)
            depth = self.height - block + 1
            state = S.FINAL if block <= self.final else S.CONFIRMED
            if depth < self.confirmations:
                state = S.PENDING
            return Lookup(state, block, f"block {block}", self.contract(name))
        if name in self.pool:
            return Lookup(S.PENDING)
        return Lookup(S.DEAD if prepared.nonce in self.used else S.UNKNOWN)

    @property
    def used(self) -> set[int | None]:
        """The nonces of what has landed."""
        return {self.pool[name].nonce for name in self.blocks}

    @property
    def next_nonce(self) -> int:
        """The nonce after those of the pool."""
        return 1 + max((one.nonce or 0 for one in self.pool.values()), default=-1)

    @staticmethod
    def contract(name: str) -> str:
        """The address that a transaction creates."""
        return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]

    def mine(self) -> None:
        """Put everything of the pool into the next block."""
        self.height += 1
        for name, one in self.pool.items():
            if name not in self.blocks and one.nonce not in self.used:
                self.blocks[name] = self.height

    def finalize(self) -> None:
        """Let every block be final."""
        self.final = self.height

    def drop(self) -> None:
        """Forget what is in no block, as a node does that restarts."""
        self.pool = {name: one for name, one in self.pool.items() if name in self.blocks}

    def reorganize(self) -> None:
        """Replace every block that is not final by one without our transactions."""
        lost = [name for name, block in self.blocks.items() if block > self.final]
        for name in lost:
            del self.blocks[name]
            del self.pool[name]
        self.height += 1

    @property
    def landed(self) -> list[str]:
        """The transactions that are in a block and have an effect."""
        return [name for name in self.blocks if name not in self.reverted]
