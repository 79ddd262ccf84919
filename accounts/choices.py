"""The words of accounts; the stored value is the wire value."""

from django.db.models import TextChoices


class Role(TextChoices):
    """Platform roles: Django groups of these names, so the admin manages them."""

    ADMINISTRATOR = "Administrator"
    COMPLIANCE_OFFICER = "ComplianceOfficer"
    AUDITOR = "Auditor"


class MemberRole(TextChoices):
    """What a member may do for an issuer."""

    OWNER = "Owner"
    OPERATOR = "Operator"
    VIEWER = "Viewer"


class EntityType(TextChoices):
    """The legal form of an issuer, by the facts catalogue (`issuer.entityType`)."""

    LEGAL_PERSON = "legal_person"
    OTHER_UNDERTAKING = "other_undertaking"
    NATURAL_PERSON = "natural_person"


class IssuerRole(TextChoices):
    """What an issuer does, by the facts catalogue (`issuer.roles`)."""

    ISSUER = "issuer"
    OFFEROR = "offeror"
    CASP = "casp"
    PLATFORM_OPERATOR = "platform_operator"
    CUSTODIAN = "custodian"
    OBLIGED_ENTITY = "obliged_entity"
    CREDIT_INSTITUTION = "credit_institution"
    EMI = "emi"
    TRANSFER_AGENT = "transfer_agent"
    MSB = "msb"
