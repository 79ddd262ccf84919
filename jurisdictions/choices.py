"""The words of rule packs; the stored value is the word of the pack document and of the wire."""

from django.db.models import TextChoices

from jurisdictions import engine


class PackStatus(TextChoices):
    """Where a pack stands in its life, by `engine.PackStatus`; only a Draft can be edited."""

    DRAFT = engine.PackStatus.DRAFT.value, "Draft"
    IN_REVIEW = engine.PackStatus.IN_REVIEW.value, "In review"
    ACTIVE = engine.PackStatus.ACTIVE.value, "Active"
    SUPERSEDED = engine.PackStatus.SUPERSEDED.value, "Superseded"
    RETIRED = engine.PackStatus.RETIRED.value, "Retired"


class DryRunState(TextChoices):
    """Where a dry run stands."""

    QUEUED = "Queued"
    RUNNING = "Running"
    FINISHED = "Finished"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class PackOrigin(TextChoices):
    """Whether a version is as it was loaded from a document, or staff made or changed it."""

    LOADED = "Loaded"
    STAFF = "Staff"


class JurisdictionKind(TextChoices):
    """What a jurisdiction code stands for."""

    COUNTRY = "country", "Country"
    SUBDIVISION = "subdivision", "Part of a country"
    SUPRANATIONAL = "supranational", "Union of countries"
    STANDARD_SETTER = "standard_setter", "Standard setter"
    GLOBAL = "global", "All tokens"
    PRIVATE = "private", "Legal area without an ISO code"


class Basis(TextChoices):
    """What a requirement rests on."""

    LAW = "law", "Law"
    STANDARD = "standard", "Standard"
    GUIDANCE = "guidance", "Guidance"
    POLICY = "policy", "Policy"


class RequirementCategory(TextChoices):
    """What a requirement is about."""

    SCOPE = "scope", "Scope"
    LICENSING = "licensing", "Licensing"
    DISCLOSURE = "disclosure", "Disclosure"
    MARKETING = "marketing", "Marketing"
    INVESTOR_ELIGIBILITY = "investor_eligibility", "Investor eligibility"
    KYC_AML = "kyc_aml", "KYC and AML"
    TRANSFER_CONTROL = "transfer_control", "Transfer control"
    CUSTODY_RESERVE = "custody_reserve", "Custody and reserve"
    GOVERNANCE = "governance", "Governance"
    MARKET_INTEGRITY = "market_integrity", "Market integrity"
    RECORD_KEEPING = "record_keeping", "Record keeping"
    DEPLOYMENT = "deployment", "Deployment"
    REVIEW = "review", "Review"


class Severity(TextChoices):
    """Whether a requirement blocks compliance or only advises."""

    REQUIRED = "required", "Required"
    RECOMMENDED = "recommended", "Recommended"


class Confidence(TextChoices):
    """How sure the author is of the legal reading."""

    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


class OnMissing(TextChoices):
    """The verdict where the data that a check inspects is absent."""

    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"


class FactType(TextChoices):
    """What a fact holds, by `jurisdictions.catalogue.FACT_TYPES`."""

    STRING = "string", "Text"
    ENUM = "enum", "One of its choices"
    BOOLEAN = "boolean", "True or false"
    INTEGER = "integer", "Whole number"
    NUMBER = "number", "Number"
    DATE = "date", "Date"
    LIST = "list", "List of texts"


class TagSource(TextChoices):
    """Whether somebody named a jurisdiction, or it was read out of other data."""

    EXPLICIT = "Explicit"
    DERIVED = "Derived"


class WaiverType(TextChoices):
    """What the decision to live with an unmet requirement rests on."""

    LEGAL_OPINION = "legal_opinion", "Legal opinion"
    REGULATOR_RELIEF = "regulator_relief", "Relief by the regulator"
    RISK_ACCEPTANCE = "risk_acceptance", "Risk acceptance"


class WaiverStatus(TextChoices):
    """Where a waiver stands; only an Approved one has effect."""

    REQUESTED = "Requested"
    APPROVED = "Approved"
    EXPIRED = "Expired"
    REVOKED = "Revoked"
