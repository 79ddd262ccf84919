"""The rules that a network puts on whitelist entries (reference/incumbent-deployments, 1.5).

Pure. Each rule is checked on the entry as it would be after the write, and on the role that the
writer really has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """One rule: `field` (as on the wire) is what has to change where `broken` holds.

    `broken` is asked with the entry's values and the writer's role. `message` may name the
    `{address}`.
    """

    family: str
    field: str
    message: str
    broken: Callable[[Values, str], bool]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that an entry breaks."""

    field: str
    message: str


def _active_without_kyc(values: Values, role: str) -> bool:
    return values["status"] == "Active" and not values["kyc_verified"]


def _kyc_of_nobody(values: Values, role: str) -> bool:
    return bool(values["kyc_verified"]) and not (values["kyc_provider"] or "").strip()


def _revoked_by_operator(values: Values, role: str) -> bool:
    return values["status"] == "Revoked" and role == "Operator"


RULES = (
    NetworkRule(
        "voi",
        "status",
        "Operator role cannot revoke whitelist entries on VOI network. Admin privileges required.",
        _revoked_by_operator,
    ),
    NetworkRule(
        "aramid",
        "kycVerified",
        "Aramid network requires KYC verification for Active whitelist entries. Address: {address}",
        _active_without_kyc,
    ),
    NetworkRule(
        "aramid",
        "kycProvider",
        "Aramid network requires KYC provider to be specified when KYC is verified. "
        "Address: {address}",
        _kyc_of_nobody,
    ),
    NetworkRule(
        "aramid",
        "status",
        "Operator role cannot revoke whitelist entries on Aramid network. "
        "Admin privileges required.",
        _revoked_by_operator,
    ),
)
# A removed entry lets nobody hold either: whoever may not revoke may not remove.
_REMOVAL_NAMES = {"voi": "VOI", "aramid": "Aramid"}
# What a network asks for without refusing what lacks it.
ADVICE = (
    NetworkRule(
        "voi",
        "kycVerified",
        "VOI network recommends KYC verification for Active whitelist entries.",
        _active_without_kyc,
    ),
)


def violations(network: str, address: str, values: Values, role: str) -> tuple[Violation, ...]:
    """Return every rule of `network` that the entry breaks, in the order of the reference.

    A network belongs to a family by the beginning of its name, so that a test network or a
    spelling without the version does not escape the rules.
    """
    return tuple(
        Violation(rule.field, rule.message.format(address=address))
        for rule in _broken(RULES, network, values, role)
    )


def advice(network: str, values: Values, role: str) -> tuple[str, ...]:
    """Return what `network` recommends and the entry lacks."""
    return tuple(rule.message for rule in _broken(ADVICE, network, values, role))


def removal_violations(network: str, role: str) -> tuple[Violation, ...]:
    """Return why somebody in this role may not remove an entry on `network`."""
    return tuple(
        Violation(
            "address",
            f"Operator role cannot remove whitelist entries on {name} network. "
            "Admin privileges required.",
        )
        for family, name in _REMOVAL_NAMES.items()
        if role == "Operator" and network.lower().startswith(family)
    )


def _broken(
    rules: tuple[NetworkRule, ...], network: str, values: Values, role: str
) -> list[NetworkRule]:
    name = network.lower()
    return [rule for rule in rules if name.startswith(rule.family) and rule.broken(values, role)]
