"""What of attestations a principal sees, and the status that they have at a moment."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, F, FilteredRelation, Q, Value, When
from django.db.models.functions import Coalesce

from attestations.choices import VerificationStatus
from audit.principal import Principal

if TYPE_CHECKING:
    from attestations.models import Attestation  # noqa: F401 - in a string

_S = VerificationStatus


class AttestationQuerySet(models.QuerySet["Attestation"]):
    """Attestations."""

    def visible_to(self, actor: Principal) -> "AttestationQuerySet":
        """Return all: everyone who signed in reads attestations (seed 1, section 10)."""
        return self

    def with_decisions(self, as_of: datetime | None = None) -> "AttestationQuerySet":
        """Join the change that left Pending as `decision`, and the one that left Verified as
        `revocation`; there is at most one of each. With `as_of`: those made by that moment.
        """
        made = Q() if as_of is None else Q(status_changes__changed_at__lte=as_of)
        return self.alias(
            decision=FilteredRelation(
                "status_changes", condition=Q(status_changes__from_status=_S.PENDING) & made
            ),
            revocation=FilteredRelation(
                "status_changes", condition=Q(status_changes__from_status=_S.VERIFIED) & made
            ),
        ).annotate(
            decided_status=Coalesce(
                F("revocation__status"), F("decision__status"), Value(str(_S.PENDING))
            ),
            verified_at=_where_verified("changed_at"),
            verified_by_id=_where_verified("changed_by_id"),
        )

    def with_status(self, now: datetime) -> "AttestationQuerySet":
        """Annotate what became of each attestation by `now`, in the same query.

        `verification_status`: the latest decision, else Pending; Expired where the time of a
        Pending or Verified one has run out. `verified_at` and `verifier_label`: of its
        verification, also after a revocation. `updated_at`, `updated_by_label` and
        `status_reason`: of the latest decision. All but the status are None where there is none.
        """
        expirable = Q(decided_status__in=[_S.PENDING, _S.VERIFIED], expires_at__lte=now)
        return self.with_decisions().annotate(
            verification_status=Case(
                When(expirable, then=Value(str(_S.EXPIRED))),
                default=F("decided_status"),
                output_field=models.CharField(),
            ),
            verifier_label=_where_verified("changed_by_label"),
            updated_at=Coalesce(F("revocation__changed_at"), F("decision__changed_at")),
            updated_by_label=Coalesce(
                F("revocation__changed_by_label"), F("decision__changed_by_label")
            ),
            status_reason=Coalesce(F("revocation__reason"), F("decision__reason")),
        )


def _where_verified(column: str) -> Case:
    return Case(When(decision__status=_S.VERIFIED, then=F(f"decision__{column}")))
