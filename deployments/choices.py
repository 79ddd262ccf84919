"""The words of deployments as model choices; the words are those of `deployments.vocabulary`."""

from django.db.models import TextChoices

from deployments.vocabulary import ErrorCategory as _ErrorCategory
from deployments.vocabulary import Standard as _Standard
from deployments.vocabulary import Status as _Status


class DeploymentStatus(TextChoices):
    """Where a deployment stands. In the order of the incumbent's integers, not of the pipeline."""

    QUEUED = _Status.QUEUED.value
    SUBMITTED = _Status.SUBMITTED.value
    PENDING = _Status.PENDING.value
    CONFIRMED = _Status.CONFIRMED.value
    COMPLETED = _Status.COMPLETED.value
    FAILED = _Status.FAILED.value
    INDEXED = _Status.INDEXED.value
    CANCELLED = _Status.CANCELLED.value


class Origin(TextChoices):
    """Whether Assayer issued the token, or somebody recorded one that was issued elsewhere."""

    PIPELINE = "Pipeline"
    IMPORTED = "Imported"


class Standard(TextChoices):
    """What kind of token the pipeline can issue."""

    ASA_FT = _Standard.ASA_FT.value, "Algorand fungible asset"
    ASA_NFT = _Standard.ASA_NFT.value, "Algorand non-fungible asset"
    ASA_FNFT = _Standard.ASA_FNFT.value, "Algorand fractional non-fungible asset"
    ERC20_PREMINTED = _Standard.ERC20_PREMINTED.value, "ERC-20, fixed supply"
    ERC20_MINTABLE = _Standard.ERC20_MINTABLE.value, "ERC-20, mintable up to a cap"


class TrailFormat(TextChoices):
    """How a file of audit trails is written."""

    JSON = "json"
    CSV = "csv"


class ErrorCategory(TextChoices):
    """The nine kinds of failures; what is not recognized is an InternalError."""

    NETWORK = _ErrorCategory.NETWORK.value
    VALIDATION = _ErrorCategory.VALIDATION.value
    COMPLIANCE = _ErrorCategory.COMPLIANCE.value
    USER_REJECTION = _ErrorCategory.USER_REJECTION.value
    INSUFFICIENT_FUNDS = _ErrorCategory.INSUFFICIENT_FUNDS.value
    TRANSACTION = _ErrorCategory.TRANSACTION.value
    CONFIGURATION = _ErrorCategory.CONFIGURATION.value
    RATE_LIMIT = _ErrorCategory.RATE_LIMIT.value
    INTERNAL = _ErrorCategory.INTERNAL.value
