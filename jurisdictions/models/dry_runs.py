"""Dry runs: what a draft of the rules would change, and the approval that rests on one.

A run is the job with its progress; its report is sealed and append-only. What the second person
approves is that report, and it names the draft by the digest of its content.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from jurisdictions.choices import DryRunState
from jurisdictions.models.rules import RulePack

UNFINISHED = (DryRunState.QUEUED, DryRunState.RUNNING)


class DryRun(models.Model):
    """One evaluation of every token by the rules in force and by those with a draft in its place.

    `moment` is the clock of all its evaluations. `position` is the last token that was evaluated:
    whatever stops a run, it goes on after it. `rules_stamp` tells whether the rules in force are
    still those that the draft was compared with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pack = models.ForeignKey(RulePack, on_delete=models.PROTECT, related_name="dry_runs")
    pack_digest = models.CharField("digest of the draft", max_length=64)
    rules_stamp = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=DryRunState, default=DryRunState.QUEUED)
    moment = models.DateTimeField("evaluated as of")
    total = models.PositiveIntegerField("tokens", default=0)
    done = models.PositiveIntegerField("tokens evaluated", default=0)
    flips = models.PositiveIntegerField("tokens that change status", default=0)
    shifts = models.PositiveIntegerField("tokens with other changed checks", default=0)
    position = models.BigIntegerField(default=0)
    requested_by = models.CharField(max_length=254)
    requested_by_id = models.CharField(max_length=36)
    created_at = models.DateTimeField("requested at", default=timezone.now)
    advanced_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "dry run"
        constraints = [
            models.UniqueConstraint(
                fields=["pack"], condition=Q(state__in=UNFINISHED), name="dry_run_one_unfinished"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DryRunState.values), name="dry_run_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="dry_run_created"),
            models.Index(
                fields=["advanced_at"], condition=Q(state__in=UNFINISHED), name="dry_run_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"Dry run of {self.pack}"

    @property
    def is_unfinished(self) -> bool:
        """Whether it still has tokens to evaluate, or its report to seal."""
        return self.state in UNFINISHED

    @property
    def percent(self) -> int:
        """How much of it is done, from 0 to 100."""
        if self.state == DryRunState.FINISHED:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0


class DryRunChange(models.Model):
    """A token whose status would change: from what, to what, and by which requirements.

    `checks` are objects with `key`, `viaTag`, `before` and `after`, each verdict with its severity;
    null where the rules have no such check.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(DryRun, on_delete=models.CASCADE, related_name="changes")
    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="+")
    before = models.CharField("from", max_length=20)
    after = models.CharField("to", max_length=20)
    checks = models.JSONField("decided by")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "change of status in a dry run"
        verbose_name_plural = "changes of status in dry runs"
        constraints = [
            models.UniqueConstraint(fields=["run", "token"], name="dry_run_change_unique")
        ]
        indexes = [
            models.Index(fields=["run", "-created_at", "-id"], name="dry_run_change_created")
        ]

    def __str__(self) -> str:
        return f"{self.token}: {self.before} to {self.after}"


class DryRunReport(models.Model):
    """The sealed report of a finished run; append-only.

    `document` is the sealed file to the byte, and `digest` the SHA-256 of the content in it.
    """

    run = models.OneToOneField(
        DryRun, on_delete=models.PROTECT, primary_key=True, related_name="report"
    )
    pack = models.ForeignKey(RulePack, on_delete=models.PROTECT, related_name="dry_run_reports")
    pack_digest = models.CharField("digest of the draft", max_length=64)
    document = models.TextField()
    digest = models.CharField(max_length=64, db_index=True)
    key_id = models.CharField(max_length=64)
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "dry-run report"

    def __str__(self) -> str:
        return f"Dry-run report {self.digest[:16]}"


class PackApproval(models.Model):
    """That a second person approved a version on the ground of a dry-run report; append-only.

    The database lets staff activate a version only where this row names the same person.
    """

    pack = models.OneToOneField(RulePack, on_delete=models.PROTECT, related_name="approval")
    report = models.ForeignKey(DryRunReport, on_delete=models.PROTECT, related_name="approvals")
    pack_digest = models.CharField("digest of the draft", max_length=64)
    approved_by = models.CharField(max_length=254)
    approved_by_id = models.CharField(max_length=36)
    approved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "approval of a rule pack"
        verbose_name_plural = "approvals of rule packs"

    def __str__(self) -> str:
        return f"{self.pack} by {self.approved_by}"
