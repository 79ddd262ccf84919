"""Verifying an ARC-0014 `Authorization: SigTx` header.

The steps below are ours where the ARC text is silent (amount, rekeying, closing, fee, logic
signatures, replay): the first failure wins, and nothing that is not understood is accepted.
"""

import hashlib
import hmac
from base64 import b32encode, b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import msgpack
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from accounts.addresses import encode_algorand_address

if TYPE_CHECKING:
    from accounts.arc14.chain import ChainFacts

Arc14Code = Literal[
    "NO_HEADER",
    "BAD_SCHEME",
    "BAD_LENGTH",
    "BAD_BASE64",
    "BAD_MSGPACK",
    "NOT_SIGNED_TXN",
    "UNSUPPORTED_SIGNATURE",
    "UNKNOWN_FIELD",
    "NO_SIGNATURE",
    "MULTIPLE_SIGNATURES",
    "WRONG_TYPE",
    "AMOUNT_NOT_ZERO",
    "REKEY_SET",
    "CLOSE_SET",
    "GROUP_SET",
    "LEASE_SET",
    "BAD_FIELD",
    "NOT_SELF_PAYMENT",
    "FEE_TOO_HIGH",
    "NOT_CANONICAL",
    "WRONG_NETWORK",
    "WRONG_REALM",
    "BAD_VALIDITY",
    "BAD_MSIG",
    "BAD_SIGNATURE",
    "MSIG_THRESHOLD",
    "WRONG_SIGNER",
    "EXPIRED",
    "NOT_YET_VALID",
    "CHAIN_UNAVAILABLE",
    "REVOKED",
]

SCHEME: Final = "SigTx "
MAX_TOKEN_LENGTH: Final = 12_288

_BEARER: Final = "bearer "
_ENVELOPE: Final = frozenset({"sig", "msig", "sgnr", "txn"})
_PAYMENT: Final = frozenset({"fee", "fv", "gen", "gh", "lv", "note", "rcv", "snd", "type"})
# In the order in which a payment that sets several of them is refused.
_FORBIDDEN: Final[tuple[tuple[str, Arc14Code], ...]] = (
    ("rekey", "REKEY_SET"),
    ("close", "CLOSE_SET"),
    ("grp", "GROUP_SET"),
    ("lx", "LEASE_SET"),
)
# Keys, hashes and signatures are fixed arrays on chain, where all zeros mean absent.
_ZERO_ARRAYS: Final = frozenset({bytes(32), bytes(64)})
_MAX_DEPTH: Final = 4  # envelope, msig, list of subsignatures, one subsignature
_MAX_MEMBERS: Final = 16


class Arc14Error(Exception):
    """A header was refused; `code` says why, for the security log and never for the caller.

    `REVOKED` is not raised by the verifier: it is for whoever keeps the list of revoked ids.
    """

    def __init__(self, code: Arc14Code) -> None:
        super().__init__(code)
        self.code: Final = code


@dataclass(frozen=True, slots=True)
class Arc14Policy:
    """What this service accepts: its realms and, by genesis id, the networks' genesis hashes.

    `max_fee` is in microunits, `future_tolerance` and `max_tx_life` in rounds. An empty realm
    list is refused with `ValueError`, since it would let in a header signed for anyone.
    """

    realms: Sequence[str]
    networks: Mapping[str, bytes]
    max_fee: int = 10_000
    future_tolerance: int = 10
    max_tx_life: int = 1000
    realm_notes: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    network_by_hash: Mapping[bytes, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.realms, str) or not self.realms or not all(self.realms):
            raise ValueError("ARC-0014 needs a list with at least one realm, none of them empty.")
        if any(len(genesis_hash) != 32 for genesis_hash in self.networks.values()):
            raise ValueError("A genesis hash has 32 bytes.")
        by_hash = {genesis_hash: name for name, genesis_hash in self.networks.items()}
        if not by_hash or len(by_hash) != len(self.networks):
            raise ValueError("ARC-0014 needs at least one network, each with its own genesis hash.")
        object.__setattr__(self, "realms", tuple(self.realms))
        object.__setattr__(self, "networks", MappingProxyType(dict(self.networks)))
        object.__setattr__(self, "realm_notes", tuple(realm.encode() for realm in self.realms))
        object.__setattr__(self, "network_by_hash", MappingProxyType(by_hash))


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """Who signed: `address` is the account, `auth_address` the key that speaks for it.

    `transaction_id` names the signed payment (for logs and revocation); it is good until the round
    `last_valid` of `network` has passed.
    """

    address: str
    auth_address: str
    network: str
    transaction_id: str
    last_valid: int


