"""The words of compliance; the stored value is the wire value (seed 1, data models)."""

from django.db.models import TextChoices


class VerificationStatus(TextChoices):
    """Where the KYC/AML verification of the token stands, as its issuer declares it."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    VERIFIED = "Verified"
    FAILED = "Failed"
    EXPIRED = "Expired"


class ComplianceStatus(TextChoices):
    """The issuer's own declaration: an input of the rules, never their result."""

    UNDER_REVIEW = "UnderReview"
    COMPLIANT = "Compliant"
    NON_COMPLIANT = "NonCompliant"
    SUSPENDED = "Suspended"
    EXEMPT = "Exempt"


class OverallStatus(TextChoices):
    """The computed status of a token (design, section 4)."""

    UNKNOWN = "Unknown"
    NON_COMPLIANT = "NonCompliant"
    PARTIALLY_COMPLIANT = "PartiallyCompliant"
    COMPLIANT = "Compliant"
