"""Demo data for a newcomer: the seed's own examples, sent through the API as a client would.

Development only. Every step looks first, so that running it again adds nothing but its reads.
"""

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.addresses import encode_algorand_address
from accounts.arc14.signer import sign_arc14
from accounts.choices import MemberRole, Role
from accounts.models import Issuer, RoundAnchor, Token, User
from accounts.services import issuer_update, member_add, token_owner_verify, user_create
from accounts.signatures import policy
from attestations.models import Attestation
from audit.models import AuditEvent
from compliance.models import ComplianceMetadata
from config.api.formats import utc_text
from deployments.selectors import latest_deployment
from deployments.services import deployment_import
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

PASSWORD = "assayer-demo-2026"  # noqa: S105 - printed by the quickstart, refused outside development
VOI, ARAMID = "voimain-v1.0", "aramidmain-v1.0"
SEED_VOI, SEED_ARAMID, COMPLIANT = 12345, 67890, 50001
DEMO_ROUND = 46_916_000
# The other packs that come with the software stay Drafts until somebody has reviewed them.
PACKS_IN_FORCE = ("global-baseline", "eu-mica", "eu-aml", "eu-securities", "fatf", "us-sec")
SEED_WALLET = "VCMJKWOY5P5P7SKMZFFOCEROPJCZOTIJMNIYNUCKH7LRO45JMJP6UYBIJA"
SEED_CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
_TRANSACTION = "QAHZTY5GWMHORSBLORQBRIVOZPKHYHK3FZ5WVP3XBCTVOSVFUINA"

STAFF = (
    ("admin@assayer.example", "Ada Min", (Role.ADMINISTRATOR,)),
    ("officer@assayer.example", "Olga Fischer", (Role.COMPLIANCE_OFFICER,)),
    ("auditor@assayer.example", "Aurel Dit", (Role.AUDITOR,)),
    ("issuer@assayer.example", "Ines Suer", ()),
)


def demo_key() -> bytes:
    """Return the private key of the demo wallet: public knowledge, and worth nothing."""
    return hashlib.sha256(b"assayer demo wallet 1").digest()


def demo_header(network: str = VOI) -> str:
    """Return a fresh `Authorization` value of the demo wallet, and note the round it assumes."""
    RoundAnchor.objects.update_or_create(
        network=network, defaults={"round": DEMO_ROUND, "observed_at": timezone.now()}
    )
    return sign_arc14(demo_key(), policy().realms[0], network, DEMO_ROUND)


def demo_load() -> str:
    """Load the demo data; return the message of the one request that is refused on purpose."""
    staff = {email: _staff(email, name, roles) for email, name, roles in STAFF}
    officer, issuer_user = staff["officer@assayer.example"], staff["issuer@assayer.example"]
    wallet = _client(authorization=demo_header())
    _post(wallet, "compliance", _seed_voi())
    _post(wallet, "compliance", _seed_aramid())
    _post(wallet, "compliance", _compliant())
    refusal = _refused(wallet)
    token = Token.objects.get(network=VOI, asset_id=COMPLIANT)
    _name_issuer(officer, issuer_user, token)
    _attest(wallet, _client(officer), token)
    _complete(officer, token)
    return refusal


def demo_report() -> dict[str, Any]:
    """Generate a report on the compliant demo token, as the officer would, and return it."""
    officer = _client(User.objects.get(email="officer@assayer.example"))
    answer = _post(officer, "compliance/reports", {"assetId": COMPLIANT, "network": VOI})
    report: dict[str, Any] = answer["report"]
    return report


def _staff(email: str, name: str, roles: tuple[str, ...]) -> User:
    found = User.objects.filter(email=email).first()
    return found or user_create(email=email, password=PASSWORD, full_name=name, roles=roles)


def _client(user: User | None = None, authorization: str = "") -> APIClient:
    client = APIClient(HTTP_HOST="localhost")
    bearer = f"Bearer {AccessToken.for_user(user)}" if user else authorization
    client.credentials(HTTP_AUTHORIZATION=bearer)
    return client


