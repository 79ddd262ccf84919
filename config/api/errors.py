"""Errors that domain code raises; `config.api.handler` makes envelopes of them. No DRF here."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from config.api.catalogue import CATALOGUE

Details = Mapping[str, Sequence[str]]


class DomainError(Exception):
    """A refusal that a client may read: `code` is an entry of the catalogue.

    `details` maps field names (as on the wire) to messages; `extra` holds what the answer says
    beside the envelope, and `headers` in its head. `recordable` is what the event log may say of it
    where the message quotes the caller.
    """

    code: ClassVar[str] = "BUSINESS_RULE_VIOLATION"

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Details | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        recordable: str | None = None,
    ) -> None:
        self.message = message or CATALOGUE[self.code].message
        self.details: Details = details or {}
        self.extra: Mapping[str, Any] = extra or {}
        self.headers: Mapping[str, str] = headers or {}
        self.recordable = recordable or self.message
        super().__init__(self.message)


class ValidationFailed(DomainError):
    """Input that a service, not a serializer, found wrong (400)."""

    code = "VALIDATION_ERROR"


class NotFound(DomainError):
    """The thing does not exist (404)."""

    code = "NOT_FOUND"


class NotVisible(NotFound):
    """The thing exists, out of the caller's scope: reads as 404, is recorded as a denial."""


class PermissionRefused(DomainError):
    """The caller's role lacks the permission (403); recorded as a denial."""

    code = "FORBIDDEN"


class Conflict(DomainError):
    """The record's state does not allow the change (409)."""

    code = "CONFLICT"


class PreconditionFailed(DomainError):
    """`If-Match` does not hold any more; nothing was changed (412)."""

    code = "PRECONDITION_FAILED"


class ServiceUnavailable(DomainError):
    """Something that the request needs is down (503)."""

    code = "SERVICE_UNAVAILABLE"
