"""The standards that can be issued: their parameters, and what each network asks of them. Pure.

Lengths on Algorand are bytes of UTF-8 (reference, chains, section 3). Supplies are whole numbers:
of base units on Algorand, of whole tokens on EVM networks, where a fraction is allowed as text.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from accounts.addresses import canonical_address
from accounts.networks import NetworkKind, known_network
from deployments.vocabulary import Standard

Problems = dict[str, list[str]]
UNKNOWN_PARAMETER: Final = ["Unknown parameter."]
_UINT64: Final = 2**64 - 1
_UINT256: Final = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One standard: the kind of network it lives on, and the parameters it knows."""

    network_kind: NetworkKind
    required: frozenset[str]
    optional: Mapping[str, Any]

    @property
    def known(self) -> frozenset[str]:
        return self.required | frozenset(self.optional)


_ROLES: Final = ("managerAddress", "reserveAddress", "freezeAddress", "clawbackAddress")
_ASA: Final = MappingProxyType(
    {
        "url": "",
        "metadataHash": None,
        "defaultFrozen": False,
        **dict.fromkeys(_ROLES, ""),
    }
)
_NAMED: Final = frozenset({"name", "unitName"})
_EVM_NAMED: Final = frozenset({"name", "symbol"})
KINDS: Final[Mapping[Standard, Kind]] = MappingProxyType(
    {
        Standard.ASA_FT: Kind("avm", _NAMED | {"totalSupply"}, {**_ASA, "decimals": 6}),
        Standard.ASA_NFT: Kind("avm", _NAMED, _ASA),
        Standard.ASA_FNFT: Kind("avm", _NAMED | {"totalSupply", "decimals"}, _ASA),
        Standard.ERC20_PREMINTED: Kind(
            "evm",
            _EVM_NAMED | {"initialSupply"},
            {"decimals": 18, "initialSupplyReceiver": None},
        ),
        Standard.ERC20_MINTABLE: Kind(
            "evm",
            _EVM_NAMED | {"initialSupply", "cap", "initialSupplyReceiver"},
            {"decimals": 18},
        ),
    }
)


class ParametersRefused(Exception):
    """The parameters cannot be issued; `problems` say why, by field."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("; ".join(f"{name}: {texts[0]}" for name, texts in problems.items()))
        self.problems = problems


def read_parameters(
    standard: Standard, network: str, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the parameters as they are kept: every field, one spelling, amounts as text.

    Amounts are whole numbers of base units, so `initialSupply` and `cap` of an ERC-20 are given in
    whole tokens and kept multiplied by ten to the `decimals`. Raises `ParametersRefused`.
    """
    kind, problems = KINDS[standard], Problems()
    found = known_network(network)
    if found is None or found.kind != kind.network_kind:
        problems["network"] = [f"{standard} needs a known {_FAMILY[kind.network_kind]} network."]
    for name in sorted(set(given) - kind.known):
        problems[name] = UNKNOWN_PARAMETER
    for name in sorted(kind.required - set(given)):
        problems[name] = ["This field is required."]
    if problems:
        raise ParametersRefused(problems)
    values = {**kind.optional, **given}
    read = _Reader(values, network, problems)
    kept = _asa(standard, read) if kind.network_kind == "avm" else _erc20(standard, read)
    if problems:
        raise ParametersRefused(problems)
    return kept


_FAMILY: Final = {"avm": "Algorand", "evm": "EVM"}


