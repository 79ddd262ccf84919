"""Finding attestations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Token
from attestations.choices import SubjectType
from attestations.models import Attestation
from attestations.querysets import AttestationQuerySet
from audit.principal import Principal
from config.api.errors import NotFound

ATTESTATION_NOT_FOUND = "Attestation not found."


@dataclass(frozen=True, slots=True)
class AttestationValues:
    """One attestation as the rules see it.

    `status` is the last decision (Pending, Verified, Failed or Revoked): expiry is left to the
    rules, since it depends on the moment for which they are asked. `subject_type` is in lower
    case; `subject` is a wallet's address, an asset id or an issuer's id.
    """

    id: UUID
    subject_type: str
    subject: str
    attestation_type: str
    status: str
    created_by_id: UUID
    verified_by_id: UUID | None
    issued_at: datetime
    verified_at: datetime | None
    expires_at: datetime | None
    attributes: Mapping[str, Any]
    proof_hash: str


def attestations_visible(*, actor: Principal, now: datetime) -> AttestationQuerySet:
    """Return the attestations that `actor` sees, with their status at `now`."""
    return Attestation.objects.visible_to(actor).with_status(now)


def attestation_get(
    *, actor: Principal, attestation_id: UUID, now: datetime, credential: bool = False
) -> Attestation:
    """Return one attestation with its status at `now` and its token, or raise `NotFound`.

    With `credential`, its place in the status lists comes along.
    """
    attestation = (
        attestations_visible(actor=actor, now=now)
        .select_related("token", *(["credential"] if credential else []))
        .filter(pk=attestation_id)
        .first()
    )
    if attestation is None:
        raise NotFound(ATTESTATION_NOT_FOUND)
    return attestation


def attestations_for_token(
    *, token: Token, as_of: datetime | None = None
) -> list[AttestationValues]:
    """Return what is attested about the token, its holders and its issuer, oldest first.

    One query. Nothing is left out because of its time: a clock that is a little behind must not
    make a status that misses committed evidence. With `as_of`, what was recorded by that moment
    with the decisions made by then.
    """
    about = Q(token=token)
    if token.issuer_id is not None:
        about |= Q(issuer_id=token.issuer_id)
    attestations: QuerySet[Any] = Attestation.objects.with_decisions(as_of)
    if as_of is not None:
        about &= Q(created_at__lte=as_of)
    rows = (
        attestations.filter(about)
        .order_by("issued_at", "id")
        .values_list(
            "id",
            "subject_type",
            "wallet_address",
            "asset_id",
            "issuer_id",
            "attestation_type",
            "decided_status",
            "created_by_id",
            "verified_by_id",
            "issued_at",
            "verified_at",
            "expires_at",
            "attributes",
            "proof_hash",
        )
    )
    return [
        AttestationValues(id_, kind.lower(), _subject(kind, wallet, asset_id, issuer_id), *others)
        for id_, kind, wallet, asset_id, issuer_id, *others in rows
    ]


def _subject(kind: str, wallet: str, asset_id: int | None, issuer_id: UUID | None) -> str:
    if kind == SubjectType.ISSUER:
        return str(issuer_id)
    return wallet if kind == SubjectType.WALLET else str(asset_id)
