"""Writing and reading compliance metadata (seed 1, sections 1 to 4)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_token_writer
from accounts.selectors import require_unambiguous
from accounts.services import token_for_write
from audit.services import record_event
from compliance.choices import ComplianceStatus, VerificationStatus
from compliance.models import ComplianceMetadata
from compliance.network_rules import violations
from config.api.errors import DomainError, NotFound
from config.api.preconditions import require_match

DEFAULTS: Mapping[str, Any] = {
    "kyc_provider": None,
    "kyc_verification_date": None,
    "verification_status": VerificationStatus.PENDING,
    "jurisdiction": None,
    "regulatory_framework": None,
    "compliance_status": ComplianceStatus.UNDER_REVIEW,
    "last_compliance_review": None,
    "next_compliance_review": None,
    "asset_type": None,
    "transfer_restrictions": None,
    "max_holders": None,
    "requires_accredited_investors": False,
    "notes": None,
}
NOT_FOUND = "Compliance metadata not found for this asset"


class NetworkRuleViolated(DomainError):
    """The record would break rules of its network (400): the first is the message."""

    code: ClassVar[str] = "NETWORK_RULE_VIOLATION"


@transaction.atomic
def metadata_upsert(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    changes: Mapping[str, Any],
    if_match: str | None = None,
) -> ComplianceMetadata:
    """Create or change the metadata of a token; fields not in `changes` stay as they are.

    A value of None clears the field: text and dates to nothing, statuses and flags to their
    defaults. Raises `NetworkRuleViolated`, `PermissionRefused`, `AmbiguousAsset`,
    `PreconditionFailed`.
    """
    token = token_for_write(actor=actor, asset_id=asset_id, network=network)
    current = ComplianceMetadata.objects.filter(token=token).first()
    require_match(if_match, current.etag if current else None)
    wanted = {name: DEFAULTS[name] if value is None else value for name, value in changes.items()}
    after = {name: getattr(current, name) if current else DEFAULTS[name] for name in DEFAULTS}
    before = dict(after)
    after.update(wanted)
    _require_network_rules(token, after)
    changed = sorted(name for name in after if after[name] != before[name])
    if current is None:
        metadata = ComplianceMetadata(token=token, created_by=actor.label, **after)
        metadata.save(force_insert=True)
    else:
        metadata = _save_changes(actor, current, {name: after[name] for name in changed})
    record_event(
        "compliance.metadata.updated" if current else "compliance.metadata.created",
        actor=actor,
        **token.event_fields,
        reference_type="metadata",
        reference_id=str(metadata.pk),
        old_status=str(before["compliance_status"]) if current else None,
        new_status=str(after["compliance_status"]),
        old_verification_status=str(before["verification_status"]) if current else None,
        new_verification_status=str(after["verification_status"]),
        notes="Updated compliance metadata" if current else "Created compliance metadata",
        details={"fields": changed},
    )
    metadata.token = token
    return metadata


def _save_changes(
    actor: User, metadata: ComplianceMetadata, changed: Mapping[str, Any]
) -> ComplianceMetadata:
    if changed:
        for name, value in changed.items():
            setattr(metadata, name, value)
        metadata.updated_by = actor.label
        metadata.updated_at = timezone.now()
        metadata.version += 1
        metadata.save(update_fields=[*changed, "updated_by", "updated_at", "version"])
    return metadata


def _require_network_rules(token: Token, values: Mapping[str, Any]) -> None:
    broken = violations(token.network, values)
    if broken:
        details: dict[str, list[str]] = {}
        for violation in broken:
            details.setdefault(violation.field, []).append(violation.message)
        raise NetworkRuleViolated(broken[0].message, details=details)


@transaction.atomic
def metadata_delete(
    *, actor: User, asset_id: int, network: str | None, if_match: str | None = None
) -> None:
    """Delete the metadata of a token. The event log keeps its history.

    Raises `NotFound`, `AmbiguousAsset`, `PermissionRefused`, `PreconditionFailed`.
    """
    found = metadata_get(asset_id=asset_id, network=network)
    token = Token.objects.select_for_update().get(pk=found.token_id)
    require_token_writer(actor, token)
    metadata = ComplianceMetadata.objects.filter(token=token).first()
    if metadata is None:
        raise NotFound(NOT_FOUND)
    require_match(if_match, metadata.etag)
    reference = str(metadata.pk)
    old_status, old_verification = metadata.compliance_status, metadata.verification_status
    metadata.delete()
    record_event(
        "compliance.metadata.deleted",
        actor=actor,
        **token.event_fields,
        reference_type="metadata",
        reference_id=reference,
        old_status=old_status,
        old_verification_status=old_verification,
        notes="Deleted compliance metadata",
    )


def metadata_get(*, asset_id: int, network: str | None) -> ComplianceMetadata:
    """Return the metadata with its token, in one query. Raises `NotFound` and `AmbiguousAsset`."""
    rows = ComplianceMetadata.objects.select_related("token").filter(token__asset_id=asset_id)
    if network is not None:
        rows = rows.filter(token__network=network)
    found = list(rows.order_by("token__network")[:20])
    require_unambiguous([metadata.token for metadata in found])
    if not found:
        raise NotFound(NOT_FOUND)
    metadata: ComplianceMetadata = found[0]
    return metadata
