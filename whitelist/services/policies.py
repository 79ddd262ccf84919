"""Writing the policy of a whitelist: how it binds the transfers of its token."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_token_writer
from audit.services import record_event
from config.api.errors import ValidationFailed
from whitelist.choices import Enforcement
from whitelist.models import WhitelistPolicy


@transaction.atomic
def whitelist_policy_set(*, actor: User, token: Token, enforcement: str) -> WhitelistPolicy:
    """Say how the whitelist of a token binds its transfers: Mandatory, Optional or Off.

    Setting what is set already writes nothing, no event either. Raises `PermissionRefused` and
    `ValidationFailed`.
    """
    require_token_writer(actor, token)
    if enforcement not in Enforcement.values:
        message = f"Must be one of {', '.join(Enforcement.values)}."
        raise ValidationFailed(f"enforcement: {message}", details={"enforcement": [message]})
    policy, created = WhitelistPolicy.objects.select_for_update().get_or_create(
        token=token, defaults={"enforcement": enforcement, "set_by": actor.label}
    )
    policy.token = token
    before = None if created else policy.enforcement
    if before == enforcement:
        return policy
    if not created:
        policy.enforcement = enforcement
        policy.set_by = actor.label
        policy.set_at = timezone.now()
        policy.save(update_fields=["enforcement", "set_by", "set_at"])
    record_event(
        "whitelist.policy.changed",
        actor=actor,
        **token.event_fields,
        old_status=before,
        new_status=enforcement,
    )
    return policy
