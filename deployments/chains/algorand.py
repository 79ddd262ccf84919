"""Algorand and the networks like it: an asset (ASA) is one `acfg` transaction. Asks nodes only.

A block is never replaced, so one confirmation is all there is; `FINAL` is what the indexer has.
"""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from algosdk.constants import ZERO_ADDRESS
from algosdk.encoding import encode_address, msgpack_encode
from algosdk.signer import Ed25519AlgorandSigner
from algosdk.transaction import AssetCreateTxn, SignedTransaction, SuggestedParams
from nacl.signing import SigningKey

from accounts.arc14.chain import AlgodNode
from accounts.networks import Network
from deployments.chains.algorand_nodes import AlgorandNodes, record, text, understanding, whole
from deployments.chains.port import (
    ChainFault,
    Confirmation,
    Lookup,
    Order,
    Prepared,
    Signer,
    TransactionState,
)
from deployments.standards import KINDS

MAX_VALIDITY_ROUNDS: Final = 1_000
"""How many rounds a transaction may be valid for, and how long a lease lasts at most."""
ASSET_MIN_BALANCE: Final = 100_000
"""Microalgos by which each asset raises its creator's minimum balance (consensus)."""
TIMEOUT_SECONDS: Final = 5.0
MAX_FEE: Final = 1_000_000
"""Microalgos that one transaction may cost: a node that asks for more is not believed."""

_LEASE_BYTES: Final = 32
_ROLES: Final = {
    "managerAddress": "manager",
    "reserveAddress": "reserve",
    "freezeAddress": "freeze",
    "clawbackAddress": "clawback",
}


