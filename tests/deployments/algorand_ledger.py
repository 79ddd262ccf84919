"""A small Algorand ledger for tests: it evaluates asset creations, and says no as go-algorand does.

It reads the bytes itself and shares no code with the SDK that made them. Texts of refusals are
those of go-algorand v5 (`fixtures/deployments/error_rules.json` has the places); where versions
differ it is said. There is no consensus here, and nothing but `acfg` without an asset id.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

MAX_VALIDITY: Final = 1_000
MIN_BALANCE: Final = 100_000
CONSENSUS: Final = "https://github.com/algorandfoundation/specs/tree/main/v42"
_LIMITS: Final = {"an": ("name", 32), "un": ("unit name", 8), "au": ("url", 96)}


class Refused(Exception):
    """The node answers 400 with this text."""


@dataclass
class Account:
    """Microalgos, and the assets that were created and are therefore held."""

    amount: int
    assets: int = 0
    auth_address: str | None = None

    @property
    def min_balance(self) -> int:
        return MIN_BALANCE * (1 + self.assets)


@dataclass
class Sent:
    """One signed transaction: the raw maps, and where it landed."""

    id: str
    signed: dict[str, Any]
    size: int
    round: int | None = None
    asset: int | None = None
    pool_error: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = self.signed["txn"]
        return fields

    @property
    def sender(self) -> str:
        return address(self.fields["snd"])


@dataclass
class Ledger:
    """Blocks, accounts and a pool; `hold` keeps transactions in the pool until `make_block`."""

    genesis_id: str
    genesis_hash: bytes
    round: int = 50_000_000
    min_fee: int = 1_000
    fee_per_byte: int = 0
    pool_threshold: int = 0
    hold: bool = False
    counter: int = 730_000_000
    accounts: dict[str, Account] = field(default_factory=dict)
    pool: dict[str, Sent] = field(default_factory=dict)
    landed: dict[str, Sent] = field(default_factory=dict)
    evicted: dict[str, Sent] = field(default_factory=dict)
    leases: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    destroyed: dict[int, int] = field(default_factory=dict)

    def account(self, name: str) -> Account:
        return self.accounts.setdefault(name, Account(0))

    def receive(self, raw: bytes) -> str:
        """Take a signed transaction into the pool, or refuse it; return its id."""
        sent = read(raw)
        _check_form(sent)
        self._check_signature(sent)
        try:
            self._evaluate(sent)
        except Refused as refused:
            raise Refused(f"TransactionPool.Remember: {refused}") from None
        self.pool[sent.id] = sent
        if not self.hold:
            self.make_block()
        return sent.id

    def make_block(self, count: int = 1) -> None:
        """Make `count` blocks; the first takes everything from the pool that is still valid."""
        for _ in range(count):
            self.round += 1
            for sent in self.pool.values():
                if self.round > sent.fields["lv"]:
                    sent.pool_error = f"txn dead: {_window(self.round, sent.fields)}"
                    self.evicted[sent.id] = sent
                else:
                    self._apply(sent)
            self.pool.clear()

    def evict(self, transaction_id: str, reason: str) -> None:
        """Throw a transaction out of this node's pool."""
        sent = self.pool.pop(transaction_id)
        sent.pool_error = reason
        self.evicted[transaction_id] = sent

    def forget_pool(self) -> None:
        """What a restart does: blocks are kept, and a pool is not."""
        self.pool.clear()
        self.evicted.clear()

    def destroy(self, asset: int) -> None:
        del self.assets[asset]
        self.destroyed[asset] = self.round

    def asset_params(self, asset: int) -> dict[str, Any]:
        """Return an asset as both APIs show it, destroyed or not."""
        sent = next(one for one in self.landed.values() if one.asset == asset)
        return shown_params(self.assets.get(asset, sent.fields["apar"]), sent.sender)

    def _check_signature(self, sent: Sent) -> None:
        signer = sent.signed.get("sgnr", sent.fields["snd"])
        try:
            VerifyKey(signer).verify(b"TX" + canonical(sent.fields), sent.signed["sig"])
        except (BadSignatureError, KeyError, ValueError):
            raise Refused(
                f"transaction {sent.id}: At least one signature didn't pass verification"
            ) from None

    def _evaluate(self, sent: Sent) -> None:
        fields = sent.fields
        if sent.id in self.pool or sent.id in self.landed:
            raise Refused(f"transaction already in ledger: {sent.id}")
        if not fields.get("fv", 0) <= self.round + 1 <= fields["lv"]:
            raise Refused(f"txn dead: {_window(self.round + 1, fields)}")
        for name, got, want in (
            ("GenesisID", fields.get("gen", self.genesis_id), self.genesis_id),
            ("GenesisHash", fields["gh"], self.genesis_hash),
        ):
            if got != want:
                raise Refused(f"tx.{name} <{got!r}> does not match expected <{want!r}>")
        lease = (fields["snd"], fields.get("lx", bytes(32)))
        waiting = {(one.fields["snd"], one.fields.get("lx")) for one in self.pool.values()}
        if any(lease[1]) and (lease in waiting or self.leases.get(lease, 0) > self.round):
            pair = f"({sent.sender}, {base64.b32encode(lease[1]).decode()})"
            raise Refused(
                f"transaction {sent.id} using an overlapping lease (sender, lease):{pair}"
            )
        self._check_money(sent)

    def _check_money(self, sent: Sent) -> None:
        fee = sent.fields.get("fee", 0)
        if fee < self.min_fee:  # the words of v4.4 and before
            raise Refused(
                f"txgroup had {fee} in fees, which is less than the minimum 1 * {self.min_fee}"
            )
        if fee < self.pool_threshold * sent.size:
            threshold = self.pool_threshold * sent.size
            each = f"({self.pool_threshold} per byte * {sent.size} bytes)"
            raise Refused(f"fee {fee} below threshold {threshold} {each}")
        account = self.account(sent.sender)
        authorizer = account.auth_address or sent.sender
        by = address(sent.signed.get("sgnr", sent.fields["snd"]))
        if by != authorizer:
            raise Refused(
                f"transaction {sent.id}: should have been authorized by {authorizer}"
                f" but was actually authorized by {by}"
            )
        waiting = [one for one in self.pool.values() if one.sender == sent.sender]
        left = account.amount - sum(one.fields["fee"] for one in waiting)
        if left < fee:
            data = f"data {{AccountBaseData:{{MicroAlgos:{{Raw:{left}}}}}}}"
            raise Refused(
                f"transaction {sent.id}: overspend (account {sent.sender}, {data},"
                f" tried to spend {{{fee}}})"
            )
        least = account.min_balance + MIN_BALANCE * (1 + len(waiting))
        if left - fee < least:
            raise Refused(
                f"transaction {sent.id}: account {sent.sender} balance {left - fee} below min"
                f" {least} ({account.assets + 1 + len(waiting)} assets)"
            )

    def _apply(self, sent: Sent) -> None:
        account = self.account(sent.sender)
        account.amount -= sent.fields["fee"]
        account.assets += 1
        self.counter += 1
        sent.round, sent.asset = self.round, self.counter
        self.assets[self.counter] = dict(sent.fields["apar"])
        self.landed[sent.id] = sent
        if "lx" in sent.fields:
            self.leases[(sent.fields["snd"], sent.fields["lx"])] = sent.fields["lv"]


