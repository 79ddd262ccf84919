"""The four network rules of seed 1, with their exact messages."""

from typing import Any

import pytest

from compliance.network_rules import violations

VOI_KYC = (
    "VOI network requires KYC verification (VerificationStatus=Verified) for tokens requiring "
    "accredited investors"
)
VOI_JURISDICTION = "VOI network requires jurisdiction to be specified for compliance"
ARAMID_FRAMEWORK = (
    "Aramid network requires RegulatoryFramework to be specified when ComplianceStatus is Compliant"
)
ARAMID_HOLDERS = "Aramid network requires MaxHolders to be specified for security tokens"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "requires_accredited_investors": False,
        "verification_status": "Pending",
        "jurisdiction": None,
        "compliance_status": "UnderReview",
        "regulatory_framework": None,
        "asset_type": None,
        "max_holders": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("network", "changes", "expected"),
    [
        ("voimain-v1.0", {}, [("jurisdiction", VOI_JURISDICTION)]),
        ("voimain-v1.0", {"jurisdiction": "  "}, [("jurisdiction", VOI_JURISDICTION)]),
        ("voimain-v1.0", {"jurisdiction": "US"}, []),
        (
            "voimain-v1.0",
            {"requires_accredited_investors": True},
            [("verificationStatus", VOI_KYC), ("jurisdiction", VOI_JURISDICTION)],
        ),
        (
            "voimain-v1.0",
            {
                "requires_accredited_investors": True,
                "verification_status": "Failed",
                "jurisdiction": "US",
            },
            [("verificationStatus", VOI_KYC)],
        ),
        (
            "voimain-v1.0",
            {
                "requires_accredited_investors": True,
                "verification_status": "Verified",
                "jurisdiction": "US",
            },
            [],
        ),
        ("aramidmain-v1.0", {}, []),
        (
            "aramidmain-v1.0",
            {"compliance_status": "Compliant"},
            [("regulatoryFramework", ARAMID_FRAMEWORK)],
        ),
        ("aramidmain-v1.0", {"compliance_status": "Exempt"}, []),
        (
            "aramidmain-v1.0",
            {"compliance_status": "Compliant", "regulatory_framework": "MiFID II"},
            [],
        ),
        ("aramidmain-v1.0", {"asset_type": "SECURITY token"}, [("maxHolders", ARAMID_HOLDERS)]),
        ("aramidmain-v1.0", {"asset_type": "Security Token", "max_holders": 1}, []),
        (
            "aramidmain-v1.0",
            {"asset_type": "Insecurity", "compliance_status": "Compliant"},
            [("regulatoryFramework", ARAMID_FRAMEWORK), ("maxHolders", ARAMID_HOLDERS)],
        ),
        ("voi-testnet", {}, [("jurisdiction", VOI_JURISDICTION)]),
        ("invoice-net", {}, []),
        ("mainnet-v1.0", {"asset_type": "Security", "compliance_status": "Compliant"}, []),
        ("", {"requires_accredited_investors": True}, []),
    ],
)
def test_rules(network: str, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = violations(network, values(**changes))
    assert [(one.field, one.message) for one in found] == expected