def _post(client: APIClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    asset, network = body.get("assetId", 0), body.get("network", "")
    exists = ComplianceMetadata.objects.filter(token__asset_id=asset, token__network=network)
    if path == "compliance" and exists.exists():
        return {}
    response = client.post(f"/api/v1/{path}", body, format="json")
    answer: dict[str, Any] = response.json()
    if response.status_code != 200:
        raise RuntimeError(f"the demo data was refused: {path}: {answer['errorMessage']}")
    return answer


def _seed_voi() -> dict[str, Any]:
    return {
        "assetId": SEED_VOI,
        "kycProvider": "Sumsub",
        "kycVerificationDate": "2026-01-21T00:00:00Z",
        "verificationStatus": "Verified",
        "jurisdiction": "US,EU",
        "regulatoryFramework": "SEC Reg D",
        "complianceStatus": "Compliant",
        "lastComplianceReview": "2026-01-15T00:00:00Z",
        "nextComplianceReview": "2026-07-15T00:00:00Z",
        "assetType": "Security Token",
        "transferRestrictions": "Accredited investors only, lock-up period 12 months",
        "maxHolders": 500,
        "requiresAccreditedInvestors": True,
        "network": VOI,
        "notes": "Token represents equity in XYZ Corp",
    }


def _seed_aramid() -> dict[str, Any]:
    return {
        "assetId": SEED_ARAMID,
        "network": ARAMID,
        "assetType": "Security Token",
        "maxHolders": 500,
        "complianceStatus": "Compliant",
        "regulatoryFramework": "MiFID II",
    }


def _compliant() -> dict[str, Any]:
    now = timezone.now()
    return {
        "assetId": COMPLIANT,
        "network": VOI,
        "kycProvider": "Sumsub",
        "kycVerificationDate": utc_text(now - timedelta(days=30)),
        "verificationStatus": "Verified",
        "jurisdiction": "GLOBAL",
        "regulatoryFramework": "Platform baseline",
        "complianceStatus": "Compliant",
        "lastComplianceReview": utc_text(now - timedelta(days=10)),
        "nextComplianceReview": utc_text(now + timedelta(days=170)),
        "assetType": "Warehouse receipt",
        "maxHolders": 200,
    }


def _refused(wallet: APIClient) -> str:
    """Send the seed's failing example, once; the refusal stays in the audit log."""
    body = {"assetId": 12346, "network": VOI, "complianceStatus": "Compliant"}
    past = AuditEvent.objects.filter(name="compliance.metadata.create_failed", asset_id=12346)
    if past.exists():
        return "VOI network requires jurisdiction to be specified for compliance"
    return str(wallet.post("/api/v1/compliance", body, format="json").json()["errorMessage"])


def _name_issuer(officer: User, issuer_user: User, token: Token) -> None:
    issuer: Issuer | None = token.issuer
    if issuer is None:
        return
    issuer_update(
        actor=officer,
        issuer=issuer,
        legal_name="Meridian Warehousing GmbH",
        lei="5493001KJTIIGC8Y1R12",
        country="DE",
        entity_type="legal_person",
        registration_number="HRB 100001",
        roles=["issuer"],
    )
    if issuer.pk not in issuer_user.issuer_ids:
        member_add(actor=officer, issuer=issuer, user=issuer_user, role=MemberRole.OPERATOR)
    token_owner_verify(actor=officer, token=token)


def _attest(wallet: APIClient, officer: APIClient, token: Token) -> None:
    subject: dict[str, str | int]
    for kind in ("KYC", "AML"):
        subject = {"walletAddress": SEED_WALLET, "assetId": token.asset_id}
        if not Attestation.objects.filter(token=token, attestation_type=kind).exists():
            _verified(wallet, officer, kind, {**subject, "network": token.network})
    for kind in ("KYB", "RiskAssessment"):
        if not Attestation.objects.filter(issuer=token.issuer, attestation_type=kind).exists():
            subject = {"subjectType": "Issuer", "issuerId": str(token.issuer_id)}
            _verified(wallet, officer, kind, subject)


def _verified(
    wallet: APIClient, officer: APIClient, kind: str, subject: dict[str, str | int]
) -> None:
    """Record evidence as the wallet and have the officer verify it."""
    created = _post(
        wallet,
        "compliance/attestations",
        {
            **subject,
            "issuerAddress": encode_algorand_address(hashlib.sha256(b"provider").digest()),
            "proofHash": SEED_CID,
            "proofType": "IPFS",
            "attestationType": kind,
            "expiresAt": utc_text(timezone.now() + timedelta(days=300)),
            "notes": f"{kind} verification completed via Sumsub",
        },
    )
    reference = created["attestation"]["id"]
    _post(
        officer,
        f"compliance/attestations/{reference}/verify",
        {"reason": "Demo: the provider's report was read"},
    )


def _complete(officer: User, token: Token) -> None:
    whitelist_policy_set(actor=officer, token=token, enforcement="Mandatory")
    whitelist_entry_upsert(
        actor=officer,
        token=token,
        address=SEED_WALLET,
        status="Active",
        reason="KYC verified via Sumsub",
        kyc_verified=True,
        kyc_provider="Sumsub",
        jurisdiction_code="DE",
    )
    if latest_deployment(token=token) is None:
        deployment_import(
            actor=officer,
            token=token,
            transaction_id=_TRANSACTION,
            confirmed_round=DEMO_ROUND,
            deployed_by=SEED_WALLET,
            standard="ASA_FT",
            deployed_at=timezone.now() - timedelta(days=20),
        )
