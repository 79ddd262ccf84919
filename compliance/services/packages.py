"""Attestation packages: made, sealed, stored, and checked when one comes back (seed 1, 14)."""

import base64
import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import transaction
from django.utils import timezone

from accounts.models import Token
from accounts.selectors import token_get_visible
from audit.body import canonical
from audit.principal import Principal
from audit.services import record_event
from audit.signing import current_key, public_keys, sign
from compliance.choices import PackageFormat
from compliance.models import AttestationPackage, ComplianceMetadata
from compliance.packages.content import Period, attestations_of, package_content, parsed
from compliance.packages.seal import envelope, inspect, signed_message
from compliance.reports.seal import Inspection
from compliance.services.metadata import NOT_FOUND
from compliance.services.status import status_get
from config.api.errors import DomainError, NotFound, NotVisible, ValidationFailed
from config.api.formats import utc_text
from config.observability.metrics import EXPORTED_ROWS

logger = logging.getLogger("assayer.reports")

MAX_ATTESTATIONS = 20_000
MAX_BYTES = 15_000_000  # what can be uploaded again to be checked
_VIEW = "attestation-package"


class PackageTooLarge(DomainError):
    """The period holds more attestations than one package takes (422)."""


@transaction.atomic
def package_generate(
    *,
    actor: Principal,
    asset_id: int,
    network: str | None = None,
    period_from: datetime | None = None,
    period_to: datetime | None = None,
    form: PackageFormat = PackageFormat.JSON,
) -> AttestationPackage:
    """Make, sign and store a package on a token that `actor` sees, and record the export.

    It holds all attestations about the token that were issued in the period. Raises `NotFound`
    without a token or without its metadata, `NotVisible`, `AmbiguousAsset`, `ValidationFailed` for
    an inverted period, and `PackageTooLarge`.
    """
    if period_from is not None and period_to is not None and period_from > period_to:
        message = "fromDate must not be later than toDate."
        raise ValidationFailed(message, details={"toDate": [message]})
    now = timezone.now()
    period = Period(period_from, period_to)
    metadata = _metadata(token_get_visible(actor=actor, asset_id=asset_id, network=network))
    token = metadata.token
    status = orjson.loads(status_get(asset_id=asset_id, network=token.network).payload)
    _require_few(attestations_of(token, period).count())
    content = package_content(metadata, status, period, now)
    package = _sealed(token, period, content, now)
    package.created_by = actor.label
    package.save(force_insert=True)
    _record(
        "generated",
        actor,
        package,
        form,
        **{"from": content["dateRange"]["from"], "to": content["dateRange"]["to"]},
    )
    EXPORTED_ROWS.labels(_VIEW, str(form)).inc(package.attestation_count)
    logger.info(
        "attestation package generated",
        extra={"package": str(package.pk), "format": str(form), "bytes": len(package.content)},
    )
    return package


def _metadata(token: Token) -> ComplianceMetadata:
    rows = ComplianceMetadata.objects.select_related("token__issuer")
    metadata: ComplianceMetadata | None = rows.filter(token=token).first()
    if metadata is None:
        raise NotFound(NOT_FOUND)
    return metadata


def _require_few(count: int) -> None:
    if count > MAX_ATTESTATIONS:
        raise PackageTooLarge(
            f"The period holds {count:,} attestations and a package at most "
            f"{MAX_ATTESTATIONS:,}: narrow it with fromDate and toDate."
        )


def _sealed(
    token: Token, period: Period, content: dict[str, Any], now: datetime
) -> AttestationPackage:
    text = canonical(content)
    if len(text) > MAX_BYTES:
        raise PackageTooLarge(
            f"The package has {len(text):,} bytes and may have {MAX_BYTES:,}: narrow it with "
            "fromDate and toDate."
        )
    key = current_key()
    package = AttestationPackage(
        pk=uuid4(),
        token=token,
        period_from=period.since,
        period_to=period.until,
        attestation_count=content["attestationCount"],
        content=text.decode(),
        content_hash=sha256(text).hexdigest(),
        key_id=key.key_id,
        public_key=base64.b64encode(key.raw).decode(),
        created_at=now,
    )
    package.signature = base64.b64encode(sign(signed_message(_volatile(package)))).decode()
    return package


def _volatile(package: AttestationPackage) -> dict[str, Any]:
    return envelope(
        package_id=str(package.pk),
        generated_at=utc_text(package.created_at),
        content_hash=package.content_hash,
        key_id=package.key_id,
        public_key=package.public_key,
    )


def package_document(package: AttestationPackage, *, limit: int | None = None) -> dict[str, Any]:
    """Return a stored package, with all of its attestations or the newest `limit`."""
    content, volatile = parsed(package.content), _volatile(package)
    volatile["signature"]["signatureValue"] = package.signature
    return {**volatile, **content, "attestations": content["attestations"][:limit]}


@transaction.atomic
def package_read(
    *, actor: Principal, package_id: UUID, form: PackageFormat = PackageFormat.JSON
) -> AttestationPackage:
    """Return a stored package and record that it was read. Raises `NotFound`, `NotVisible`."""
    packages = AttestationPackage.objects.select_related("token")
    package: AttestationPackage | None = packages.visible_to(actor).filter(pk=package_id).first()
    if package is None:
        exists = AttestationPackage.objects.filter(pk=package_id).exists()
        raise (NotVisible if exists else NotFound)("Package not found or access denied")
    _record("read", actor, package, form)
    return package


@dataclass(frozen=True, slots=True)
class PackageVerification:
    """What holds of an uploaded package, and whether this very package is stored here."""

    inspection: Inspection
    stored_here: bool


@transaction.atomic
def package_verify(*, actor: Principal, raw: bytes, document: Any) -> PackageVerification:
    """Check an uploaded package against the keys of this service, and record that it was checked.

    Nothing in the file is trusted; what is stored counts only where it has the same hash and seal.
    """
    inspection = inspect(raw, document, public_keys())
    stored = _stored(inspection)
    record_event(
        "compliance.package.verified",
        actor=actor,
        **(stored.token.event_fields if stored else {}),
        reference_type="package" if stored else None,
        reference_id=str(stored.pk) if stored else None,
        details={
            "valid": inspection.holds,
            "failed": [finding.name for finding in inspection.findings if not finding.holds],
        },
    )
    return PackageVerification(inspection, stored is not None)


def _stored(inspection: Inspection) -> AttestationPackage | None:
    if not inspection.holds:
        return None
    try:
        package_id = UUID(inspection.report_id)
    except ValueError:
        return None
    found: AttestationPackage | None = (
        AttestationPackage.objects.select_related("token")
        .filter(pk=package_id, content_hash=inspection.digest, signature=inspection.signature)
        .first()
    )
    return found


def _record(
    what: str, actor: Principal, package: AttestationPackage, form: PackageFormat, **more: Any
) -> None:
    record_event(
        f"compliance.package.{what}",
        actor=actor,
        **package.token.event_fields,
        reference_type="package",
        reference_id=str(package.pk),
        item_count=package.attestation_count,
        details={
            "format": str(form),
            "contentHash": package.content_hash,
            "keyId": package.key_id,
            **more,
        },
    )
