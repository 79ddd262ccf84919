"""The golden reports on an issuer and on an issuance, made of the golden tokens."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from compliance.choices import ReportType
from compliance.reports.content import Content, Material, make_content
from compliance.reports.issuer_content import IssuerMaterial, make_issuer_content, make_section
from tests.compliance.golden_tokens import CHANGES, MAKERS, NOW, TOKEN, golden
from tests.jurisdictions.builders import active_packs, catalogue

PACKS = ("EU-SECURITIES", "GLOBAL-BASELINE")
ISSUER = {
    "id": "11111111-2222-4333-8444-555555555555",
    "legalName": "Meridian GmbH",
    "lei": None,
    "registrationNumber": "HRB 4711",
    "country": "DE",
}
ISSUANCE = {
    "id": "99999999-2222-4333-8444-555555555555",
    "status": "Completed",
    "origin": "Imported",
    "standard": "ASA_FT",
    "network": "voimain-v1.0",
    "transactionId": "QAHZTY5GWMHORSBLORQBRIVOZPKHYHK3FZ5WVP3XBCTVOSVFUINA",
    "confirmedRound": "5",
    "deployedBy": "VCMJKWOY5P5P7SKMZFFOCEROPJCZOTIJMNIYNUCKH7LRO45JMJP6UYBIJA",
    "issuedAt": "2026-11-02T12:00:00Z",
    "recordedAt": "2026-11-03T12:00:00Z",
    "recordedBy": "officer@example.org",
    "transitions": [
        {
            "from": None,
            "to": "Completed",
            "at": "2026-11-03T12:00:00Z",
            "actor": "officer@example.org",
            "reasonCode": "DEPLOYMENT_IMPORTED",
            "transactionId": "QAHZTY5GWMHORSBLORQBRIVOZPKHYHK3FZ5WVP3XBCTVOSVFUINA",
            "confirmedRound": "5",
        }
    ],
    "events": [],
}


def token_material(
    name: str, asset_id: str, report_type: ReportType, packs: tuple[str, ...] = PACKS
) -> Material:
    """Return a golden token under another asset id."""
    return Material(
        report_type=report_type,
        as_of=NOW,
        token={**TOKEN, "assetId": asset_id},
        snapshot=MAKERS[name]().snapshot,
        packs=active_packs(*packs),
        catalogue=catalogue(),
        changes=CHANGES,
    )


def issuer_content(
    report_type: ReportType, tokens: dict[str, str], *, reverse: bool = False
) -> Content:
    """Return the report on an issuer of golden tokens by asset id."""
    made = [
        make_section(token_material(name, asset, report_type)) for asset, name in tokens.items()
    ]
    material = IssuerMaterial(
        report_type=report_type,
        as_of=NOW,
        issuer=ISSUER,
        packs=active_packs(*PACKS),
        catalogue=catalogue(),
        changes=CHANGES,
    )
    return make_issuer_content(material, reversed(made) if reverse else made)


TOKENS = {"900": "compliant", "1000": "jurisdiction-de", "1001": "expired-evidence"}


def _issuance() -> Content:
    material = token_material("compliant", "12345", ReportType.FULL, ("GLOBAL-BASELINE",))
    subject: dict[str, Any] = {
        "kind": "Issuance",
        "issuerId": ISSUER["id"],
        "deploymentId": ISSUANCE["id"],
        "assetId": "12345",
        "network": "voimain-v1.0",
    }
    return make_content(replace(material, subject=subject, issuance=ISSUANCE))


SUBJECTS: dict[str, Callable[[], Content]] = {
    "issuer": lambda: issuer_content(ReportType.FULL, TOKENS),
    "issuer-badge": lambda: issuer_content(ReportType.COMPLIANCE_BADGE, TOKENS),
    "issuer-without-tokens": lambda: issuer_content(ReportType.FULL, {}),
    "issuance": _issuance,
}
NAMES = sorted({*MAKERS, *SUBJECTS})


@cache
def golden_content(name: str) -> Content:
    """Return a golden report as it is made now."""
    return SUBJECTS[name]() if name in SUBJECTS else golden.__wrapped__(name)[1]