def verify_arc14(
    header: str | None, *, policy: Arc14Policy, chain: "ChainFacts"
) -> VerifiedSignature:
    """The account that a `SigTx` header proves, or `Arc14Error` with the first thing wrong.

    `chain` answers for the round and the rekeying; where it cannot, the header is refused.
    """
    raw = _token_bytes(header)
    envelope = _unpack(raw)
    payment = envelope.get("txn")
    if not isinstance(payment, dict):
        raise Arc14Error("NOT_SIGNED_TXN")
    _require_one_signature(envelope)
    sender = _require_harmless(payment, policy)
    signed_payment = _require_canonical(raw, envelope)
    network = _require_network(payment, policy)
    _require_realm(payment, policy)
    first_valid, last_valid = _require_window(payment, policy)
    signer = _require_signature(envelope, sender, signed_payment)

    address = encode_algorand_address(sender)
    signer_address = address if signer == sender else encode_algorand_address(signer)
    low, high = chain.round_bounds(network)
    if last_valid < high:
        raise Arc14Error("EXPIRED")
    if first_valid > low + policy.future_tolerance:
        raise Arc14Error("NOT_YET_VALID")
    # Only the chain says who may sign for an account: `sgnr` in the envelope is a claim.
    if signer_address != (chain.auth_address(network, address) or address):
        raise Arc14Error("WRONG_SIGNER")
    transaction_hash = hashlib.new("sha512_256", signed_payment).digest()
    return VerifiedSignature(
        address=address,
        auth_address=signer_address,
        network=network,
        transaction_id=b32encode(transaction_hash).decode("ascii").rstrip("="),
        last_valid=last_valid,
    )


def canonical_msgpack(value: dict[str, Any]) -> bytes:
    """Algorand's canonical msgpack: keys sorted, zero values left out, integers shortest."""
    packed: bytes = msgpack.packb(_canonical(value, 1), use_bin_type=True)
    return packed


def _token_bytes(header: str | None) -> bytes:
    if not header:
        raise Arc14Error("NO_HEADER")
    # Clients that can only send bearer tokens put the whole header behind that word.
    if header[: len(_BEARER)].lower() == _BEARER:
        header = header[len(_BEARER) :]
    if not header.startswith(SCHEME):
        raise Arc14Error("BAD_SCHEME")
    token = header[len(SCHEME) :]
    if not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise Arc14Error("BAD_LENGTH")
    # A form decoder on the way turns `+` into a space.
    token = token.replace(" ", "+")
    try:
        raw = b64decode(token, validate=True)
    except ValueError as exc:
        raise Arc14Error("BAD_BASE64") from exc
    # Unused bits in the last character would give one signature several spellings.
    if b64encode(raw).decode("ascii") != token:
        raise Arc14Error("BAD_BASE64")
    return raw


