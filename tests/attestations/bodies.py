"""The seed's own examples as printed (seed 1, section 9), and a maker of attestations."""

from typing import Any

from accounts.models import User
from attestations.models import Attestation
from attestations.services import attestation_create
from tests.factories import CID, VOI, WALLET

URL = "/api/v1/compliance/attestations"
SEED_ISSUER = "ISSUER1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ"
# The time at which the seed's examples were made: their expiry lies in the future.
SEED_TIME = "2026-01-23T16:48:00Z"

SECTION_9: dict[str, Any] = {
    "walletAddress": WALLET,
    "assetId": 12345,
    "issuerAddress": SEED_ISSUER,
    "proofHash": CID,
    "proofType": "IPFS",
    "attestationType": "KYC",
    "network": VOI,
    "jurisdiction": "US,EU",
    "regulatoryFramework": "MICA",
    "expiresAt": "2027-01-23T00:00:00Z",
    "notes": "KYC verification completed via Sumsub",
}
EXAMPLE_1: dict[str, Any] = {
    **SECTION_9,
    "jurisdiction": "US",
    "notes": "KYC verification via Sumsub - Level 3 verification completed",
}
REQUIRED_ONLY: dict[str, Any] = {
    name: SECTION_9[name] for name in ("walletAddress", "assetId", "issuerAddress", "proofHash")
}
OPTIONAL = sorted(set(SECTION_9) - set(REQUIRED_ONLY))


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def attest(creator: User, **fields: Any) -> Attestation:
    """Return an attestation of the seed's wallet and token, but for `fields`."""
    given = {
        "wallet_address": WALLET,
        "asset_id": 12345,
        "network": VOI,
        "issuer_address": SEED_ISSUER,
        "proof_hash": CID,
        **fields,
    }
    return attestation_create(actor=creator, **given)
