"""How long events are kept. Nothing here deletes anything."""

from typing import Any

from django.conf import settings

RECORD_CLASS = "compliance_audit_event"
DESCRIPTION = (
    "Audit logs are retained for a minimum of 7 years to comply with MICA and other regulatory "
    "requirements. All entries are immutable and cannot be modified or deleted."
)


def retention_years() -> dict[str, int]:
    """Return the years for which the operator keeps each class of records."""
    return dict(settings.RETENTION_YEARS)


def retention_policy() -> dict[str, Any]:
    """Return the policy of seed 1, section 8.

    `minimumRetentionYears` is what is configured (a system check refuses less than 7) and
    `immutableEntries` is what the database enforces. The seed's wording is kept; the law behind it
    is MiCA Article 68(9): five years, up to seven where the authority asks.
    """
    return {
        "minimumRetentionYears": settings.RETENTION_YEARS[RECORD_CLASS],
        "regulatoryFramework": "MICA",
        "immutableEntries": True,
        "description": DESCRIPTION,
    }
