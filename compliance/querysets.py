"""What of the record a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from compliance.models import ComplianceMetadata, ComplianceReport  # noqa: F401 - in a string


class MetadataQuerySet(models.QuerySet["ComplianceMetadata"]):
    """Compliance metadata."""

    def visible_to(self, actor: Principal) -> "MetadataQuerySet":
        """Return all: everyone who signed in reads metadata and status (design, section 5)."""
        return self


class ReportQuerySet(models.QuerySet["ComplianceReport"]):
    """Stored reports."""

    def visible_to(self, actor: Principal) -> "ReportQuerySet":
        """Return the reports of the actor's own issuers' tokens, or all for those who read all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))
