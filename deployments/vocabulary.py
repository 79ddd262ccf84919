"""The words of deployments, for the pure modules; the stored value is the wire value. Pure."""

from enum import StrEnum


class Status(StrEnum):
    """Where a deployment stands. In the order of the incumbent's integers, not of the pipeline."""

    QUEUED = "Queued"
    SUBMITTED = "Submitted"
    PENDING = "Pending"
    CONFIRMED = "Confirmed"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INDEXED = "Indexed"
    CANCELLED = "Cancelled"


class Reason(StrEnum):
    """Why a deployment changed its status."""

    DEPLOYMENT_IMPORTED = "DEPLOYMENT_IMPORTED"
    DEPLOYMENT_REQUESTED = "DEPLOYMENT_REQUESTED"
    DEPLOYMENT_SUBMITTED = "DEPLOYMENT_SUBMITTED"
    DEPLOYMENT_VALIDATION_FAILED = "DEPLOYMENT_VALIDATION_FAILED"
    USER_CANCELLED = "USER_CANCELLED"
    TRANSACTION_BROADCAST = "TRANSACTION_BROADCAST"
    TRANSACTION_SUBMISSION_FAILED = "TRANSACTION_SUBMISSION_FAILED"
    TRANSACTION_CONFIRMED = "TRANSACTION_CONFIRMED"
    TRANSACTION_REVERTED = "TRANSACTION_REVERTED"
    TRANSACTION_INDEXED = "TRANSACTION_INDEXED"
    DEPLOYMENT_COMPLETED = "DEPLOYMENT_COMPLETED"
    POST_DEPLOYMENT_FAILED = "POST_DEPLOYMENT_FAILED"
    DEPLOYMENT_RETRY_REQUESTED = "DEPLOYMENT_RETRY_REQUESTED"


class Verdict(StrEnum):
    """What the state machine says of a wanted change; the words are the incumbent's."""

    ALLOWED = "ALLOWED"
    IDEMPOTENT_UPDATE = "IDEMPOTENT_UPDATE"
    TERMINAL_STATE_VIOLATION = "TERMINAL_STATE_VIOLATION"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    INVARIANT_VIOLATION = "INVARIANT_VIOLATION"


class Standard(StrEnum):
    """What kind of token the pipeline can issue."""

    ASA_FT = "ASA_FT"
    ASA_NFT = "ASA_NFT"
    ASA_FNFT = "ASA_FNFT"
    ERC20_PREMINTED = "ERC20_Preminted"
    ERC20_MINTABLE = "ERC20_Mintable"


class ErrorCategory(StrEnum):
    """The nine kinds of failures; what is not recognized is an InternalError."""

    NETWORK = "NetworkError"
    VALIDATION = "ValidationError"
    COMPLIANCE = "ComplianceError"
    USER_REJECTION = "UserRejection"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    TRANSACTION = "TransactionFailure"
    CONFIGURATION = "ConfigurationError"
    RATE_LIMIT = "RateLimitExceeded"
    INTERNAL = "InternalError"


class Remedy(StrEnum):
    """What may be done about a failure.

    `resend`: the same signed bytes again. `rebuild`: a new transaction, once the old one is
    provably dead. `user`: somebody must act first. `resolve`: no failure yet, look it up.
    """

    RESEND = "resend"
    REBUILD = "rebuild"
    USER = "user"
    NEVER = "never"
    RESOLVE = "resolve"
