"""Writing and reading the policy of a whitelist: how it binds the transfers of its token."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.selectors import token_get_visible
from accounts.services import token_for_write
from audit.services import record_event
from config.api.errors import ValidationFailed
from whitelist.choices import Enforcement
from whitelist.models import WhitelistPolicy
from whitelist.services.bulk import locked


@transaction.atomic
def whitelist_policy_set(*, actor: User, token: Token, enforcement: str) -> WhitelistPolicy:
    """Say how the whitelist of a token binds its transfers: Mandatory, Optional or Off.

    Setting what is set already writes nothing, no event either. Raises `PermissionRefused` and
    `ValidationFailed`.
    """
    return _set(actor, locked(actor, token), enforcement)


@transaction.atomic
def whitelist_policy_write(
    *, actor: User, asset_id: int, network: str | None, enforcement: str
) -> WhitelistPolicy:
    """Do as `whitelist_policy_set` does for a token that may not be recorded yet.

    Raises `AmbiguousAsset` besides.
    """
    token = token_for_write(actor=actor, asset_id=asset_id, network=network)
    return _set(actor, token, enforcement)


def whitelist_policy_get(
    *, actor: User, asset_id: int, network: str | None
) -> tuple[Token, WhitelistPolicy | None]:
    """Return a token and its policy, None where nobody ever set one.

    Raises `NotFound`, `NotVisible` and `AmbiguousAsset`.
    """
    token = token_get_visible(actor=actor, asset_id=asset_id, network=network)
    return token, WhitelistPolicy.objects.filter(token=token).first()


def _set(actor: User, token: Token, enforcement: str) -> WhitelistPolicy:
    if enforcement not in Enforcement.values:
        message = f"Must be one of {', '.join(Enforcement.values)}."
        raise ValidationFailed(f"enforcement: {message}", details={"enforcement": [message]})
    found = WhitelistPolicy.objects.select_for_update().filter(token=token).first()
    policy = found or WhitelistPolicy(token=token)
    policy.token = token
    before = found.enforcement if found else None
    if before == enforcement:
        return policy
    policy.enforcement = enforcement
    policy.set_by, policy.set_at = actor.label, timezone.now()
    policy.save(update_fields=["enforcement", "set_by", "set_at"] if found else None)
    record_event(
        "whitelist.policy.changed",
        actor=actor,
        **token.event_fields,
        old_status=before,
        new_status=enforcement,
    )
    return policy
