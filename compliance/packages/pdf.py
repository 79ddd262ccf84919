"""An attestation package as a PDF for people to read and file. Pure; the same bytes every time."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reportlab.platypus import Flowable, KeepTogether, Paragraph, Spacer

from compliance.reports.pdf_layout import (
    FAINT,
    STATUS_INK,
    TITLE,
    bold,
    bullets,
    document_bytes,
    safe,
    section,
    table,
)

ATTESTATIONS_SHOWN = 1_000
_WIDE = (45, 129)


def pdf_bytes(package: Mapping[str, Any]) -> bytes:
    """Return the PDF of a whole package."""
    title = f"Attestation package of asset {package['tokenId']}"
    return document_bytes(
        [Paragraph(safe(title), TITLE), *_story(package)],
        title=title,
        subject=f"Package {package['packageId']}",
        footer=f"Package {package['packageId']}, SHA-256 {package['contentHash'][:16]}...",
        generated_at=package["generatedAt"],
    )


def _story(package: Mapping[str, Any]) -> list[Flowable]:
    return [
        *_summary(package),
        *section("Compliance status", _status(package["complianceStatus"])),
        *section("Compliance metadata", [_rows(package["complianceMetadata"])]),
        *section("Whitelist policy", [_rows(package["whitelistPolicy"])]),
        *_attestations(package["attestations"]),
        *_seal(package),
    ]


def _summary(package: Mapping[str, Any]) -> list[Flowable]:
    token, issuer, period = package["token"], package["issuer"] or {}, package["dateRange"]
    verified = ", ownership verified" if issuer.get("ownershipVerified") else ", not verified"
    named = issuer.get("legalName") or issuer.get("id")
    rows = [
        ("Token", _words(token["name"], token["unitName"])),
        ("Asset id, network", safe(f"{token['assetId']}, {package['network'] or '-'}")),
        ("Supply, decimals", safe(f"{_shown(token['total'])}, {_shown(token['decimals'])}")),
        ("Creator", safe(_shown(token["creator"]))),
        ("Standard, contract", _words(token["standard"], token["contractAddress"])),
        ("Issuer", safe(f"{named}{verified}" if named else "none")),
        ("LEI, country", safe(f"{issuer.get('lei') or '-'}, {issuer.get('country') or '-'}")),
        ("Issued from, to", safe(f"{period['from'] or 'ever'} to {period['to'] or 'now'}")),
        ("Generated", safe(package["generatedAt"])),
    ]
    return [table(rows, _WIDE)]


def _status(status: Mapping[str, Any]) -> list[Flowable]:
    computed = status["computedStatus"]
    counts = ", ".join(f"{n} {verdict}" for verdict, n in status["computedCounts"].items() if n)
    packs = ", ".join(f"{one['id']} {one['version']}" for one in status["rulePacks"])
    rows = [
        ("By the rules", bold(computed, STATUS_INK.get(computed, FAINT)) + f" ({safe(counts)})"),
        ("Rule packs", safe(packs or "none")),
        ("Declared by the issuer", safe(status["status"])),
        ("Verification, as declared", safe(status["verificationStatus"])),
        (
            "Last, next review",
            safe(f"{status['lastReviewDate'] or '-'}, {status['nextReviewDate'] or '-'}"),
        ),
    ]
    deciding = [
        safe(f"{one['verdict']}: {one['key']} ({one['jurisdiction']})")
        for one in status["computedRationale"]
    ]
    return [table(rows, _WIDE), *bullets(deciding, "No check decided it.")]


def _attestations(attestations: Sequence[Mapping[str, Any]]) -> list[Flowable]:
    rows = [("Type and status", "Subject and attester", "Proof", "Issued, valid until")]
    rows += [
        (
            f"<b>{safe(one['attestationType'] or 'Attestation')}</b><br/>"
            + safe(one["verificationStatus"]),
            f"{safe(one['walletAddress'] or 'the token')}<br/>{safe(one['issuerAddress'])}",
            f"{safe(one['proofHash'])}<br/>{safe(one['proofType'] or '')}",
            f"{safe(one['issuedAt'])}<br/>{safe(one['expiresAt'] or 'without end')}"
            f"<br/><font size='6'>{safe(one['id'])}</font>",
        )
        for one in attestations[:ATTESTATIONS_SHOWN]
    ]
    title = f"Attestations: {len(attestations)}"
    if not attestations:
        return section(title, bullets(["None were issued in this time."], ""))
    story = section(title, [table(rows, (28, 54, 45, 47), head=True)])
    if len(attestations) > ATTESTATIONS_SHOWN:
        note = f"The newest {ATTESTATIONS_SHOWN:,} are shown; the JSON has all of them."
        story += bullets([note], "")
    return story


def _seal(package: Mapping[str, Any]) -> list[Flowable]:
    signature = package["signature"]
    rows = [
        ("Package", package["packageId"]),
        ("SHA-256 of the content", package["contentHash"]),
        (f"Signature ({signature['algorithm']})", signature["signatureValue"]),
        ("Public key", signature["publicKey"]),
        ("Key", signature["keyId"]),
        ("Signed", signature["signedAt"]),
    ]
    how = [
        "This PDF is a view. The signed package is its JSON, "
        f"GET /api/v1/compliance/attestation-packages/{package['packageId']}.",
        "The public keys are at /.well-known/assayer-keys.json of the service. Ten lines of Python "
        "check the package without it (docs/evidence.md); POST "
        "/api/v1/compliance/attestation-packages/verify checks it with it.",
    ]
    seal = table(
        [(name, f'<font face="Courier">{safe(text)}</font>') for name, text in rows], _WIDE
    )
    return [
        KeepTogether([*section("The seal, and how to check it", [seal]), Spacer(1, 4)]),
        *bullets([safe(text) for text in how], ""),
    ]


def _rows(values: Mapping[str, Any]) -> Flowable:
    rows = [(safe(_label(name)), safe(_shown(value))) for name, value in values.items()]
    return table(rows, _WIDE)


def _label(name: str) -> str:
    """Return `totalWhitelisted` as `Total whitelisted`."""
    return re.sub(r"([A-Z])", r" \1", name).capitalize()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _words(*texts: str | None) -> str:
    return safe(", ".join(filter(None, texts)) or "-")
