"""The words of the whitelist; the stored value is the wire value.

Each stands where the incumbent's integers put it: older clients send the position.
"""

from django.db.models import TextChoices


class EntryStatus(TextChoices):
    """Whether an entry lets its address hold the token. Expiry is no status; it is computed."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    REVOKED = "Revoked"


class InvestorCategory(TextChoices):
    """What kind of investor stands behind an address."""

    ACCREDITED_INVESTOR = "AccreditedInvestor"
    QUALIFIED_PURCHASER = "QualifiedPurchaser"
    RETAIL_INVESTOR = "RetailInvestor"
    INSTITUTIONAL = "Institutional"
    PROFESSIONAL = "Professional"
    NON_ELIGIBLE = "NonEligible"


class Enforcement(TextChoices):
    """How a token's whitelist binds its transfers."""

    MANDATORY = "Mandatory"
    OPTIONAL = "Optional"
    OFF = "Off"
