"""The words of the whitelist; the stored value is the wire value.

Each stands where the incumbent's integers put it: older clients send the position.
"""

from django.db.models import TextChoices


class EntryStatus(TextChoices):
    """Whether an entry lets its address hold the token. Expiry is no status; it is computed."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    REVOKED = "Revoked"


class WhitelistRole(TextChoices):
    """As what somebody writes a whitelist; it follows from who they are, never from what they say.

    Officers and Owners of the token's issuer are Admin, its Operators are Operator.
    """

    ADMIN = "Admin"
    OPERATOR = "Operator"


class BulkMode(TextChoices):
    """What a bulk write does where an address cannot be used: nothing at all, or without it."""

    ALL = "All"
    PARTIAL = "Partial"


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


class LogAction(TextChoices):
    """What an entry of the whitelist audit log says was done.

    The first four stand where the incumbent's integers put them.
    """

    ADD = "Add"
    UPDATE = "Update"
    REMOVE = "Remove"
    TRANSFER_VALIDATION = "TransferValidation"
    POLICY_CHANGE = "PolicyChange"
    IMPORT = "Import"
    EXPORT = "Export"