def _unique_keys(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("A map has a repeated key.")
    for key in mapping:
        if type(key) is not str:
            raise ValueError("A map has a key that is no string.")
    return mapping


def _unpack(raw: bytes) -> dict[str, Any]:
    try:
        envelope = msgpack.unpackb(
            raw,
            raw=False,
            strict_map_key=True,
            object_pairs_hook=_unique_keys,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException) as exc:
        raise Arc14Error("BAD_MSGPACK") from exc
    if not isinstance(envelope, dict):
        raise Arc14Error("NOT_SIGNED_TXN")
    return envelope


def _require_one_signature(envelope: dict[str, Any]) -> None:
    # A logic signature that approves this payment would log in whoever holds the program.
    if "lsig" in envelope or "pqsig" in envelope:
        raise Arc14Error("UNSUPPORTED_SIGNATURE")
    if not envelope.keys() <= _ENVELOPE:
        raise Arc14Error("UNKNOWN_FIELD")
    signatures = ("sig" in envelope) + ("msig" in envelope)
    if signatures == 0:
        raise Arc14Error("NO_SIGNATURE")
    if signatures > 1:
        raise Arc14Error("MULTIPLE_SIGNATURES")


def _is_uint(value: object) -> bool:
    return type(value) is int and value >= 0


def _require_harmless(payment: dict[str, Any], policy: Arc14Policy) -> bytes:
    """The sender of a payment that can do no harm if someone submits it."""
    if payment.get("type") != "pay":
        raise Arc14Error("WRONG_TYPE")
    if payment.get("amt", 0) != 0:
        raise Arc14Error("AMOUNT_NOT_ZERO")
    for key, code in _FORBIDDEN:
        if key in payment:
            raise Arc14Error(code)
    if not payment.keys() <= _PAYMENT:
        raise Arc14Error("UNKNOWN_FIELD")
    sender = payment.get("snd")
    if not isinstance(sender, bytes) or len(sender) != 32 or sender in _ZERO_ARRAYS:
        raise Arc14Error("BAD_FIELD")
    if payment.get("rcv") != sender:
        raise Arc14Error("NOT_SELF_PAYMENT")
    fee = payment.get("fee", 0)
    if not _is_uint(fee):
        raise Arc14Error("BAD_FIELD")
    if fee > policy.max_fee:
        raise Arc14Error("FEE_TOO_HIGH")
    return sender


def _canonical(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is not dict and kind is not list:
        return value
    if depth > _MAX_DEPTH:
        raise Arc14Error("BAD_MSGPACK")
    if kind is list:
        return [_canonical(element, depth + 1) for element in value]
    mapping = {}
    for key in sorted(value):
        element = value[key]
        if type(element) is dict or type(element) is list:
            element = _canonical(element, depth + 1)
        if element and not (type(element) is bytes and element in _ZERO_ARRAYS):
            mapping[key] = element
    return mapping


def _require_canonical(raw: bytes, envelope: dict[str, Any]) -> bytes:
    """The bytes that were signed, once it is certain that only one spelling of them exists."""
    payment = canonical_msgpack(envelope["txn"])
    rest = canonical_msgpack({key: envelope[key] for key in envelope if key != "txn"})
    # `txn` sorts last in the envelope, so the whole is the rest, with one more entry, and it.
    # Both parts are small maps whose first byte is 0x80 plus their size.
    if raw != bytes((rest[0] + 1,)) + rest[1:] + b"\xa3txn" + payment:
        raise Arc14Error("NOT_CANONICAL")
    return b"TX" + payment


def _require_network(payment: dict[str, Any], policy: Arc14Policy) -> str:
    genesis_hash = payment.get("gh")
    network = policy.network_by_hash.get(genesis_hash) if isinstance(genesis_hash, bytes) else None
    if network is None or payment.get("gen", network) != network:
        raise Arc14Error("WRONG_NETWORK")
    return network


def _require_realm(payment: dict[str, Any], policy: Arc14Policy) -> None:
    note = payment.get("note")
    if not isinstance(note, bytes):
        raise Arc14Error("WRONG_REALM")
    matches = [hmac.compare_digest(note, realm) for realm in policy.realm_notes]
    if not any(matches):
        raise Arc14Error("WRONG_REALM")


def _require_window(payment: dict[str, Any], policy: Arc14Policy) -> tuple[int, int]:
    first_valid, last_valid = payment.get("fv", 0), payment.get("lv", 0)
    if not _is_uint(first_valid) or not _is_uint(last_valid) or last_valid == 0:
        raise Arc14Error("BAD_VALIDITY")
    if not 0 <= last_valid - first_valid <= policy.max_tx_life:
        raise Arc14Error("BAD_VALIDITY")
    return first_valid, last_valid


def _require_signature(envelope: dict[str, Any], sender: bytes, message: bytes) -> bytes:
    """The public key, or the multisig hash, that signed `message`."""
    signer = envelope.get("sgnr", sender)
    if not isinstance(signer, bytes) or len(signer) != 32:
        raise Arc14Error("BAD_FIELD")
    if "sgnr" in envelope and signer == sender:
        raise Arc14Error("WRONG_SIGNER")
    if "sig" in envelope:
        _require_ed25519(signer, envelope["sig"], message)
    elif _multisig_signer(envelope["msig"], message) != signer:
        raise Arc14Error("WRONG_SIGNER")
    return signer


def _require_ed25519(public_key: bytes, signature: object, message: bytes) -> None:
    # libsodium reads 32 and 64 bytes whatever it is given. It also refuses keys of small order
    # and malleated signatures, which other libraries accept.
    if not isinstance(signature, bytes) or len(signature) != 64:
        raise Arc14Error("BAD_SIGNATURE")
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError as exc:
        raise Arc14Error("BAD_SIGNATURE") from exc


def _bad_msig() -> NoReturn:
    raise Arc14Error("BAD_MSIG")


def _multisig_signer(msig: object, message: bytes) -> bytes:
    """The multisig hash, where enough of its members signed `message`."""
    if not isinstance(msig, dict) or msig.keys() != {"subsig", "thr", "v"}:
        _bad_msig()
    version, threshold, members = msig["v"], msig["thr"], msig["subsig"]
    if type(version) is not int or version != 1 or type(threshold) is not int:
        _bad_msig()
    if not isinstance(members, list) or not 1 <= threshold <= len(members) <= _MAX_MEMBERS:
        _bad_msig()
    public_keys: list[bytes] = []
    for member in members:
        if not isinstance(member, dict) or not {"pk"} <= member.keys() <= {"pk", "s"}:
            _bad_msig()
        public_key = member["pk"]
        if not isinstance(public_key, bytes) or len(public_key) != 32:
            _bad_msig()
        public_keys.append(public_key)
    if len(set(public_keys)) != len(public_keys):
        _bad_msig()
    signatures = 0
    for member in members:
        if "s" in member:
            _require_ed25519(member["pk"], member["s"], message)
            signatures += 1
    if signatures < threshold:
        raise Arc14Error("MSIG_THRESHOLD")
    preimage = b"MultisigAddr" + bytes((version, threshold)) + b"".join(public_keys)
    return hashlib.new("sha512_256", preimage).digest()
