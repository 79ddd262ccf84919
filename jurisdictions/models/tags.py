"""Explicit jurisdiction tags of tokens and issuers (reference/regulation.md, sections 8 and 9).

Derived tags are not stored: `jurisdictions.tags` computes them from the text that they come from.
"""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Issuer, Token
from jurisdictions.querysets import IssuerJurisdictionQuerySet, TokenJurisdictionQuerySet


class ExplicitTag(models.Model):
    """A jurisdiction that somebody named, and what the subject legally is there.

    `code` is a code of the directory; where the text could not be read as one, `recognized` is
    false and `code` is that text as spellings are compared. `raw_text` is what was written.
    The words of roles, classification, offering kind and exemption are those of the facts
    catalogue. `lock_version` grows by one with every change.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=200)
    recognized = models.BooleanField(default=True)
    raw_text = models.CharField(max_length=200)
    roles = models.JSONField(default=list, blank=True)
    classification = models.CharField(max_length=50, null=True, blank=True)
    offering_kind = models.CharField(max_length=50, null=True, blank=True)
    exemption = models.CharField(max_length=50, null=True, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    assigned_by = models.CharField(max_length=254, editable=False)
    assigned_by_id = models.CharField(max_length=36, null=True, editable=False)
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=254, null=True, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    @property
    def shown_code(self) -> str | None:
        """The code where it was recognized, else None."""
        return self.code if self.recognized else None


class TokenJurisdiction(ExplicitTag):
    """An explicit tag of a token. At most one of a token's tags is its primary one."""

    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="jurisdiction_tags")
    is_primary = models.BooleanField(
        "primary",
        default=False,
        help_text="Shown first by clients. All tags of a token are evaluated alike.",
    )

    objects = TokenJurisdictionQuerySet.as_manager()

    class Meta:
        verbose_name = "token jurisdiction"
        constraints = [
            models.UniqueConstraint(fields=["token", "code"], name="token_jurisdiction_unique"),
            models.UniqueConstraint(
                fields=["token"],
                condition=Q(is_primary=True),
                name="token_jurisdiction_one_primary",
            ),
            models.CheckConstraint(condition=~Q(code=""), name="token_jurisdiction_code_given"),
        ]

    def __str__(self) -> str:
        return f"{self.code} for {self.token}"

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this tag says of it."""
        return {
            **self.token.event_fields,
            "reference_type": "token_jurisdiction",
            "reference_id": str(self.pk),
        }


class IssuerJurisdiction(ExplicitTag):
    """An explicit tag of an issuer."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="jurisdiction_tags")

    objects = IssuerJurisdictionQuerySet.as_manager()

    class Meta:
        verbose_name = "issuer jurisdiction"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "code"], name="issuer_jurisdiction_unique"),
            models.CheckConstraint(condition=~Q(code=""), name="issuer_jurisdiction_code_given"),
        ]

    def __str__(self) -> str:
        return f"{self.code} for {self.issuer}"

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this tag says of it."""
        return {
            "issuer_id": self.issuer_id,
            "reference_type": "issuer_jurisdiction",
            "reference_id": str(self.pk),
        }
