"""Issuing: the credential of a Verified attestation, and the status lists that revoke it."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attestations.choices import VerificationStatus
from attestations.credentials import LIST_SIZE, credential, secured, status_list_credential
from attestations.kinds import is_known_type
from attestations.models import Attestation, AttestationCredential
from attestations.proofs import is_checked
from attestations.selectors import attestation_get
from audit.body import number
from audit.principal import Principal
from audit.services import record_event
from audit.signing import current_key, sign
from config.api.errors import Conflict, NotFound

STATUS_LISTS = "/.well-known/assayer-status-lists"


@transaction.atomic
def credential_read(*, actor: Principal, attestation_id: UUID, base_url: str) -> dict[str, Any]:
    """Return the credential of a Verified attestation, signed, and record that it was read.

    `base_url` is where the status lists are published. Raises `NotFound`, and `Conflict` for an
    attestation that is not Verified at this moment: nothing would vouch for it.
    """
    attestation = attestation_get(
        actor=actor, attestation_id=attestation_id, now=timezone.now(), credential=True
    )
    row: AttestationCredential | None = getattr(attestation, "credential", None)
    status = attestation.verification_status  # type: ignore[attr-defined] # annotated
    if status != VerificationStatus.VERIFIED or row is None:
        raise Conflict(f"An attestation that is {status} has no credential; only a Verified one.")
    document = credential(
        attestation_id=str(attestation.pk),
        subject=_subject(attestation),
        valid_from=row.issued_at,
        valid_until=attestation.expires_at,
        status_list=_list_url(base_url, row.list_number),
        status_index=row.list_index,
    )
    key = current_key()
    record_event("attestations.credential.read", actor=actor, **attestation.event_fields)
    return secured(document, key=key, created=row.issued_at, sign=sign)


def status_list(*, list_number: int, base_url: str) -> dict[str, Any]:
    """Return a status list as it stands, signed. The first always exists; raises `NotFound`."""
    first = (list_number - 1) * LIST_SIZE + 1
    rows = AttestationCredential.objects.filter(pk__gte=first)
    if list_number > 1 and not rows.exists():
        raise NotFound("There is no such status list.")
    revoked: list[tuple[int, datetime]] = list(
        rows.filter(
            pk__lt=first + LIST_SIZE,
            attestation__status_changes__status=VerificationStatus.REVOKED,
        )
        .order_by("pk")
        .values_list("pk", "attestation__status_changes__changed_at")
    )
    changed_at = max((moment for _, moment in revoked), default=None)
    document = status_list_credential(
        url=_list_url(base_url, list_number),
        revoked=[pk - first for pk, _ in revoked],
        changed_at=changed_at,
    )
    return secured(document, key=current_key(), created=changed_at, sign=sign)


def _list_url(base_url: str, list_number: int) -> str:
    return f"{base_url}{STATUS_LISTS}/{list_number}"


def _subject(attestation: Attestation) -> dict[str, Any]:
    """Return references and hashes: what may be free text is there as its SHA-256 alone."""
    return {
        "type": "Attestation",
        "subjectType": str(attestation.subject_type),
        **_text(
            "attestationType",
            attestation.attestation_type,
            plain=is_known_type(attestation.attestation_type),
        ),
        # The address was checked where the network is named.
        **_text("walletAddress", attestation.wallet_address, plain=bool(attestation.network)),
        **({"network": attestation.network} if attestation.network else {}),
        **({} if attestation.asset_id is None else {"assetId": number(attestation.asset_id)}),
        **({"issuerId": str(attestation.issuer_id)} if attestation.issuer_id else {}),
        **_text("proofHash", attestation.proof_hash, plain=is_checked(attestation.proof_type)),
        **({"proofType": attestation.proof_type} if is_checked(attestation.proof_type) else {}),
    }


def _text(name: str, text: str, *, plain: bool) -> dict[str, str]:
    if not text:
        return {}
    if plain:
        return {name: text}
    return {f"{name}Sha256": sha256(text.encode()).hexdigest()}
