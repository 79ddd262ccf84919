"""EVM networks: ERC-20 tokens of our own contracts, through one JSON-RPC node."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.exceptions import DecodingError
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import HexAddress, HexStr
from hexbytes import HexBytes
from web3 import Web3
from web3.types import Nonce
from web3.utils import get_create_address

from accounts.networks import Network
from deployments.chains.contracts import FIXED, MINTABLE, artefact
from deployments.chains.evm_rpc import JsonRpc, as_object, data, quantity
from deployments.chains.port import (
    ChainFault,
    Confirmation,
    Lookup,
    Order,
    Prepared,
    Signer,
    TransactionState,
)
from deployments.vocabulary import Standard

_DYNAMIC_FEE: Final = 2
_NO_SUCH_METHOD: Final = frozenset({-32601, -32004})
# Nodes ask a tenth more of a transaction that replaces another.
_RAISE: Final = (9, 8)
# What nodes say that keep the state of recent blocks only.
_STATE_GONE: Final = re.compile(
    r"missing trie node|state .*(unavailable|not available|pruned)|pruned"
    r"|historical state|archive",
    re.IGNORECASE,
)
_MINTED: Final = "0x" + Web3.keccak(text="Transfer(address,address,uint256)").hex()
_NOBODY: Final = "0x" + "00" * 32


@dataclass(frozen=True, slots=True)
class _Fees:
    """What a unit of gas costs at most, in wei; `tip` is None before EIP-1559."""

    most: int
    tip: int | None

    def fields(self) -> dict[str, int]:
        if self.tip is None:
            return {"gasPrice": self.most}
        return {
            "type": _DYNAMIC_FEE,
            "maxFeePerGas": self.most,
            "maxPriorityFeePerGas": self.tip,
        }


class EvmChain:
    """One EVM network through one node; holds no state of its own.

    The issuing account pays, and the receiver of the initial supply gets it, and with a mintable
    token every role. Without a receiver it is the issuing account.
    """

    def __init__(
        self,
        network: Network,
        signer: Signer,
        *,
        rpc_url: str,
        rpc_token: str = "",
        timeout: float = 8.0,
    ) -> None:
        """Raises ValueError where the network is no EVM one or the address no http(s) one."""
        if network.chain_id is None or network.indexed_block_tag is None:
            raise ValueError(f"{network.name} is no EVM network.")
        self.network = network.name
        self._chain_id, self._tag = network.chain_id, network.indexed_block_tag
        self._confirmations = network.confirmations
        self._signer = signer
        self._rpc = JsonRpc(rpc_url, timeout=timeout, token=rpc_token)
        self._codec = Web3().codec

    def sender(self) -> str:
        """Return the issuing account's address in its EIP-55 spelling."""
        return Web3.to_checksum_address(self._signer.address())

    def prepare(
        self,
        order: Order,
        *,
        used_nonces: frozenset[int] = frozenset(),
        replaces: Prepared | None = None,
    ) -> Prepared:
        """Build and sign the creation of the contract; see `Chain.prepare`.

        Raises `ChainFault` before anything is signed where the node is of another chain, the
        constructor would revert, or the account cannot pay for the most that it may cost.
        """
        if order.network != self.network:
            raise ValueError(f"This is {self.network}, and the order is for {order.network}.")
        sender = self.sender()
        if replaces is not None and (replaces.sender != sender or replaces.nonce is None):
            raise ValueError("Only a transaction of the same account can be replaced.")
        code = self._creation(order, sender)
        self._same_chain()
        if replaces is not None and replaces.nonce is not None:
            nonce = replaces.nonce
        else:
            nonce = self._rpc.quantity("eth_getTransactionCount", sender, "pending")
            while nonce in used_nonces:
                nonce += 1
        head = self._rpc.block("latest")
        if head is None:
            raise ChainFault("could not decode the answer: there is no latest block")
        fees = self._fees(head)
        if replaces is not None:
            fees = _raised(fees, replaces)
        call = {"from": sender, "data": "0x" + code.hex(), "value": "0x0"}
        gas = -(-self._rpc.quantity("eth_estimateGas", call) * 6 // 5)
        # The pool counts the replaced one; the replacement pays instead of it.
        state = "pending" if replaces is None else "latest"
        balance = self._rpc.quantity("eth_getBalance", sender, state)
        if balance < gas * fees.most:
            raise ChainFault(
                f"insufficient funds for gas * price + value: address {sender} "
                f"have {balance} want {gas * fees.most}"
            )
        fields = {
            **fees.fields(),
            "chainId": self._chain_id,
            "nonce": nonce,
            "gas": gas,
            "value": 0,
            "data": code,
        }
        signed, transaction_id = sign(self._signer, fields)
        return Prepared(
            transaction_id,
            signed,
            sender,
            valid_from=quantity(head.get("number")),
            nonce=nonce,
        )

    def submit(self, prepared: Prepared) -> None:
        """Send the bytes; returns where the node has them, now or since before."""
        try:
            answer = self._rpc.ask("eth_sendRawTransaction", "0x" + prepared.signed.hex())
        except ChainFault as fault:
            # A node that has it already refuses it: as known, or because its nonce is spent.
            if fault.rpc_code is not None and self._known(prepared.transaction_id):
                return
            raise
        if str(answer).lower() != prepared.transaction_id:
            raise ChainFault(f"could not decode the answer: another hash, {str(answer)[:80]}")

    def lookup(self, prepared: Prepared) -> Lookup:
        """Return what became of the creation; see `Chain.lookup`.

        REVERTED comes at the depth of CONFIRMED. A constructor of ours sees nothing but its
        arguments, so that another block would revert it too.
        """
        receipt = as_object(self._rpc.ask("eth_getTransactionReceipt", prepared.transaction_id))
        if receipt is None:
            if self._known(prepared.transaction_id):
                return Lookup(TransactionState.PENDING)
            return self._absent(prepared)
        number, block_id = quantity(receipt.get("blockNumber")), str(receipt.get("blockHash"))
        block = self._rpc.block(hex(number))
        if block is None or block.get("hash") != block_id:
            return Lookup(TransactionState.PENDING, detail="Its block is being replaced.")
        depth = self._rpc.quantity("eth_blockNumber") - number + 1
        if depth < self._confirmations:
            return Lookup(TransactionState.PENDING, number, block_id)
        # A failed creation has a contractAddress too.
        if quantity(receipt.get("status")) != 1:
            used = quantity(receipt.get("gasUsed"))
            detail = f"execution reverted in block {number} after {used} gas"
            return Lookup(TransactionState.REVERTED, number, block_id, detail=detail)
        created = receipt.get("contractAddress")
        if not isinstance(created, str) or not Web3.is_address(created):
            raise ChainFault("could not decode the answer: a creation without a contract")
        tagged = self._rpc.block(self._tag)
        final = tagged is not None and quantity(tagged.get("number")) >= number
        return Lookup(
            TransactionState.FINAL if final else TransactionState.CONFIRMED,
            number,
            block_id,
            Web3.to_checksum_address(created),
        )

    def confirm(self, order: Order, found: Lookup) -> Confirmation:
        """Read the token back as it was in its block, and compare it with the order.

        Amounts are base units as text. A node that no longer has the state of that block is asked
        for what cannot change since, and for the events of the block.
        """
        if found.round is None or found.asset_identifier is None:
            raise ValueError("Only a transaction that made a contract can be confirmed.")
        address = Web3.to_checksum_address(found.asset_identifier)
        wanted = self._wanted(order)
        try:
            facts = self._facts(order, address, hex(found.round))
        except ChainFault as fault:
            if not _STATE_GONE.search(fault.text):
                raise
            facts = self._facts(order, address, "latest")
            if facts["code"] == "absent":
                raise  # The node may be behind the block rather than far ahead of it.
            minted = self._minted(order, address, hex(found.round))
            facts = {**facts, "totalSupply": minted, "receiverBalance": minted}
        differences = {
            name: (value, facts.get(name))
            for name, value in wanted.items()
            if facts.get(name) != value
        }
        return Confirmation({"address": address, **facts}, differences)

    def _creation(self, order: Order, sender: str) -> bytes:
        """Return the code that creates the contract, with its arguments."""
        parameters = order.parameters
        receiver = parameters["initialSupplyReceiver"] or sender
        arguments = [
            parameters["name"],
            parameters["symbol"],
            int(parameters["decimals"]),
            int(parameters["initialSupply"]),
        ]
        if order.standard == Standard.ERC20_MINTABLE:
            name = MINTABLE
            arguments += [int(parameters["cap"]), receiver, receiver]
        elif order.standard == Standard.ERC20_PREMINTED:
            name = FIXED
            arguments += [receiver]
        else:
            raise ValueError(f"{order.standard} cannot be issued on an EVM network.")
        contract = artefact(name)
        constructor = next(one for one in contract.abi if one["type"] == "constructor")
        types = [one["type"] for one in constructor["inputs"]]
        return contract.bytecode + self._codec.encode(types, arguments)

    def _same_chain(self) -> None:
        chain_id = self._rpc.quantity("eth_chainId")
        if chain_id != self._chain_id:
            raise ChainFault(f"chain id mismatch: {chain_id} instead of {self._chain_id}")

    def _fees(self, head: Mapping[str, Any]) -> _Fees:
        if head.get("baseFeePerGas") is None:
            return _Fees(self._rpc.quantity("eth_gasPrice"), None)
        base = quantity(head["baseFeePerGas"])
        try:
            tip = self._rpc.quantity("eth_maxPriorityFeePerGas")
        except ChainFault as fault:
            if fault.rpc_code not in _NO_SUCH_METHOD:
                raise
            tip = max(self._rpc.quantity("eth_gasPrice") - base, 0)
        return _Fees(2 * base + tip, tip)

    def _known(self, transaction_id: str) -> bool:
        return as_object(self._rpc.ask("eth_getTransactionByHash", transaction_id)) is not None

    def _absent(self, prepared: Prepared) -> Lookup:
        """Say of a transaction that the node does not know whether it can still land.

        It cannot once another has its nonce in a block that stays. That no receipt is shown is not
        enough: behind one address there may be nodes of different age. So the state of that block
        must show that there is no contract at the address that this transaction would have made,
        or an event of the contract that another transaction made it.
        """
        unknown = Lookup(TransactionState.UNKNOWN)
        if prepared.nonce is None:
            raise ValueError("A transaction of an EVM network has a nonce.")
        last = self._rpc.block(self._tag)
        if last is None:
            return unknown
        number = str(last.get("number"))
        address = get_create_address(HexAddress(HexStr(prepared.sender)), Nonce(prepared.nonce))
        try:
            count = self._rpc.quantity("eth_getTransactionCount", prepared.sender, number)
            if count <= prepared.nonce:
                return unknown
            if not data(self._rpc.ask("eth_getCode", address, number)):
                return Lookup(TransactionState.DEAD, detail=f"Its nonce is spent; {count} is next.")
        except ChainFault as fault:
            if not _STATE_GONE.search(fault.text):
                raise
            return Lookup(TransactionState.UNKNOWN, detail="The node lacks the state to tell.")
        if prepared.valid_from is not None:
            logs = self._logs(address, hex(prepared.valid_from), number)
            made_by = str(logs[0].get("transactionHash")).lower() if logs else ""
            if made_by and made_by != prepared.transaction_id:
                return Lookup(TransactionState.DEAD, detail=f"{made_by} has its nonce.")
        detail = "Its nonce is spent and its contract exists, but the node shows no receipt."
        return Lookup(TransactionState.UNKNOWN, detail=detail)

    def _wanted(self, order: Order) -> dict[str, Any]:
        parameters = order.parameters
        wanted = {
            "code": "present",
            "name": parameters["name"],
            "symbol": parameters["symbol"],
            "decimals": int(parameters["decimals"]),
            "totalSupply": str(parameters["initialSupply"]),
            "receiverBalance": str(parameters["initialSupply"]),
        }
        if order.standard == Standard.ERC20_MINTABLE:
            wanted["cap"] = str(parameters["cap"])
        return wanted

    def _facts(self, order: Order, address: str, block: str) -> dict[str, Any]:
        if not data(self._rpc.ask("eth_getCode", address, block)):
            return {"code": "absent"}
        receiver = order.parameters["initialSupplyReceiver"] or self.sender()
        facts = {
            "code": "present",
            "name": self._read("name()", "string", address, block),
            "symbol": self._read("symbol()", "string", address, block),
            "decimals": self._read("decimals()", "uint8", address, block),
            "totalSupply": self._amount("totalSupply()", address, block),
            "receiverBalance": self._amount("balanceOf(address)", address, block, receiver),
        }
        if order.standard == Standard.ERC20_MINTABLE:
            facts["cap"] = self._amount("cap()", address, block)
        return facts

    def _amount(self, function: str, address: str, block: str, *arguments: str) -> str | None:
        value = self._read(function, "uint256", address, block, *arguments)
        return None if value is None else str(value)

    def _read(self, function: str, kind: str, address: str, block: str, *arguments: str) -> Any:
        """Return what a function without effect answers; None where it does not answer that."""
        call = bytes(Web3.keccak(text=function)[:4])
        call += self._codec.encode(["address"] * len(arguments), arguments)
        answer = data(self._rpc.ask("eth_call", {"to": address, "data": "0x" + call.hex()}, block))
        try:
            return self._codec.decode([kind], answer)[0]
        except (ValueError, OverflowError, DecodingError):
            return None

    def _minted(self, order: Order, address: str, block: str) -> str:
        """Return what was made for the receiver in that block, in base units."""
        receiver = order.parameters["initialSupplyReceiver"] or self.sender()
        wanted = [_MINTED, _NOBODY, "0x" + "00" * 12 + receiver[2:].lower()]
        logs = [log for log in self._logs(address, block, block) if log.get("topics") == wanted]
        return str(sum(int.from_bytes(data(log.get("data"))) for log in logs))

    def _logs(self, address: str, first: str, last: str) -> list[Mapping[str, Any]]:
        """Return the events of a contract from block `first` to block `last`, oldest first."""
        wanted = {"address": address, "fromBlock": first, "toBlock": last}
        logs = self._rpc.ask("eth_getLogs", wanted)
        if not isinstance(logs, list):
            raise ChainFault("could not decode the answer: the events are no list")
        return [log for log in logs if isinstance(log, dict)]


def sign(signer: Signer, fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the signed bytes of a transaction, and its hash in lower case.

    Raises ValueError where the key of the signer is not that of its address.
    """
    account = Account.from_key(signer.private_key())
    if account.address != Web3.to_checksum_address(signer.address()):
        raise ValueError("The signer's key is not that of its address.")
    signed = account.sign_transaction(dict(fields))
    return bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex()


def _raised(fees: _Fees, replaces: Prepared) -> _Fees:
    """Return fees that let a transaction replace another of the same nonce."""
    if fees.tip is None or replaces.signed[:1] != bytes([_DYNAMIC_FEE]):
        raise ValueError("Only a transaction with the fees of EIP-1559 can be replaced.")
    old = TypedTransaction.from_bytes(HexBytes(replaces.signed)).as_dict()
    more, of = _RAISE
    most = -(-int(old["maxFeePerGas"]) * more // of)
    tip = -(-int(old["maxPriorityFeePerGas"]) * more // of)
    return _Fees(max(fees.most, most, tip), max(fees.tip, tip))
