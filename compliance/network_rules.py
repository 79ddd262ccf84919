"""The rules that a network puts on compliance metadata (seed 1, "Network-Specific Validation").

Pure. Each rule is checked on the record as it would be after the write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """One rule: `field` (as on the wire) is what has to change where `broken` holds."""

    family: str
    field: str
    message: str
    broken: Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a record breaks."""

    field: str
    message: str


def _blank(value: Any) -> bool:
    return not (value or "").strip()


RULES = (
    NetworkRule(
        "voi",
        "verificationStatus",
        "VOI network requires KYC verification (VerificationStatus=Verified) for tokens requiring "
        "accredited investors",
        lambda v: (
            bool(v["requires_accredited_investors"]) and v["verification_status"] != "Verified"
        ),
    ),
    NetworkRule(
        "voi",
        "jurisdiction",
        "VOI network requires jurisdiction to be specified for compliance",
        lambda v: _blank(v["jurisdiction"]),
    ),
    NetworkRule(
        "aramid",
        "regulatoryFramework",
        "Aramid network requires RegulatoryFramework to be specified when ComplianceStatus is "
        "Compliant",
        lambda v: v["compliance_status"] == "Compliant" and _blank(v["regulatory_framework"]),
    ),
    NetworkRule(
        "aramid",
        "maxHolders",
        "Aramid network requires MaxHolders to be specified for security tokens",
        lambda v: "security" in (v["asset_type"] or "").lower() and v["max_holders"] is None,
    ),
)


def violations(network: str, values: Values) -> tuple[Violation, ...]:
    """Return every rule of `network` that `values` break, in the order of the seed.

    A network belongs to a family by the beginning of its name, so that a test network or a
    spelling without the version does not escape the rules.
    """
    name = network.lower()
    return tuple(
        Violation(rule.field, rule.message)
        for rule in RULES
        if name.startswith(rule.family) and rule.broken(values)
    )
