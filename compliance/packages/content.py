"""What an attestation package says: everything but what differs between two of the same data.

Free text that may speak of people stays out of it: notes and reasons, and who recorded what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Count, Q

from accounts.choices import MemberRole
from accounts.models import IssuerMember, Token
from attestations.models import Attestation
from audit.body import number
from compliance.models import ComplianceMetadata
from config.api.formats import utc_text
from whitelist.choices import Enforcement, EntryStatus
from whitelist.models import WhitelistEntry, WhitelistPolicy

SCHEMA_VERSION = "1.0"
NO_POLICY = "None"


@dataclass(frozen=True, slots=True)
class Period:
    """Inclusive bounds of the moment of issue; None leaves an end open."""

    since: datetime | None
    until: datetime | None

    @property
    def condition(self) -> Q:
        bounds = Q()
        if self.since is not None:
            bounds &= Q(issued_at__gte=self.since)
        if self.until is not None:
            bounds &= Q(issued_at__lte=self.until)
        return bounds


def package_content(
    metadata: ComplianceMetadata, status: Mapping[str, Any], period: Period, now: datetime
) -> dict[str, Any]:
    """Return the content of a package on the token of `metadata`, in at most five queries.

    `status` is the token's computed status as it is answered. `metadata` comes with its token and
    the token's issuer.
    """
    token = metadata.token
    attestations = _attestations(token, period, now)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "tokenId": number(token.asset_id),
        "network": token.network or None,
        "issuerAddress": token.creator_address or _owner_address(token),
        "issuer": _issuer(token),
        "token": _token(token),
        "complianceMetadata": _metadata(metadata),
        "whitelistPolicy": _whitelist(token, now),
        "complianceStatus": _status(metadata, status),
        "attestations": attestations,
        "attestationCount": len(attestations),
        "dateRange": {"from": _text(period.since), "to": _text(period.until)},
    }


def _owner_address(token: Token) -> str | None:
    """Return the address of the first Owner of the token's issuer who has one."""
    if token.issuer_id is None:
        return None
    owners = IssuerMember.objects.filter(
        issuer_id=token.issuer_id, role=MemberRole.OWNER, user__address__isnull=False
    )
    return owners.order_by("created_at", "pk").values_list("user__address", flat=True).first()


def _issuer(token: Token) -> dict[str, Any] | None:
    issuer = token.issuer
    if issuer is None:
        return None
    return {
        "id": str(issuer.pk),
        "legalName": issuer.legal_name or None,
        "lei": issuer.lei or None,
        "country": issuer.country or None,
        "ownershipVerified": token.ownership_verified_at is not None,
    }


def _token(token: Token) -> dict[str, Any]:
    return {
        "assetId": number(token.asset_id),
        "name": token.name or None,
        "unitName": token.unit_name or None,
        "total": number(None if token.total is None else int(token.total)),
        "decimals": token.decimals,
        "creator": token.creator_address or None,
        "standard": token.standard or None,
        "contractAddress": token.contract_address or None,
    }


def _metadata(metadata: ComplianceMetadata) -> dict[str, Any]:
    return {
        "assetId": number(metadata.token.asset_id),
        "complianceStatus": str(metadata.compliance_status),
        "verificationStatus": str(metadata.verification_status),
        "regulatoryFramework": metadata.regulatory_framework,
        "jurisdiction": metadata.jurisdiction,
        "kycProvider": metadata.kyc_provider,
        "kycVerificationDate": _text(metadata.kyc_verification_date),
        "lastComplianceReview": _text(metadata.last_compliance_review),
        "nextComplianceReview": _text(metadata.next_compliance_review),
        "assetType": metadata.asset_type,
        "transferRestrictions": metadata.transfer_restrictions,
        "maxHolders": metadata.max_holders,
        "requiresAccreditedInvestors": metadata.requires_accredited_investors,
        "createdAt": _text(metadata.created_at),
        "updatedAt": _text(metadata.updated_at),
    }


def _status(metadata: ComplianceMetadata, status: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the issuer declares (seed 1), and beside it what the rules say."""
    return {
        "status": str(metadata.compliance_status),
        "verificationStatus": str(metadata.verification_status),
        "lastReviewDate": _text(metadata.last_compliance_review),
        "nextReviewDate": _text(metadata.next_compliance_review),
        "computedStatus": status["status"],
        "computedCounts": status["counts"],
        "computedRationale": [
            {name: one[name] for name in ("key", "jurisdiction", "verdict", "reasonCode")}
            for one in status["rationale"]
        ],
        "rulePacks": status["packVersions"],
        "engineVersion": status["engineVersion"],
    }


def _whitelist(token: Token, now: datetime) -> dict[str, Any]:
    policy = (
        WhitelistPolicy.objects.filter(token=token).values_list("enforcement", flat=True).first()
    )
    expired = Q(expiration_date__isnull=False, expiration_date__lte=now)
    active = Q(status=EntryStatus.ACTIVE)
    counts = WhitelistEntry.objects.filter(token=token).aggregate(
        listed=Count("pk", filter=active & ~expired),
        kyc=Count("pk", filter=active & ~expired & Q(kyc_verified=True)),
        expired=Count("pk", filter=active & expired),
        inactive=Count("pk", filter=Q(status=EntryStatus.INACTIVE)),
        revoked=Count("pk", filter=Q(status=EntryStatus.REVOKED)),
    )
    return {
        "isEnabled": policy is not None and policy != Enforcement.OFF,
        "totalWhitelisted": counts["listed"],
        "enforcementType": str(policy) if policy is not None else NO_POLICY,
        "kycVerified": counts["kyc"],
        "expired": counts["expired"],
        "inactive": counts["inactive"],
        "revoked": counts["revoked"],
    }


_COLUMNS = (
    "id",
    "wallet_address",
    "asset_id",
    "issuer_address",
    "proof_hash",
    "proof_type",
    "verification_status",
    "attestation_type",
    "network",
    "jurisdiction",
    "regulatory_framework",
    "issued_at",
    "expires_at",
    "verified_at",
    "subject_type",
    "attributes",
)
_NAMES = tuple(
    "".join(part.capitalize() if index else part for index, part in enumerate(name.split("_")))
    for name in _COLUMNS
)
_KEPT = frozenset({"subjectType", "attributes", "verificationStatus"})


def attestations_of(token: Token, period: Period) -> Any:
    """Return the attestations about the token or its holders that were issued in the period."""
    return Attestation.objects.filter(period.condition, token=token)


def _attestations(token: Token, period: Period, now: datetime) -> list[dict[str, Any]]:
    rows = attestations_of(token, period).with_status(now).order_by("-issued_at", "-id")
    return [
        {name: _value(name, value) for name, value in zip(_NAMES, row, strict=True)}
        for row in rows.values_list(*_COLUMNS).iterator(chunk_size=1_000)
    ]


def _value(name: str, value: Any) -> Any:
    if name in _KEPT or value is None:
        return value
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, int):
        return number(value)
    return str(value) or None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def parsed(content: str) -> dict[str, Any]:
    """Return a stored content."""
    document: dict[str, Any] = orjson.loads(content)
    return document
