"""How a token was issued, and every step on the way."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.networks import NAME_MAX_LENGTH
from deployments.choices import DeploymentStatus, Origin
from deployments.querysets import DeploymentQuerySet
from deployments.transactions import MAX_LENGTH


class Deployment(models.Model):
    """One issuance of a token. At most one of a token is Completed.

    An imported one has its token from the start; one of the pipeline gets it when it is Completed.
    `created_at` is when it was recorded here, `completed_at` when the token was issued; of an
    imported one the latter comes first. `deployed_by` is the address that sends the transaction.

    `parameters` are those of `deployments.standards`; `error` is the failure that it is in.
    Whoever works on it holds the `lease` until `lease_until`; nobody looks at it before
    `next_step_at`, and never where that is null. `faults` counts what went wrong on the way since
    something last went well.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(
        Token, on_delete=models.PROTECT, null=True, related_name="deployments"
    )
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    network = models.CharField(max_length=NAME_MAX_LENGTH)
    standard = models.CharField(max_length=30)
    name = models.CharField(max_length=200, blank=True)
    symbol = models.CharField(max_length=50, blank=True)
    parameters: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    compliance_metadata: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    status = models.CharField(max_length=9, choices=DeploymentStatus)
    origin = models.CharField(max_length=8, choices=Origin)
    transaction_id = models.CharField(max_length=MAX_LENGTH, null=True, blank=True)
    confirmed_round = models.BigIntegerField(null=True, blank=True)
    asset_identifier = models.CharField(max_length=100, null=True, blank=True)
    deployed_by = models.CharField(max_length=100, blank=True)
    error: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    next_step_at = models.DateTimeField(null=True, editable=False)
    faults = models.PositiveSmallIntegerField(default=0, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="deployment_created"),
            models.Index(fields=["issuer", "-created_at", "-id"], name="deployment_issuer"),
            models.Index(
                fields=["next_step_at"],
                name="deployment_next_step",
                condition=Q(next_step_at__isnull=False),
            ),
        ]
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
                    Q(token__isnull=False)
                    & Q(transaction_id__isnull=False)
                    & Q(confirmed_round__isnull=False)
                    & Q(completed_at__isnull=False)
                ),
                name="deployment_completed_is_proven",
            ),
        ]

    def __str__(self) -> str:
        subject = self.token or self.name or self.network
        return f"{self.standard} deployment of {subject}: {self.status}"

    @property
    def the_token(self) -> Token:
        """The token; there is one once the deployment is Completed."""
        if self.token is None:
            raise ValueError("a deployment has no token before it is Completed")
        return self.token


class DeploymentTransaction(models.Model):
    """A transaction that was signed for a deployment: kept before it is sent, and afterwards.

    `signed` are the bytes as they are sent, again and again until something is known of them.
    `dead_at` is when it was proven that they have no effect and never can: nothing else is signed
    for the deployment before, but for one of the same nonce, of which only one can land; the
    other is `replaced_at` that moment, and looked for all the same.
    """

    id = models.BigAutoField(primary_key=True)
    deployment = models.ForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="transactions"
    )
    network = models.CharField(max_length=NAME_MAX_LENGTH)
    transaction_id = models.CharField(max_length=MAX_LENGTH)
    sender = models.CharField(max_length=100)
    signed = models.BinaryField()
    key = models.BinaryField()
    valid_from = models.BigIntegerField(null=True)
    valid_until = models.BigIntegerField(null=True)
    nonce = models.BigIntegerField(null=True)
    prepared_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "signed transaction"
        constraints = [
            models.UniqueConstraint(
                fields=["network", "transaction_id"], name="deployment_transaction_unique"
            ),
            models.UniqueConstraint(
                fields=["network", "sender", "nonce"],
                condition=Q(nonce__isnull=False, replaced_at__isnull=True, dead_at__isnull=True),
                name="deployment_transaction_nonce",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} on {self.network}"


class DeploymentTransition(models.Model):
    """One change of a deployment's status; append-only. The first has no `from_status`.

    `occurred_at` is when the change was recorded, and `actor` who or what recorded it;
    `duration_ms` how long the deployment was in the status before. `error` is a failure as
    `deployments.failures` keeps it, `checks` what was checked on the way, each with its outcome.
    """

    id = models.BigAutoField(primary_key=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="transitions")
    from_status = models.CharField(max_length=9, choices=DeploymentStatus, null=True)
    to_status = models.CharField(max_length=9, choices=DeploymentStatus)
    occurred_at = models.DateTimeField()
    actor = models.CharField(max_length=254)
    reason_code = models.CharField(max_length=40)
    message = models.CharField(max_length=500, null=True)
    transaction_id = models.CharField(max_length=MAX_LENGTH, null=True, blank=True)
    confirmed_round = models.BigIntegerField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    error: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    checks: "models.JSONField[Any, Any]" = models.JSONField(null=True)

    class Meta:
        verbose_name = "transition"
        indexes = [models.Index(fields=["deployment", "id"], name="transition_of")]
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
