"""Writing attestations: creating them, and deciding about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.addresses import canonical_address
from accounts.models import Issuer, Token, User
from accounts.networks import canonical_network
from accounts.policies import require_officer
from accounts.services import token_for_evidence
from attestations.attributes import Attributes, attributes_problem
from attestations.choices import SubjectType, VerificationStatus
from attestations.kinds import canonical_type, is_known_type
from attestations.models import (
    Attestation,
    AttestationCredential,
    AttestationStatusChange,
)
from attestations.proofs import proof_problem
from attestations.selectors import ATTESTATION_NOT_FOUND
from attestations.transitions import NEEDS_REASON, TRANSITIONS
from audit.services import record_event
from config.api.errors import Conflict, DomainError, NotFound, NotVisible, ValidationFailed

_REQUIRED = "This field is required."
_EVENTS = {
    VerificationStatus.VERIFIED: "attestations.attestation.verified",
    VerificationStatus.FAILED: "attestations.attestation.failed",
    VerificationStatus.REVOKED: "attestations.attestation.revoked",
}


class OwnAttestation(DomainError):
    """Whoever created an attestation cannot decide about it (422)."""

    code: ClassVar[str] = "BUSINESS_RULE_VIOLATION"


class TransitionRefused(Conflict):
    """The attestation is not in a status from which this decision is possible (409)."""


@transaction.atomic
def attestation_create(
    *,
    actor: User,
    issuer_address: str,
    proof_hash: str,
    subject_type: str = SubjectType.WALLET,
    wallet_address: str = "",
    asset_id: int | None = None,
    issuer_id: UUID | None = None,
    proof_type: str = "",
    attestation_type: str = "",
    network: str = "",
    jurisdiction: str = "",
    regulatory_framework: str = "",
    expires_at: datetime | None = None,
    notes: str = "",
    attributes: Attributes | None = None,
) -> Attestation:
    """Record an attestation, Pending, and return it with its status (seed 1, section 9).

    The token is registered, unowned, where it is new. The wallet's address is checked where the
    network is named, the proof hash where its type is known; `issuer_address` is free text.
    Raises `ValidationFailed`; `AmbiguousAsset` where no network is named and several have the
    asset id; `NotVisible` for an issuer out of the actor's scope.
    """
    now = timezone.now()
    attributes = {} if attributes is None else attributes
    _require_subject(subject_type, wallet_address, asset_id, issuer_id)
    network = _checked("network", canonical_network, network) if network else ""
    if wallet_address and network:
        wallet_address = _checked(
            "walletAddress", lambda text: canonical_address(text, network), wallet_address
        )
    if problem := proof_problem(proof_hash, proof_type):
        raise _invalid("proofHash", problem)
    if expires_at is not None and expires_at <= now:
        raise _invalid("expiresAt", "Must lie in the future; nothing would be attested by it.")
    if problem := attributes_problem(attributes):
        raise _invalid("attributes", problem)
    token: Token | None = None
    issuer: Issuer | None = None
    if asset_id is not None:
        token = token_for_evidence(actor=actor, asset_id=asset_id, network=network or None)
    elif issuer_id is not None:
        issuer = _visible_issuer(actor, issuer_id)
    attestation = Attestation.objects.create(
        subject_type=subject_type,
        token=token,
        issuer=issuer,
        wallet_address=wallet_address,
        asset_id=asset_id,
        issuer_address=issuer_address,
        proof_hash=proof_hash,
        proof_type=proof_type,
        attestation_type=canonical_type(attestation_type),
        network=network,
        jurisdiction=jurisdiction,
        regulatory_framework=regulatory_framework,
        issued_at=now,
        expires_at=expires_at,
        notes=notes,
        attributes=dict(attributes),
        created_at=now,
        created_by=actor,
        created_by_label=actor.label,
    )
    record_event(
        "attestations.attestation.created",
        actor=actor,
        **attestation.event_fields,
        new_status=VerificationStatus.PENDING,
        details=event_details(attestation),
    )
    return Attestation.objects.with_status(now).get(pk=attestation.pk)


def attestation_verify(*, actor: User, attestation_id: UUID, reason: str = "") -> Attestation:
    """Confirm a Pending attestation that has not expired; return it with its status.

    Officers only, and never the creator. Raises `PermissionRefused`, `NotFound`,
    `OwnAttestation` and `TransitionRefused`.
    """
    return _decide(actor, attestation_id, VerificationStatus.VERIFIED, reason)


def attestation_fail(*, actor: User, attestation_id: UUID, reason: str) -> Attestation:
    """Reject a Pending attestation, for a reason; return it with its status.

    Officers only, and never the creator. Raises as `attestation_verify`, and `ValidationFailed`
    without a reason.
    """
    return _decide(actor, attestation_id, VerificationStatus.FAILED, reason)


def attestation_revoke(*, actor: User, attestation_id: UUID, reason: str) -> Attestation:
    """Withdraw a Pending or Verified attestation, for a reason; return it with its status.

    Officers only, and never the creator. Raises as `attestation_fail`.
    """
    return _decide(actor, attestation_id, VerificationStatus.REVOKED, reason)


@transaction.atomic
def _decide(
    actor: User, attestation_id: UUID, status: VerificationStatus, reason: str
) -> Attestation:
    require_officer(actor)
    reason = reason.strip()
    if status in NEEDS_REASON and not reason:
        raise _invalid("reason", _REQUIRED)
    attestation = (
        Attestation.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("token")
        .filter(pk=attestation_id)
        .first()
    )
    if attestation is None:
        raise NotFound(ATTESTATION_NOT_FOUND)
    if attestation.created_by_id == actor.pk:
        raise OwnAttestation("Somebody else than its creator must decide about an attestation.")
    now = timezone.now()
    before = _require_transition(attestation, status, now)
    AttestationStatusChange.objects.create(
        attestation=attestation,
        attestation_created_by_id=attestation.created_by_id,
        from_status=before,
        status=status,
        changed_at=now,
        changed_by=actor,
        changed_by_label=actor.label,
        reason=reason,
    )
    if status == VerificationStatus.VERIFIED:
        AttestationCredential.objects.create(attestation=attestation, issued_at=now)
    record_event(
        _EVENTS[status],
        actor=actor,
        **attestation.event_fields,
        old_status=before,
        new_status=status,
        details=event_details(attestation),
    )
    return Attestation.objects.with_status(now).get(pk=attestation.pk)


def _require_transition(
    attestation: Attestation, status: VerificationStatus, now: datetime
) -> VerificationStatus:
    # Read by a statement of its own: the one that waited for the lock still sees what was there
    # before it waited.
    last = attestation.status_changes.order_by("-pk").values_list("status", flat=True).first()
    before = VerificationStatus(last or VerificationStatus.PENDING)
    if (before, status) not in TRANSITIONS:
        raise TransitionRefused(f"An attestation that is {before} cannot become {status}.")
    if status == VerificationStatus.VERIFIED and attestation.is_expired(now):
        raise TransitionRefused("An attestation that has expired cannot be verified.")
    return before


def _require_subject(
    subject_type: str, wallet_address: str, asset_id: int | None, issuer_id: UUID | None
) -> None:
    given: Mapping[str, bool] = {
        "walletAddress": bool(wallet_address),
        "assetId": asset_id is not None,
        "issuerId": issuer_id is not None,
    }
    wanted = _SUBJECT_FIELDS[SubjectType(subject_type)]
    problems = {
        name: [_REQUIRED if name in wanted else f"Not allowed for the subject {subject_type}."]
        for name, is_given in given.items()
        if is_given != (name in wanted)
    }
    if problems:
        name, messages = next(iter(problems.items()))
        raise ValidationFailed(f"{name}: {messages[0]}", details=problems)


_SUBJECT_FIELDS = {
    SubjectType.WALLET: frozenset({"walletAddress", "assetId"}),
    SubjectType.TOKEN: frozenset({"assetId"}),
    SubjectType.ISSUER: frozenset({"issuerId"}),
}


def _visible_issuer(actor: User, issuer_id: UUID) -> Issuer:
    issuer = Issuer.objects.visible_to(actor).filter(pk=issuer_id).first()
    if issuer is None:
        raise NotVisible("There is no such issuer.")
    return issuer


def _checked(name: str, canonical: Any, text: str) -> str:
    try:
        return str(canonical(text))
    except ValueError as problem:
        raise _invalid(name, str(problem)) from None


def _invalid(name: str, problem: str) -> ValidationFailed:
    return ValidationFailed(f"{name}: {problem}", details={name: [problem]})


def event_details(attestation: Attestation) -> dict[str, Any]:
    """Return the details of an event about it, without its free text."""
    # The type is free text; only a name of the catalogue may enter the log.
    details: dict[str, Any] = {"subjectType": str(attestation.subject_type)}
    if is_known_type(attestation.attestation_type):
        details["attestationType"] = attestation.attestation_type
    return details