class AlgorandChain:
    """A `Chain` of one AVM network, through one algod and one indexer.

    The indexer must keep every transaction: that one is missing there is taken as the proof that
    it never landed. `max_fee` is in microalgos. Raises ValueError for a network of another kind.
    """

    def __init__(
        self,
        network: Network,
        signer: Signer,
        *,
        algod: AlgodNode,
        indexer: AlgodNode,
        timeout_seconds: float = TIMEOUT_SECONDS,
        validity_rounds: int = MAX_VALIDITY_ROUNDS,
        max_fee: int = MAX_FEE,
    ) -> None:
        if network.kind != "avm" or network.genesis_hash is None or network.confirmations != 1:
            raise ValueError(f"{network.name} is not a network of this kind.")
        if not 1 <= validity_rounds <= MAX_VALIDITY_ROUNDS:
            raise ValueError(f"A transaction is valid for 1 to {MAX_VALIDITY_ROUNDS} rounds.")
        self.network = network.name
        self._genesis_hash = base64.b64encode(network.genesis_hash).decode()
        self._nodes = AlgorandNodes(algod, indexer, timeout_seconds)
        self._signer = signer
        self._validity_rounds = validity_rounds
        self._max_fee = max_fee

    def sender(self) -> str:
        """Return the address that issues."""
        return self._signer.address()

    def prepare(
        self,
        order: Order,
        *,
        used_nonces: frozenset[int] = frozenset(),
        replaces: Prepared | None = None,
    ) -> Prepared:
        """Build and sign the creation of the asset; `order.key` is its lease. Sends nothing.

        There are no nonces here, and nothing is replaced: a new attempt waits for the old one's
        end. Raises `ChainFault` where the node is of another network, where the account has too
        little for the fee and the new minimum balance, and where another key signs for it.
        """
        if order.network != self.network or replaces is not None:
            raise ValueError("This network cannot make that transaction.")
        if KINDS[order.standard].network_kind != "avm":
            raise ValueError(f"{order.standard} is not a standard of Algorand.")
        if len(order.key) != _LEASE_BYTES or not any(order.key):
            raise ValueError("A lease is 32 bytes that are not all zero.")
        sender = self.sender()
        suggested = self._suggested()
        transaction = asset_creation(order.parameters, sender, suggested, lease=order.key)
        if transaction.fee > self._max_fee:
            raise ChainFault(
                f"fee of {transaction.fee} microalgos exceeds the limit of {self._max_fee}"
            )
        self._check_account(sender, transaction.fee)
        return Prepared(
            transaction_id=transaction.get_txid(),
            signed=self._sign(transaction),
            sender=sender,
            valid_from=suggested.first,
            valid_until=suggested.last,
        )

    def submit(self, prepared: Prepared) -> None:
        """Send the bytes once. A `ChainFault` may mean that the node has had them before."""
        self._nodes.send(prepared.signed)

    def lookup(self, prepared: Prepared) -> Lookup:
        """Return what became of the transaction.

        It is DEAD once the indexer is past its last valid round and does not have it: no later
        block can take it, whatever is in the pool of a node that stands still. While the indexer
        does not answer, nothing is FINAL or DEAD, and `detail` says why.
        """
        try:
            seen = self._in_algod(prepared)
        except ChainFault:
            with suppress(ChainFault):
                indexed = self._in_indexer(prepared)
                if indexed.state is TransactionState.FINAL:
                    return indexed
            raise
        try:
            indexed = self._in_indexer(prepared)
        except ChainFault as fault:
            return replace(seen, detail=fault.text)
        if indexed.state is TransactionState.FINAL:
            return indexed
        if indexed.state is TransactionState.DEAD and seen.round is None:
            return Lookup(TransactionState.DEAD, detail=seen.detail)
        return seen

    def confirm(self, order: Order, found: Lookup) -> Confirmation:
        """Read the asset back and compare it with the order, by the order's names of fields.

        Raises `ChainFault` while no node can read it.
        """
        if found.asset_identifier is None:
            raise ValueError("The transaction made no asset.")
        asset = self._nodes.asset(int(found.asset_identifier))
        if asset is None:
            raise ChainFault(f"no answer from any node yet on asset {found.asset_identifier}")
        with understanding("algod"):
            facts = _facts(asset)
        expected = {**_expected(order.parameters), "creator": found.sender or self.sender()}
        expected["deleted"] = False
        return Confirmation(
            facts={**facts, "assetId": found.asset_identifier, "confirmedRound": found.round},
            differences={
                name: (wanted, facts[name])
                for name, wanted in expected.items()
                if facts[name] != wanted
            },
        )

    def _suggested(self) -> SuggestedParams:
        answer = self._nodes.parameters()
        with understanding("algod"):
            first = whole(answer, "last-round")
            suggested = SuggestedParams(
                fee=whole(answer, "fee"),
                first=first,
                last=first + self._validity_rounds,
                gh=text(answer, "genesis-hash"),
                gen=text(answer, "genesis-id"),
                consensus_version=text(answer, "consensus-version"),
                min_fee=whole(answer, "min-fee"),
            )
        self._check_genesis(suggested.gen, suggested.gh)
        return suggested

    def _check_genesis(self, genesis_id: str, genesis_hash: str) -> None:
        for name, seen, expected in (
            ("GenesisHash", genesis_hash, self._genesis_hash),
            ("GenesisID", genesis_id, self.network),
        ):
            if seen != expected:
                raise ChainFault(f"tx.{name} <{expected}> does not match expected <{seen}>")

    def _check_account(self, sender: str, fee: int) -> None:
        account = self._nodes.account(sender)
        with understanding("algod"):
            balance, least = whole(account, "amount"), whole(account, "min-balance")
            authorizer = text(account, "auth-addr") if account.get("auth-addr") else sender
        if authorizer != sender:
            raise ChainFault(f"account {sender} should have been authorized by {authorizer}")
        left, least = balance - fee, least + ASSET_MIN_BALANCE
        if left < 0:
            raise ChainFault(f"overspend (account {sender}, has {balance}, tried to spend {fee})")
        if left < least:
            raise ChainFault(f"account {sender} balance {left} below min {least}")

    def _sign(self, transaction: AssetCreateTxn) -> bytes:
        key = SigningKey(self._signer.private_key())
        public = bytes(key.verify_key)
        if encode_address(public) != transaction.sender:
            raise ChainFault(
                f"account {transaction.sender} should have been authorized by its own key,"
                f" not by that of {encode_address(public)}"
            )
        signer = Ed25519AlgorandSigner(public, lambda message: key.sign(message).signature)
        return base64.b64decode(msgpack_encode(signer.sign_transactions([transaction], [0])[0]))

    def _in_algod(self, prepared: Prepared) -> Lookup:
        answer = self._nodes.pending(prepared.transaction_id)
        if answer is None:
            return Lookup(TransactionState.UNKNOWN)
        with understanding("algod"):
            confirmed = whole(answer, "confirmed-round") if "confirmed-round" in answer else 0
            asset = whole(answer, "asset-index") if "asset-index" in answer else 0
            refusal = text(answer, "pool-error")
        if confirmed:
            return _landed(TransactionState.CONFIRMED, prepared, confirmed, asset)
        if refusal:
            # This pool threw it out, but another node may still have it.
            return Lookup(TransactionState.UNKNOWN, detail=refusal)
        return Lookup(TransactionState.PENDING)

    def _in_indexer(self, prepared: Prepared) -> Lookup:
        reached, found = self._nodes.indexed(prepared.transaction_id)
        if found is None:
            last = prepared.valid_until
            if last is None or reached <= last:
                return Lookup(TransactionState.UNKNOWN)
            # An indexer of another network knows nothing of it either.
            self._check_genesis(*self._nodes.block_genesis(last))
            return Lookup(TransactionState.DEAD)
        with understanding("indexer"):
            asset = whole(found, "created-asset-index") if "created-asset-index" in found else 0
            round_ = whole(found, "confirmed-round")
        return _landed(TransactionState.FINAL, prepared, round_, asset)


