"""Values of facts, as people recorded them (reference/regulation.md, section 8)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Issuer, Token
from jurisdictions.querysets import FactValueQuerySet

_OF_TOKEN = Q(token__isnull=False, issuer__isnull=True)
_OF_ISSUER = Q(token__isnull=True, issuer__isnull=False)


class FactValue(models.Model):
    """One fact of a token or an issuer from `recorded_at` on; append-only.

    The row with the greatest id is what holds now for its subject and path; a null value says that
    the fact was withdrawn. A date is kept as its ISO 8601 text.
    """

    id = models.BigAutoField(primary_key=True)
    token = models.ForeignKey(
        Token, on_delete=models.PROTECT, null=True, blank=True, related_name="fact_values"
    )
    issuer = models.ForeignKey(
        Issuer, on_delete=models.PROTECT, null=True, blank=True, related_name="fact_values"
    )
    path = models.CharField(max_length=100)
    value = models.JSONField(null=True, blank=True)
    recorded_by = models.CharField(max_length=254, editable=False)
    recorded_by_id = models.CharField(max_length=36, null=True, editable=False)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = FactValueQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_OF_TOKEN | _OF_ISSUER, name="fact_value_one_subject")
        ]
        indexes = [
            models.Index(fields=["token", "path", "-id"], name="fact_value_token"),
            models.Index(fields=["issuer", "path", "-id"], name="fact_value_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.path} of {self.token or self.issuer}"