class _Reader:
    """Reads one field after the other; what is wrong is noted, and the field reads as None."""

    def __init__(self, values: Mapping[str, Any], network: str, problems: Problems) -> None:
        self.values, self.network, self.problems = values, network, problems

    def _read(self, name: str, reader: Callable[[Any], Any]) -> Any:
        try:
            return reader(self.values[name])
        except ValueError as problem:
            self.problems.setdefault(name, []).append(str(problem))
            return None

    def text(self, name: str, longest: int, *, required: bool = True, unit: str = "bytes") -> Any:
        def reader(value: Any) -> str:
            if not isinstance(value, str) or (required and not value.strip()):
                raise ValueError("Must be text." if value else "This field is required.")
            size = len(value.encode()) if unit == "bytes" else len(value)
            if size > longest:
                raise ValueError(f"Has {size} {unit}; at most {longest} are allowed.")
            if not value.isprintable():
                raise ValueError("Must have printable characters only.")
            return value

        return self._read(name, reader)

    def whole(self, name: str, least: int, most: int) -> Any:
        def reader(value: Any) -> int:
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78:
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ValueError("Must be a whole number.")
            if not least <= value <= most:
                raise ValueError(f"Must be from {least} to {most}.")
            return value

        return self._read(name, reader)

    def tokens(self, name: str, decimals: int, least: int) -> Any:
        """Read an amount of whole tokens; return it in base units."""

        def reader(value: Any) -> int:
            if isinstance(value, bool) or not isinstance(value, (int, str)):
                raise ValueError("Must be a whole number, or a decimal one as text.")
            try:
                amount = Decimal(value)
            except InvalidOperation:
                raise ValueError("Must be a number.") from None
            if not amount.is_finite() or len(amount.as_tuple().digits) > 78:
                raise ValueError("Must be a number of at most 78 digits.")
            sign, digits, exponent = amount.as_tuple()
            shift = int(exponent) + decimals
            number = int("".join(map(str, digits)))
            if shift < 0 and number % 10 ** min(-shift, 80):
                raise ValueError(f"Has more than {decimals} decimals.")
            if shift > 78:
                raise ValueError("Is too large.")
            units: int = number * 10**shift if shift >= 0 else number // 10 ** min(-shift, 80)
            units = -units if sign else units
            if not least <= units <= _UINT256:
                raise ValueError("Is too large." if units > least else "Must be greater.")
            return units

        return self._read(name, reader)

    def truth(self, name: str) -> Any:
        def reader(value: Any) -> bool:
            if not isinstance(value, bool):
                raise ValueError("Must be true or false.")
            return value

        return self._read(name, reader)

    def address(self, name: str, *, required: bool = False) -> Any:
        def reader(value: Any) -> str:
            if value in (None, "") and not required:
                return ""
            if not isinstance(value, str) or not value.strip():
                raise ValueError("Must be an address.")
            return canonical_address(value, self.network)

        return self._read(name, reader)

    def digest(self, name: str) -> Any:
        def reader(value: Any) -> str | None:
            if value in (None, ""):
                return None
            if not isinstance(value, str) or len(value) > 64:
                raise ValueError("Must be 32 bytes in base64.")
            try:
                raw = base64.b64decode(value, validate=True)
            except binascii.Error:
                raise ValueError("Must be 32 bytes in base64.") from None
            if len(raw) != 32:
                raise ValueError("Must be 32 bytes in base64.")
            return base64.b64encode(raw).decode()

        return self._read(name, reader)


def _asa(standard: Standard, read: _Reader) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "name": read.text("name", 32),
        "unitName": read.text("unitName", 8),
        "url": read.text("url", 96, required=False),
        "metadataHash": read.digest("metadataHash"),
        "defaultFrozen": read.truth("defaultFrozen"),
        **{name: read.address(name) for name in _ROLES},
    }
    if standard == Standard.ASA_NFT:
        return {**kept, "totalSupply": "1", "decimals": 0}
    total = read.whole("totalSupply", 1, _UINT64)
    decimals = read.whole("decimals", 0, 19)
    if standard == Standard.ASA_FNFT and None not in (total, decimals):
        if decimals < 1:
            read.problems["decimals"] = ["A fractional NFT has at least one decimal (ARC-3)."]
        elif total != 10**decimals:
            message = f"A fractional NFT has ten to the decimals: {10**decimals} (ARC-3)."
            read.problems["totalSupply"] = [message]
    if kept["defaultFrozen"] and not kept["freezeAddress"]:
        message = "Without a freeze address nobody could ever unfreeze a holder."
        read.problems.setdefault("freezeAddress", []).append(message)
    return {**kept, "totalSupply": str(total), "decimals": decimals}


def _erc20(standard: Standard, read: _Reader) -> dict[str, Any]:
    mintable = standard == Standard.ERC20_MINTABLE
    decimals = read.whole("decimals", 0, 18)
    kept: dict[str, Any] = {
        "name": read.text("name", 50, unit="characters"),
        "symbol": read.text("symbol", 10, unit="characters"),
        "decimals": decimals,
        "initialSupplyReceiver": read.address("initialSupplyReceiver", required=mintable),
    }
    if decimals is None:
        return kept
    supply = read.tokens("initialSupply", decimals, 1)
    kept["initialSupply"] = str(supply)
    if mintable:
        cap = read.tokens("cap", decimals, 1)
        kept["cap"] = str(cap)
        if None not in (cap, supply) and cap < supply:
            read.problems["cap"] = ["Must not be less than the initial supply."]
    return kept


def display_name(parameters: Mapping[str, Any]) -> str:
    """Return the token's name."""
    return str(parameters["name"])


def display_symbol(parameters: Mapping[str, Any]) -> str:
    """Return the token's unit name or symbol."""
    return str(parameters.get("symbol") or parameters.get("unitName"))


def supply_of(parameters: Mapping[str, Any]) -> int:
    """Return how much is issued at first, in base units."""
    return int(parameters.get("initialSupply") or parameters["totalSupply"])
