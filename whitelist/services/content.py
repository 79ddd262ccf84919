"""What is said of an entry: checked, and compared with what the entry says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict

from django.core.exceptions import ValidationError

from accounts.choices import MemberRole
from accounts.models import Token, User
from audit.body import moment_text
from config.api.errors import DomainError, ValidationFailed
from whitelist.choices import EntryStatus, WhitelistRole
from whitelist.models import WhitelistEntry
from whitelist.network_rules import Violation


class EntryContent(TypedDict, total=False):
    """The fields of an entry that a caller may state; None clears one."""

    status: str | None
    reason: str | None
    expiration_date: datetime | None
    kyc_verified: bool | None
    kyc_verification_date: datetime | None
    kyc_provider: str | None
    investor_category: str | None
    jurisdiction_code: str | None


CLEARED: Mapping[str, Any] = {
    "status": EntryStatus.ACTIVE,
    "reason": None,
    "expiration_date": None,
    "kyc_verified": False,
    "kyc_verification_date": None,
    "kyc_provider": None,
    "investor_category": None,
    "jurisdiction_code": None,
}
_WIRE_NAMES = {
    "expiration_date": "expirationDate",
    "kyc_verified": "kycVerified",
    "kyc_verification_date": "kycVerificationDate",
    "kyc_provider": "kycProvider",
    "investor_category": "investorCategory",
    "jurisdiction_code": "jurisdictionCode",
}
# What an event keeps of what an entry said: codes and days, never text that somebody wrote. The
# status has its own place in an event.
TOLD = (
    "expiration_date",
    "kyc_verified",
    "kyc_verification_date",
    "investor_category",
    "jurisdiction_code",
)


class EntryRuleViolated(DomainError):
    """The entry would break rules of its network (400): the first is the message."""

    code: ClassVar[str] = "NETWORK_RULE_VIOLATION"


def rule_violated(broken: tuple[Violation, ...]) -> EntryRuleViolated:
    """Return the refusal of an entry that breaks these rules, of which there is one at least."""
    details: dict[str, list[str]] = {}
    for violation in broken:
        details.setdefault(violation.field, []).append(violation.message)
    return EntryRuleViolated(broken[0].message, details=details)


def content_of(entry: WhitelistEntry) -> dict[str, Any]:
    """Return what an entry says."""
    return {name: getattr(entry, name) for name in CLEARED}


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return, as an event has it, what of these values an event may keep."""
    return {
        name: moment_text(values[name]) if isinstance(values[name], datetime) else values[name]
        for name in TOLD
        if name in values
    }


def valid_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given fields as they are stored; raises `ValidationFailed` with every problem."""
    given: dict[str, Any] = {}
    for name, value in content.items():
        bare = value.strip() if isinstance(value, str) else value
        given[name] = CLEARED[name] if bare is None or bare == "" else bare
    if given.get("jurisdiction_code"):
        given["jurisdiction_code"] = given["jurisdiction_code"].upper()
    sample = WhitelistEntry(**given)
    others = {field.name for field in WhitelistEntry._meta.fields} - given.keys()
    try:
        sample.clean_fields(exclude=others)
    except ValidationError as problem:
        details = {
            _WIRE_NAMES.get(name, name): texts for name, texts in problem.message_dict.items()
        }
        name, texts = next(iter(details.items()))
        raise ValidationFailed(f"{name}: {texts[0]}", details=details) from None
    return {name: getattr(sample, name) for name in given}


def writer_role(actor: User, token: Token) -> WhitelistRole:
    """Return as what `actor`, who may write the record of `token`, writes its whitelist."""
    owner = actor.memberships.get(token.issuer_id) == MemberRole.OWNER if token.issuer_id else False
    return WhitelistRole.ADMIN if actor.is_officer or owner else WhitelistRole.OPERATOR


def require_own_role(stated: str | None, role: WhitelistRole) -> None:
    """Raise `ValidationFailed` where a caller states a role that is not theirs."""
    if stated is not None and stated != role:
        message = f"You write this whitelist as {role}; state that or nothing."
        raise ValidationFailed(f"role: {message}", details={"role": [message]})
