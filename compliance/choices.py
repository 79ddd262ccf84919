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


class ReportType(TextChoices):
    """What a report holds. The first three stand where the incumbent's integers put them."""

    MICA_READINESS = "MicaReadiness"
    AUDIT_TRAIL = "AuditTrail"
    COMPLIANCE_BADGE = "ComplianceBadge"
    FULL = "Full"


class DownloadFormat(TextChoices):
    """The forms in which a stored report can be downloaded."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"
    OSCAL = "oscal"


class PackageFormat(TextChoices):
    """The forms of an attestation package (seed 1, section 14)."""

    JSON = "json"
    PDF = "pdf"


class SubjectKind(TextChoices):
    """What a report is about."""

    TOKEN = "Token"  # noqa: S105 - no password
    ISSUER = "Issuer"
    ISSUANCE = "Issuance"


class InputKind(TextChoices):
    """What a stored input of a report is."""

    SNAPSHOT = "Snapshot"
    PACK = "Pack"
