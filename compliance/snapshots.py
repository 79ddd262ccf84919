"""The snapshot of a token: everything that the rules may look at, read from every app below."""

from datetime import datetime
from typing import Any

from accounts.models import Issuer, Token
from attestations.selectors import attestations_for_token
from audit.retention import retention_years
from audit.seal import trail_verdict
from audit.selectors import evidence_events
from compliance.models import ComplianceMetadata
from deployments.selectors import latest_deployment
from jurisdictions.engine import (
    AttestationFact,
    AuditEventFact,
    AuditFacts,
    DeploymentFacts,
    Snapshot,
    Tag,
    WhitelistEntryFact,
    WhitelistFacts,
)
from jurisdictions.selectors import fact_catalogue, jurisdiction_directory
from jurisdictions.tag_text import parse_jurisdiction_text
from whitelist.selectors import whitelist_population


def token_snapshot(token: Token, now: datetime) -> Snapshot:
    """Return what is known of `token` now, in a constant number of queries."""
    metadata = ComplianceMetadata.objects.filter(token=token).first()
    deployment = latest_deployment(token=token)
    facts = {
        **_metadata_facts(token, metadata),
        **_issuer_facts(token.issuer),
        "token.deploymentStatus": deployment.status if deployment else None,
    }
    return Snapshot(
        facts={path: value for path, value in facts.items() if value not in (None, "", [])},
        tags=_tags(metadata),
        attestations=tuple(
            AttestationFact(
                id=str(row.id),
                subject_type=row.subject_type,
                subject=row.subject,
                attestation_type=row.attestation_type,
                status=row.status,
                created_by_id=str(row.created_by_id),
                verified_by_id=str(row.verified_by_id) if row.verified_by_id else None,
                issued_at=row.issued_at,
                verified_at=row.verified_at,
                expires_at=row.expires_at,
                attributes=row.attributes,
                proof_hash=row.proof_hash,
            )
            for row in attestations_for_token(token=token)
        ),
        whitelist=_whitelist(token),
        deployment=DeploymentFacts(deployment.status, str(deployment.pk)) if deployment else None,
        audit=_audit(token),
        retention={name: float(years) for name, years in retention_years().items()},
        assumed=fact_catalogue().assumed,
    )


def _metadata_facts(token: Token, metadata: ComplianceMetadata | None) -> dict[str, Any]:
    if metadata is None:
        return {}
    return {
        "metadata.kycProvider": metadata.kyc_provider,
        "metadata.kycVerificationDate": metadata.kyc_verification_date,
        "metadata.verificationStatus": metadata.verification_status,
        "metadata.jurisdiction": metadata.jurisdiction,
        "metadata.regulatoryFramework": metadata.regulatory_framework,
        "metadata.complianceStatus": metadata.compliance_status,
        "metadata.lastComplianceReview": metadata.last_compliance_review,
        "metadata.nextComplianceReview": metadata.next_compliance_review,
        "metadata.assetType": metadata.asset_type,
        "metadata.transferRestrictions": metadata.transfer_restrictions,
        "metadata.maxHolders": metadata.max_holders,
        "metadata.requiresAccreditedInvestors": metadata.requires_accredited_investors,
        "metadata.network": token.network,
    }


def _issuer_facts(issuer: Issuer | None) -> dict[str, Any]:
    if issuer is None:
        return {}
    return {
        "issuer.legalName": issuer.legal_name,
        "issuer.entityType": issuer.entity_type,
        "issuer.lei": issuer.lei,
        "issuer.registrationNumber": issuer.registration_number,
        "issuer.country": issuer.country,
        "issuer.roles": tuple(issuer.roles),
    }


def _tags(metadata: ComplianceMetadata | None) -> tuple[Tag, ...]:
    text = metadata.jurisdiction if metadata else None
    return tuple(
        Tag(
            jurisdiction=parsed.code or parsed.raw_text,
            kind=parsed.kind or "unrecognized",
            source="Derived",
            recognized=parsed.recognized,
            raw_text=parsed.raw_text,
        )
        for parsed in parse_jurisdiction_text(text or "", jurisdiction_directory())
    )


def _whitelist(token: Token) -> WhitelistFacts:
    population = whitelist_population(token=token)
    return WhitelistFacts(
        enforcement=population.enforcement,
        entries=tuple(
            WhitelistEntryFact(
                address=entry.address,
                kyc_verified=entry.kyc_verified,
                kyc_verified_at=entry.kyc_verification_date,
                expires_at=entry.expiration_date,
                jurisdiction=entry.jurisdiction or None,
                status=entry.status,
            )
            for entry in population.entries
        ),
    )


def _audit(token: Token) -> AuditFacts:
    verdict = trail_verdict()
    events = evidence_events(network=token.network or None, asset_id=token.asset_id)
    return AuditFacts(
        events={name: AuditEventFact(1, moment) for name, moment in events.items()},
        chain_verified=verdict.intact,
        detail=verdict.finding or "every sealed event was read again and gives the sealed root",
    )
