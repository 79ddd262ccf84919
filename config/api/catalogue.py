"""The error catalogue: every `errorCode` that can reach a client, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code of the wire: its HTTP status, whether a retry can help, and what to do."""

    code: str
    status: int
    retryable: bool
    message: str
    hint: str


_ENTRIES = (
    ErrorCode(
        "VALIDATION_ERROR",
        400,
        False,
        "The request is not valid.",
        "Correct the fields named in details and send the request again.",
    ),
    ErrorCode(
        "MALFORMED_JSON",
        400,
        False,
        "The body is not valid JSON.",
        "Send one UTF-8 JSON document with Content-Type application/json.",
    ),
    ErrorCode(
        "NETWORK_RULE_VIOLATION",
        400,
        False,
        "The record breaks a rule of its network.",
        "Supply what the named rules require; details lists every violation.",
    ),
    ErrorCode(
        "AUTHENTICATION_REQUIRED",
        401,
        False,
        "Authentication credentials are missing or not valid.",
        "Send Authorization: SigTx <base64> or Authorization: Bearer <token>.",
    ),
    ErrorCode(
        "INVALID_CREDENTIALS",
        401,
        False,
        "The e-mail address or the password is wrong.",
        "Check both and try again; five failures lock the account for 30 minutes.",
    ),
    ErrorCode(
        "INVALID_REFRESH_TOKEN",
        401,
        False,
        "The refresh token is not valid any more.",
        "Log in again.",
    ),
    ErrorCode(
        "FORBIDDEN",
        403,
        False,
        "Your role does not allow this.",
        "Ask an owner of the token's issuer or a compliance officer.",
    ),
    ErrorCode(
        "OPERATION_BLOCKED",
        403,
        False,
        "Operation blocked: the token's transfer rules forbid it.",
        "denialReason says what forbids it; each of checks says what would mend it.",
    ),
    ErrorCode(
        "NOT_FOUND",
        404,
        False,
        "Nothing was found here.",
        "Check the identifier, and the network where one is named.",
    ),
    ErrorCode(
        "METHOD_NOT_ALLOWED",
        405,
        False,
        "This method is not supported here.",
        "See /api/docs for the methods of this path.",
    ),
    ErrorCode(
        "AMBIGUOUS_ASSET",
        409,
        False,
        "This asset id exists on more than one network.",
        "Name one of the networks in details.",
    ),
    ErrorCode(
        "CONFLICT",
        409,
        False,
        "The record is not in a state that allows this.",
        "Read the record again and decide anew.",
    ),
    ErrorCode(
        "IDEMPOTENCY_KEY_MISMATCH",
        409,
        False,
        "This idempotency key belongs to another request.",
        "Send a new key with a new request; the same key only repeats the same one.",
    ),
    ErrorCode(
        "IDEMPOTENCY_KEY_IN_USE",
        409,
        True,
        "The first request with this idempotency key is not answered yet.",
        "Send the same request again after the seconds in Retry-After.",
    ),
    ErrorCode(
        "EXPORT_EXPIRED",
        410,
        False,
        "The file of this export is not kept any more.",
        "Ask for the export again.",
    ),
    ErrorCode(
        "PRECONDITION_FAILED",
        412,
        False,
        "The record was changed since you read it.",
        "Read it again and repeat the change with the new ETag in If-Match.",
    ),
    ErrorCode(
        "PAYLOAD_TOO_LARGE",
        413,
        False,
        "The body is too large.",
        "Send less in one request: 1,000,000 bytes, more only where a file is uploaded.",
    ),
    ErrorCode(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        False,
        "The body's media type is not supported.",
        "Send Content-Type: application/json, or the type of file that is documented.",
    ),
    ErrorCode(
        "RANGE_NOT_SATISFIABLE",
        416,
        False,
        "The range begins behind the end of the file.",
        "Ask for a range within the length that Content-Range names.",
    ),
    ErrorCode(
        "BUSINESS_RULE_VIOLATION",
        422,
        False,
        "A rule of the record forbids this.",
        "Read errorMessage and details; they name the rule.",
    ),
    ErrorCode(
        "ACCOUNT_LOCKED",
        423,
        True,
        "The account is locked after repeated failures.",
        "Wait until the time in Retry-After has passed.",
    ),
    ErrorCode(
        "RATE_LIMITED",
        429,
        True,
        "Too many requests.",
        "Wait for the seconds in Retry-After.",
    ),
    ErrorCode(
        "INTERNAL_ERROR",
        500,
        True,
        "An unexpected error happened.",
        "Read the record before you try again; if it persists, report the correlationId.",
    ),
    ErrorCode(
        "SERVICE_UNAVAILABLE",
        503,
        True,
        "A service that this request needs is not available.",
        "Try again after the seconds in Retry-After.",
    ),
)

CATALOGUE = {entry.code: entry for entry in _ENTRIES}
