"""How a token was issued, and every step on the way."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from accounts.networks import NAME_MAX_LENGTH
from deployments.choices import DeploymentStatus, Origin
from deployments.querysets import DeploymentQuerySet
from deployments.transactions import MAX_LENGTH


class Deployment(models.Model):
    """One issuance of a token. At most one of a token is Completed.

    `created_at` is when it was recorded here, `completed_at` when the token was issued; of an
    imported one the latter comes first. `deployed_by` is the address that sent the transaction.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="deployments")
    network = models.CharField(max_length=NAME_MAX_LENGTH)
    standard = models.CharField(max_length=30)
    status = models.CharField(max_length=9, choices=DeploymentStatus)
    origin = models.CharField(max_length=8, choices=Origin)
    transaction_id = models.CharField(max_length=MAX_LENGTH, null=True, blank=True)
    confirmed_round = models.BigIntegerField(null=True, blank=True)
    deployed_by = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token"],
                condition=Q(status="Completed"),
                name="deployment_completed_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeploymentStatus.values), name="deployment_status_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=Origin.values), name="deployment_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_round__isnull=True) | Q(confirmed_round__gte=1),
                name="deployment_round_positive",
            ),
            models.CheckConstraint(
                condition=~Q(status="Completed")
                | (
                    Q(transaction_id__isnull=False)
                    & Q(confirmed_round__isnull=False)
                    & Q(completed_at__isnull=False)
                ),
                name="deployment_completed_is_proven",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.standard} deployment of {self.token}: {self.status}"


class DeploymentTransition(models.Model):
    """One change of a deployment's status; append-only. The first has no `from_status`.

    `occurred_at` is when the change was recorded, and `actor` who or what recorded it.
    """

    id = models.BigAutoField(primary_key=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="transitions")
    from_status = models.CharField(max_length=9, choices=DeploymentStatus, null=True)
    to_status = models.CharField(max_length=9, choices=DeploymentStatus)
    occurred_at = models.DateTimeField()
    actor = models.CharField(max_length=254)
    reason_code = models.CharField(max_length=40)
    transaction_id = models.CharField(max_length=MAX_LENGTH, null=True, blank=True)
    confirmed_round = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = "transition"
        constraints = [
            models.CheckConstraint(
                condition=Q(to_status__in=DeploymentStatus.values)
                & (Q(from_status__isnull=True) | Q(from_status__in=DeploymentStatus.values)),
                name="transition_statuses_known",
            ),
            models.CheckConstraint(
                condition=Q(from_status__isnull=True) | ~Q(from_status=models.F("to_status")),
                name="transition_changes_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} to {self.to_status}"
