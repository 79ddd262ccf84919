"""What is said of a token's compliance when it is issued (reference, deployments, section 2.4).

Pure. A token that is of the real world says who issues it, where, what it is and under which rules.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

TEXTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "issuerName": 200,
        "jurisdiction": 500,
        "assetType": 200,
        "regulatoryFramework": 500,
        "disclosureUrl": 1000,
        "transferRestrictions": 1000,
        "kycProvider": 200,
        "notes": 2000,
    }
)
"""The texts and their greatest lengths in characters."""

FLAGS: Final = ("requiresWhitelist", "requiresAccreditedInvestors")
NUMBERS: Final = ("maxHolders",)
_REAL_WORLD: Final = ("issuerName", "regulatoryFramework", *FLAGS, *NUMBERS)
_NEEDED: Final = ("issuerName", "jurisdiction", "assetType", "regulatoryFramework", "disclosureUrl")


def is_real_world(metadata: Mapping[str, Any]) -> bool:
    """Return whether what is said makes it a token of a real-world asset."""
    return any(metadata.get(name) for name in _REAL_WORLD)


def compliance_problems(metadata: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return what is missing of the metadata of a real-world asset, by field."""
    if metadata is None or not is_real_world(metadata):
        return {}
    return {
        name: ["A token of a real-world asset must say this."]
        for name in _NEEDED
        if not str(metadata.get(name) or "").strip()
    }
