"""Writing the entries of whitelists. Every function is one transaction with its event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_token_writer
from audit.services import record_event
from config.api.errors import ValidationFailed
from whitelist.addresses import holder_address
from whitelist.choices import EntryStatus
from whitelist.models import WhitelistEntry


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


@transaction.atomic
def whitelist_entry_upsert(
    *, actor: User, token: Token, address: str, **content: Unpack[EntryContent]
) -> WhitelistEntry:
    """Put an address on the whitelist of a token, or change what its entry says.

    Fields that are not given stay as they are. A call that changes nothing writes nothing, no
    event either. Raises `PermissionRefused` and `ValidationFailed`.
    """
    require_token_writer(actor, token)
    values = _valid(content)
    entry, created = WhitelistEntry.objects.select_for_update().get_or_create(
        token=token,
        address=_valid_address(address, token),
        defaults={**values, "created_by": actor.label},
    )
    entry.token = token
    old_status = None if created else entry.status
    changed = sorted(
        name for name, value in values.items() if created or getattr(entry, name) != value
    )
    if not created:
        if not changed:
            return entry
        _change(entry, actor, {name: values[name] for name in changed})
    record_event(
        "whitelist.entry.created" if created else "whitelist.entry.updated",
        actor=actor,
        **token.event_fields,
        affected_address=entry.address,
        old_status=old_status,
        new_status=entry.status,
        details={"fields": changed},
    )
    return entry


def _change(entry: WhitelistEntry, actor: User, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(entry, name, value)
    entry.updated_by = actor.label
    entry.updated_at = timezone.now()
    entry.save(update_fields=[*values, "updated_by", "updated_at"])


def _valid_address(address: str, token: Token) -> str:
    try:
        return holder_address(address, token.network)
    except ValueError as problem:
        raise ValidationFailed(str(problem), details={"address": [str(problem)]}) from None


def _valid(content: EntryContent) -> dict[str, Any]:
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
