"""Writing issuers and their members."""

from typing import Any

from django.db import transaction

from accounts.choices import MemberRole
from accounts.models import Issuer, IssuerMember, User
from accounts.policies import require_issuer_owner
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import ValidationFailed


@transaction.atomic
def issuer_create(*, actor: Principal, owner: User | None = None, **fields: Any) -> Issuer:
    """Create an issuer, with `owner` as its first Owner where one is given."""
    issuer = Issuer(**fields)
    issuer.full_clean()
    issuer.save()
    record_event(
        "accounts.issuer.created",
        actor=actor,
        issuer_id=issuer.pk,
        details={"fields": sorted(name for name, value in fields.items() if value)},
    )
    if owner is not None:
        _set_member(actor, issuer, owner, MemberRole.OWNER)
    return issuer


@transaction.atomic
def issuer_update(*, actor: User, issuer: Issuer, **fields: Any) -> Issuer:
    """Change the given fields of an issuer; its tokens' statuses become stale.

    Only officers and the issuer's own Owners may. Raises `PermissionRefused` and django's
    ValidationError.
    """
    require_issuer_owner(actor, issuer)
    locked = Issuer.objects.select_for_update().get(pk=issuer.pk)
    changed = sorted(name for name, value in fields.items() if getattr(locked, name) != value)
    if not changed:
        return locked
    for name in changed:
        setattr(locked, name, fields[name])
    locked.full_clean()
    locked.save(update_fields=changed)
    record_event(
        "accounts.issuer.updated", actor=actor, issuer_id=issuer.pk, details={"fields": changed}
    )
    return locked


@transaction.atomic
def member_add(*, actor: Principal, issuer: Issuer, user: User, role: str) -> IssuerMember:
    """Make `user` a member of `issuer`, or change the role of one who is.

    Only officers, the issuer's own Owners and commands may. Raises `PermissionRefused` and, for an
    unknown role, `ValidationFailed`.
    """
    if isinstance(actor, User):
        require_issuer_owner(actor, issuer)
    if role not in MemberRole.values:
        raise ValidationFailed(
            f"Unknown role: {role}.",
            details={"role": [f"Must be one of: {', '.join(MemberRole.values)}."]},
        )
    return _set_member(actor, issuer, user, role)


def _set_member(actor: Principal, issuer: Issuer, user: User, role: str) -> IssuerMember:
    before = IssuerMember.objects.select_for_update().filter(issuer=issuer, user=user).first()
    if before is not None and before.role == role:
        return before
    member, created = IssuerMember.objects.update_or_create(
        issuer=issuer, user=user, defaults={"role": role}
    )
    user.__dict__.pop("memberships", None)
    record_event(
        "accounts.member.added" if created else "accounts.member.updated",
        actor=actor,
        issuer_id=issuer.pk,
        reference_type="user",
        reference_id=str(user.pk),
        old_status=before.role if before else None,
        new_status=str(role),
    )
    return member


@transaction.atomic
def member_remove(*, actor: User, member: IssuerMember) -> None:
    """Take a member out of an issuer; only officers and the issuer's own Owners may."""
    require_issuer_owner(actor, member.issuer)
    record_event(
        "accounts.member.removed",
        actor=actor,
        issuer_id=member.issuer_id,
        reference_type="user",
        reference_id=str(member.user_id),
        old_status=member.role,
    )
    member.delete()