def read(raw: bytes) -> Sent:
    """Return the transaction that these bytes are; `Refused` where they are not canonical."""
    try:
        signed = msgpack.unpackb(raw)
        fields = signed["txn"]
        if canonical(signed) != raw:
            raise ValueError("not canonical")
        digest = hashlib.new("sha512_256", b"TX" + canonical(fields)).digest()
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
        raise Refused(f"msgpack decode error: {error}") from None
    return Sent(base64.b32encode(digest).decode().rstrip("="), signed, len(raw))


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one encoding of a map: keys in order, and nothing that is zero or empty."""

    def ordered(one: Any) -> Any:
        if isinstance(one, dict):
            return {key: ordered(one[key]) for key in sorted(one) if one[key]}
        return one

    packed: bytes = msgpack.packb(ordered(value), use_bin_type=True)
    return packed


def address(public_key: bytes) -> str:
    """Return an Algorand address: base32 of the key and of four bytes of its hash."""
    check = hashlib.new("sha512_256", public_key).digest()[-4:]
    return base64.b32encode(public_key + check).decode().rstrip("=")


def shown_params(apar: dict[str, Any], creator: str) -> dict[str, Any]:
    """Return the parameters of an asset as algod and the indexer write them."""
    shown = {
        "creator": creator,
        "decimals": apar.get("dc", 0),
        "default-frozen": apar.get("df", False),
        "total": apar.get("t", 0),
    }
    roles = {"c": "clawback", "f": "freeze", "m": "manager", "r": "reserve"}
    shown |= {name: address(apar[key]) for key, name in roles.items() if key in apar}
    for key, name in {"an": "name", "un": "unit-name", "au": "url"}.items():
        if value := apar.get(key):
            shown[f"{name}-b64"] = base64.b64encode(value.encode()).decode()
            if value.isprintable():
                shown[name] = value
    if "am" in apar:
        shown["metadata-hash"] = base64.b64encode(apar["am"]).decode()
    return shown


def _check_form(sent: Sent) -> None:
    fields = sent.fields
    if fields.get("type") != "acfg" or "caid" in fields:
        raise Refused(f"unknown tx type {fields.get('type')}")
    if fields["lv"] < fields.get("fv", 0):
        raise Refused(f"transaction invalid range ({fields.get('fv', 0)}, {fields['lv']})")
    if fields["lv"] - fields.get("fv", 0) > MAX_VALIDITY:
        raise Refused(f"transaction window size excessive ({fields['fv']}--{fields['lv']})")
    if "gh" not in fields:
        raise Refused("required tx.GenesisHash is missing")
    for key, (name, most) in _LIMITS.items():
        size = len(fields["apar"].get(key, "").encode())
        if size > most:
            raise Refused(f"transaction asset {name} too big: {size} > {most}")
    if fields["apar"].get("dc", 0) > 19:
        raise Refused(f"transaction asset decimals is too high (max 19): {fields['apar']['dc']}")


def _window(round_: int, fields: dict[str, Any]) -> str:
    return f"round {round_} outside of {fields.get('fv', 0)}--{fields['lv']}"
