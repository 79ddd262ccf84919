"""The wire's words for events; the stored value is the wire value."""

from django.db.models import TextChoices


class Category(TextChoices):
    """What an event is about. The first six stand where the incumbent's integers put them."""

    WHITELIST = "Whitelist"
    BLACKLIST = "Blacklist"
    COMPLIANCE = "Compliance"
    WHITELIST_RULES = "WhitelistRules"
    TRANSFER_VALIDATION = "TransferValidation"
    TOKEN_ISSUANCE = "TokenIssuance"  # noqa: S105 - no password
    SECURITY = "Security"
    ACCOUNT = "Account"
    JURISDICTION = "Jurisdiction"
    AUDIT = "Audit"


class ActionType(TextChoices):
    """What was done. The first six stand where the incumbent's integers put them."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    READ = "Read"
    LIST = "List"
    EXPORT = "Export"
    VERIFY = "Verify"
    LOGIN = "Login"
    LOGOUT = "Logout"
    DENY = "Deny"


class Severity(TextChoices):
    """How much attention an event deserves."""

    INFO = "Info"
    NOTICE = "Notice"
    WARNING = "Warning"


class MeteredCategory(TextChoices):
    """What metered work is about, in the words of the incumbent."""

    COMPLIANCE = "Compliance"
    WHITELIST = "Whitelist"


class ExportFormat(TextChoices):
    """The forms of a file that an export job makes."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Operation(TextChoices):
    """What is metered, in the words and the order of the incumbent."""

    UPSERT = "Upsert"
    DELETE = "Delete"
    ADD = "Add"
    UPDATE = "Update"
    REMOVE = "Remove"
    BULK_ADD = "BulkAdd"
    TRANSFER_VALIDATION = "TransferValidation"
    EXPORT = "Export"
