"""The snapshot of a token: everything that the rules may look at, read from every app below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Issuer, Token
from attestations.selectors import AttestationValues, attestations_for_token
from audit.retention import retention_years
from audit.selectors import evidence_events
from audit.verification import TrailVerdict, trail_verdict
from compliance.models import ComplianceMetadata
from deployments.models import Deployment
from deployments.selectors import latest_deployment
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import (
    AttestationFact,
    AuditEventFact,
    AuditFacts,
    DeploymentFacts,
    FactValue,
    ScreeningList,
    Snapshot,
    Tag,
    Waiver,
    WhitelistEntryFact,
    WhitelistFacts,
)
from jurisdictions.facts import facts_for_engine
from jurisdictions.selectors import fact_catalogue, screening_lists
from jurisdictions.tags import TagRows, derive_tags_from, token_tags_with
from jurisdictions.waivers import waivers_for_engine
from whitelist.selectors import WhitelistPopulation, whitelist_population

JURISDICTION_TEXT = "metadata.jurisdiction"


@dataclass(frozen=True, slots=True)
class Common:
    """What is the same for every token at a moment."""

    catalogue: FactCatalogue
    lists: Mapping[str, ScreeningList]
    trail: TrailVerdict


@dataclass(frozen=True, slots=True)
class Reads:
    """What was read of one token; `evidence` is when each kind of event last happened to it."""

    metadata: ComplianceMetadata | None
    deployment: Deployment | None
    facts: Mapping[str, FactValue]
    tags: tuple[Tag, ...]
    attestations: Sequence[AttestationValues]
    whitelist: WhitelistPopulation
    waivers: tuple[Waiver, ...]
    evidence: Mapping[str, datetime]


def read_common() -> Common:
    """Read what is the same for every token now."""
    return Common(fact_catalogue(), screening_lists(), trail_verdict())


def token_snapshot(token: Token, now: datetime) -> Snapshot:
    """Return what is known of `token` now, in a constant number of queries."""
    common = read_common()
    metadata = ComplianceMetadata.objects.filter(token=token).first()
    reads = Reads(
        metadata=metadata,
        deployment=latest_deployment(token=token),
        facts=facts_for_engine(token, common.catalogue),
        tags=tags_that_count(token, metadata),
        attestations=attestations_for_token(token=token),
        whitelist=whitelist_population(token=token),
        waivers=waivers_for_engine(token, now),
        evidence=evidence_events(network=token.network or None, asset_id=token.asset_id),
    )
    return snapshot_of(token, reads, common)


def snapshot_of(token: Token, reads: Reads, common: Common) -> Snapshot:
    """Return the snapshot that these reads make; reads nothing itself."""
    deployment = reads.deployment
    facts = {
        **reads.facts,
        **_metadata_facts(token, reads.metadata),
        **_issuer_facts(token.issuer),
        "token.deploymentStatus": deployment.status if deployment else None,
    }
    return Snapshot(
        facts={path: value for path, value in facts.items() if value not in (None, "", [])},
        tags=reads.tags,
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
            for row in reads.attestations
        ),
        whitelist=_whitelist(reads.whitelist),
        deployment=DeploymentFacts(deployment.status, str(deployment.pk)) if deployment else None,
        audit=_audit(reads.evidence, common.trail),
        retention={name: float(years) for name, years in retention_years().items()},
        lists=common.lists,
        waivers=reads.waivers,
        assumed=common.catalogue.assumed,
    )


def _metadata_facts(token: Token, metadata: ComplianceMetadata | None) -> dict[str, Any]:
    if metadata is None:
        return {}
    return {
        "metadata.kycProvider": metadata.kyc_provider,
        "metadata.kycVerificationDate": metadata.kyc_verification_date,
        "metadata.verificationStatus": metadata.verification_status,
        JURISDICTION_TEXT: metadata.jurisdiction,
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


def tags_that_count(
    token: Token, metadata: ComplianceMetadata | None, rows: TagRows | None = None
) -> tuple[Tag, ...]:
    """Return the tags that count for the token; `rows` as in `token_tags_with`."""
    text = metadata.jurisdiction if metadata else None
    tags = token_tags_with(token, [(JURISDICTION_TEXT, text)], rows)
    return tuple(tag.value for tag in tags if tag.counts)


def _jurisdiction_text(token: Token) -> str | None:
    rows = ComplianceMetadata.objects.filter(token=token)
    return rows.values_list("jurisdiction", flat=True).first()


# Whoever shows a token's tags, on the floor below, shows those that its record gives too.
derive_tags_from(JURISDICTION_TEXT, _jurisdiction_text)


def _whitelist(population: WhitelistPopulation) -> WhitelistFacts:
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


def _audit(evidence: Mapping[str, datetime], verdict: TrailVerdict) -> AuditFacts:
    return AuditFacts(
        events={name: AuditEventFact(1, moment) for name, moment in evidence.items()},
        chain_verified=verdict.intact,
        detail=verdict.finding or "every sealed event was read again and gives the sealed root",
    )
