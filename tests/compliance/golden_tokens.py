"""The tokens of the golden reports: each differs from the others in one thing that matters."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from audit.signing import current_key, sign
from compliance.choices import ReportType
from compliance.reports.content import Content, Material, make_content
from compliance.reports.seal import sealed_bytes, signed_message, unsigned_bytes
from compliance.reports.trail import TrailCounts
from jurisdictions.engine import (
    AuditEventFact,
    AuditFacts,
    DeploymentFacts,
    Snapshot,
    Tag,
    Waiver,
    WhitelistEntryFact,
    WhitelistFacts,
)
from tests.jurisdictions.builders import active_packs, attestation, catalogue

FOLDER = Path(__file__).with_name("golden")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = {
    "assetId": "12345",
    "network": "voimain-v1.0",
    "name": "Warehouse receipt",
    "unitName": "WHR",
    "standard": "ASA",
    "total": "18446744073709551615",
    "decimals": 6,
    "creatorAddress": None,
    "issuer": {"id": "11111111-2222-4333-8444-555555555555", "legalName": "Meridian GmbH"},
    "ownershipVerifiedAt": "2026-01-02T00:00:00Z",
}
CHANGES = TrailCounts(
    {"compliance.metadata.created": 1, "attestations.attestation.verified": 2},
    NOW - timedelta(days=40),
    NOW - timedelta(days=2),
)


@dataclass(frozen=True)
class Golden:
    """One golden report: what it is made from, and for which moment."""

    snapshot: Snapshot
    packs: tuple[str, ...] = ("GLOBAL-BASELINE",)
    now: datetime = NOW
    report_type: ReportType = ReportType.FULL


def baseline(**changes: Any) -> Snapshot:
    """A token that meets all of the platform's baseline."""
    verified = {"issued_at": NOW - timedelta(days=60), "expires_at": NOW + timedelta(days=300)}
    fields: dict[str, Any] = {
        "facts": {
            "issuer.legalName": "Meridian GmbH",
            "metadata.assetType": "Warehouse receipt",
            "metadata.complianceStatus": "Compliant",
            "metadata.jurisdiction": "GLOBAL",
            "metadata.kycProvider": "Sumsub",
            "metadata.kycVerificationDate": NOW - timedelta(days=30),
            "metadata.network": "voimain-v1.0",
            "metadata.nextComplianceReview": NOW + timedelta(days=170),
            "metadata.requiresAccreditedInvestors": False,
            "metadata.verificationStatus": "Verified",
            "token.deploymentStatus": "Completed",
        },
        "tags": (Tag("GLOBAL", kind="global"),),
        "attestations": (
            attestation("kyc", attestation_type="KYC", **verified),
            attestation("aml", attestation_type="AML", **verified),
        ),
        "whitelist": WhitelistFacts(
            "Mandatory", (WhitelistEntryFact("WALLET1", kyc_verified=True, jurisdiction="DE"),)
        ),
        "deployment": DeploymentFacts("Completed", "d1"),
        "audit": AuditFacts(
            {
                "MetadataUpserted": AuditEventFact(1, NOW - timedelta(days=30)),
                "TokenDeployed": AuditEventFact(1, NOW - timedelta(days=20)),
            },
            chain_verified=True,
            detail="every sealed event was read again and gives the sealed root",
        ),
        "retention": {"compliance_audit_event": 7.0},
        "assumed": catalogue().assumed,
    }
    return Snapshot(**{**fields, **changes})


def _facts(**changes: Any) -> dict[str, Any]:
    """The facts of the baseline with changes; a None leaves the fact out."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    facts = {**baseline().facts, **named}
    return {path: value for path, value in facts.items() if value is not None}


def _offered(now: datetime, first_sale: date | None) -> Golden:
    """Offered to accredited investors: Form D is due 15 days after the first sale, if any."""
    return Golden(
        replace(
            baseline(
                facts=_facts(
                    metadata__jurisdiction="US",
                    offering__firstSaleDate=first_sale,
                )
            ),
            tags=(Tag("US", classification="FINANCIAL_INSTRUMENT", exemption="US_REG_D_506C"),),
        ),
        ("GLOBAL-BASELINE", "US-SEC"),
        now=now,
    )


def _expired() -> Snapshot:
    old = replace(baseline().attestations[0], expires_at=NOW - timedelta(seconds=1))
    return baseline(attestations=(old, baseline().attestations[1]))


_WAIVER = Waiver(
    requirement_key="base.kyc_attestation",
    expires_at=NOW + timedelta(days=90),
    approved=True,
    id="w1",
    reason="The provider changes in January",
)

_SALE = date(2026, 11, 2)


def _german(**more: Any) -> Snapshot:
    return baseline(facts=_facts(metadata__jurisdiction="DE"), tags=(Tag("DE", **more),))


MAKERS: dict[str, Callable[[], Golden]] = {
    "compliant": lambda: Golden(baseline()),
    "jurisdiction-de": lambda: Golden(_german(), ("GLOBAL-BASELINE", "EU-SECURITIES")),
    "classification-financial": lambda: Golden(
        _german(classification="FINANCIAL_INSTRUMENT"), ("GLOBAL-BASELINE", "EU-SECURITIES")
    ),
    "exemption-506c": lambda: _offered(NOW, None),
    "missing-fact": lambda: Golden(
        baseline(facts=_facts(metadata__nextComplianceReview=None, issuer__legalName=None))
    ),
    "expired-evidence": lambda: Golden(_expired()),
    "waiver": lambda: Golden(replace(_expired(), waivers=(_WAIVER,))),
    "deadline-last-day": lambda: _offered(datetime(2026, 11, 17, 23, 59, 59, tzinfo=UTC), _SALE),
    "deadline-next-day": lambda: _offered(datetime(2026, 11, 18, tzinfo=UTC), _SALE),
    "unknown-jurisdiction": lambda: Golden(
        baseline(
            facts=_facts(metadata__jurisdiction="Atlantis"),
            tags=(Tag("Atlantis", "unrecognized", source="Derived", recognized=False,
                      raw_text="Atlantis"),),
        )
    ),
    "mica-readiness": lambda: Golden(
        _german(classification="UTILITY", offering_kind="PUBLIC_OFFER"),
        ("GLOBAL-BASELINE", "EU-MICA"),
        report_type=ReportType.MICA_READINESS,
    ),
    "badge": lambda: Golden(_expired(), report_type=ReportType.COMPLIANCE_BADGE),
    "audit-trail": lambda: Golden(baseline(), report_type=ReportType.AUDIT_TRAIL),
}  # fmt: skip


@cache
def golden(name: str) -> tuple[Golden, Content]:
    """Return a golden token and the report on it as it is made now."""
    made = MAKERS[name]()
    material = Material(
        report_type=made.report_type,
        as_of=made.now,
        token=TOKEN,
        snapshot=made.snapshot,
        packs=active_packs(*made.packs),
        catalogue=catalogue(),
        changes=CHANGES,
    )
    return made, make_content(material)


def seal(content: Content) -> bytes:
    """Return the sealed file of a content with a fixed envelope."""
    unsigned = unsigned_bytes(
        content.text,
        digest=content.digest,
        generatedAt="2026-11-22T12:00:01Z",
        generatedBy="officer@example.org",
        keyId=current_key().key_id,
        reportId="0f7a1f4e-6f0e-4c55-9d2f-1c4f5f0f8b11",
        schemaVersion=content.schema_version,
    )
    return sealed_bytes(unsigned, base64.b64encode(sign(signed_message(unsigned))).decode())


def kept(name: str) -> dict[str, Any]:
    """Return the committed golden report."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return document
