"""What of the record a principal sees."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from audit.principal import Principal

if TYPE_CHECKING:
    from compliance.models import (  # noqa: F401 - in strings
        AttestationPackage,
        ComplianceMetadata,
        ComplianceReport,
        ReportJob,
    )


class MetadataQuerySet(models.QuerySet["ComplianceMetadata"]):
    """Compliance metadata."""

    def visible_to(self, actor: Principal) -> "MetadataQuerySet":
        """Return all: everyone who signed in reads metadata and status (design, section 5)."""
        return self


class ReportQuerySet(models.QuerySet["ComplianceReport"]):
    """Stored reports."""

    def visible_to(self, actor: Principal) -> "ReportQuerySet":
        """Return the reports on the actor's own issuers and their tokens, or all to a reader."""
        if actor.reads_everything:
            return self
        own = sorted(actor.issuer_ids)
        return self.filter(Q(token__issuer_id__in=own) | Q(issuer_id__in=own))


class ReportJobQuerySet(models.QuerySet["ReportJob"]):
    """Reports that are made in the background."""

    def visible_to(self, actor: Principal) -> "ReportJobQuerySet":
        """Return the jobs that the actor asked for, or all for those who read all."""
        if actor.reads_everything:
            return self
        if actor.principal_id is None:
            return self.none()
        return self.filter(requested_by__id=actor.principal_id)


class PackageQuerySet(models.QuerySet["AttestationPackage"]):
    """Stored attestation packages."""

    def visible_to(self, actor: Principal) -> "PackageQuerySet":
        """Return the packages on the actor's own issuers' tokens, or all to a reader of all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))