def _landed(state: TransactionState, prepared: Prepared, round_: int, asset: int) -> Lookup:
    identifier = str(asset) if asset else None
    return Lookup(state, round_, asset_identifier=identifier, sender=prepared.sender)


def asset_creation(
    parameters: Mapping[str, Any],
    sender: str,
    suggested: SuggestedParams,
    *,
    lease: bytes | None = None,
) -> AssetCreateTxn:
    """Return the unsigned transaction that creates the asset.

    `parameters` are valid by `deployments.standards`. The fee is what `suggested` asks for each
    byte of the signed transaction, and at least its minimum.
    """
    digest = parameters["metadataHash"]
    flat = SuggestedParams(
        fee=suggested.min_fee,
        first=suggested.first,
        last=suggested.last,
        gh=suggested.gh,
        gen=suggested.gen,
        flat_fee=True,
    )
    transaction = AssetCreateTxn(
        sender,
        flat,
        total=int(parameters["totalSupply"]),
        decimals=parameters["decimals"],
        default_frozen=parameters["defaultFrozen"],
        unit_name=parameters["unitName"],
        asset_name=parameters["name"],
        url=parameters["url"],
        metadata_hash=base64.b64decode(digest) if digest else None,
        lease=lease,
        **{role: _address(parameters[name]) for name, role in _ROLES.items()},
    )
    # A higher fee may need more bytes, and those cost again.
    while (fee := suggested.fee * _signed_size(transaction)) > transaction.fee:
        transaction.fee = fee
    return transaction


def _signed_size(transaction: AssetCreateTxn) -> int:
    signed = SignedTransaction(transaction, base64.b64encode(bytes(64)).decode())
    return len(base64.b64decode(msgpack_encode(signed)))


def _address(given: str) -> str:
    """Return the address of a role; the chain has no other sign for none than the zero address."""
    return "" if given == ZERO_ADDRESS else given


def _expected(parameters: Mapping[str, Any]) -> dict[str, Any]:
    digest = parameters["metadataHash"]
    return {
        "name": parameters["name"],
        "unitName": parameters["unitName"],
        "url": parameters["url"],
        "metadataHash": digest if digest and any(base64.b64decode(digest)) else None,
        "totalSupply": str(parameters["totalSupply"]),
        "decimals": parameters["decimals"],
        "defaultFrozen": parameters["defaultFrozen"],
        **{name: _address(parameters[name]) for name in _ROLES},
    }


def _facts(asset: Mapping[str, Any]) -> dict[str, Any]:
    params = record(asset["params"])
    return {
        "name": _spelled(params, "name"),
        "unitName": _spelled(params, "unit-name"),
        "url": _spelled(params, "url"),
        "metadataHash": params.get("metadata-hash") or None,
        "totalSupply": str(whole(params, "total")),
        "decimals": whole(params, "decimals"),
        "defaultFrozen": bool(params.get("default-frozen", False)),
        **{name: _address(params.get(role) or "") for name, role in _ROLES.items()},
        "creator": text(params, "creator"),
        "deleted": bool(asset.get("deleted", False)),
    }


def _spelled(params: Mapping[str, Any], name: str) -> str:
    """Return a text of the asset: its bytes say what is there, the text may be left out."""
    raw = params.get(f"{name}-b64")
    if raw:
        return base64.b64decode(raw, validate=True).decode(errors="replace")
    return str(params.get(name) or "")
