"""The platform baseline in force, and a token that meets all of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Token, User
from accounts.services import issuer_update
from attestations.services import attestation_create, attestation_verify
from audit.models import AuditVerification
from audit.principal import SYSTEM
from compliance.services.metadata import metadata_upsert
from deployments.services import deployment_import
from jurisdictions.loading import rules_load
from tests.factories import CID, VOI, wallet
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

ASSET = 50001
TRANSACTION = "QAHZTY5GWMHORSBLORQBRIVOZPKHYHK3FZ5WVP3XBCTVOSVFUINA"


@pytest.fixture
def baseline(db: None) -> None:
    """GLOBAL-BASELINE loaded and active."""
    rules_load(actor=SYSTEM, activate=("global-baseline",))


def attest(owner: User, officer: User, kind: str, **more: Any) -> Any:
    """Record an attestation of this kind for the token and have it verified."""
    content = {
        "wallet_address": wallet(900),
        "asset_id": ASSET,
        "network": VOI,
        "issuer_address": "the provider",
        "proof_hash": CID,
        "proof_type": "IPFS",
        "attestation_type": kind,
        "expires_at": timezone.now() + timedelta(days=300),
        **more,
    }
    attestation = attestation_create(actor=owner, **content)
    attestation_verify(actor=officer, attestation_id=attestation.pk, reason="")
    return attestation


def trail_verified(intact: bool = True) -> None:
    """Leave a verification of the log behind, as the sealer does."""
    AuditVerification.objects.create(
        size=1,
        root="00",
        intact=intact,
        verified_at=timezone.now(),
        finding="" if intact else "cut",
    )


@pytest.fixture
def compliant_token(baseline: None, owner: User, officer: User) -> Token:
    """A token for which every check of the baseline passes."""
    now = timezone.now()
    metadata = metadata_upsert(
        actor=owner,
        asset_id=ASSET,
        network=VOI,
        changes={
            "kyc_provider": "Sumsub",
            "kyc_verification_date": now - timedelta(days=30),
            "verification_status": "Verified",
            "jurisdiction": "GLOBAL",
            "next_compliance_review": now + timedelta(days=170),
            "asset_type": "Warehouse receipt",
        },
    )
    token = metadata.token
    issuer_update(actor=officer, issuer=token.issuer, legal_name="Meridian Warehousing GmbH")
    attest(owner, officer, "KYC")
    attest(owner, officer, "AML")
    whitelist_policy_set(actor=officer, token=token, enforcement="Mandatory")
    whitelist_entry_upsert(
        actor=officer, token=token, address=wallet(900), status="Active", kyc_verified=True
    )
    deployment_import(
        actor=officer,
        token=token,
        transaction_id=TRANSACTION,
        confirmed_round=5,
        deployed_by=wallet(900),
        standard="ASA_FT",
        deployed_at=now - timedelta(days=20),
    )
    trail_verified()
    return token


@pytest.fixture
def status_of() -> Callable[[User, int], dict[str, Any]]:
    from tests.factories import client_for

    def read(user: User, asset_id: int = ASSET) -> dict[str, Any]:
        response = client_for(user).get(f"/api/v1/compliance/{asset_id}/status")
        assert response.status_code == 200, response.content
        status: dict[str, Any] = response.json()["status"]
        return status

    return read
