"""Writing users: made by staff, or by a wallet's first signature."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.choices import Role
from accounts.models import User
from accounts.policies import require_administrator
from accounts.sessions import sessions_revoke
from audit.principal import SYSTEM, Principal
from audit.services import record_event
from config.api.errors import Conflict, ValidationFailed

_EDITABLE = frozenset({"email", "address", "full_name", "is_active"})


@transaction.atomic
def user_create(
    *,
    email: str | None = None,
    address: str | None = None,
    password: str | None = None,
    full_name: str = "",
    roles: Iterable[str] = (),
    is_superuser: bool = False,
    actor: Principal = SYSTEM,
) -> User:
    """Create a user with these platform roles; only an administrator, or a command, may.

    Raises django's ValidationError where an identifier is malformed or taken, or the password is
    too weak, `ValidationFailed` for an unknown role, and `PermissionRefused`.
    """
    _require_user_manager(actor)
    user = User(email=email, address=address, full_name=full_name, is_superuser=is_superuser)
    user.clean()  # the canonical spelling is what has to be well formed
    _set_password(user, password)
    user.full_clean()
    user.save()
    chosen = _known_roles(roles)
    user.groups.set(Group.objects.filter(name__in=chosen))
    record_event(
        "accounts.user.registered",
        actor=actor,
        reference_type="user",
        reference_id=str(user.pk),
        details={"roles": chosen, "superuser": is_superuser},
    )
    return user


def user_by_address(*, address: str) -> User:
    """Return the user of a wallet that just proved itself; the first proof creates the user."""
    user = User.objects.filter(address=address).first()
    if user is not None:
        return user
    try:
        with transaction.atomic():
            user = User(address=address)
            user.set_unusable_password()
            user.save()
            record_event(
                "accounts.user.registered",
                actor=user,
                reference_type="user",
                reference_id=str(user.pk),
                notes="First valid signature",
            )
            return user
    except IntegrityError:  # another request of the same wallet was first
        return User.objects.get(address=address)


@transaction.atomic
def user_update(
    *,
    actor: Principal,
    user: User,
    password: str | None = None,
    roles: Iterable[str] | None = None,
    **fields: Any,
) -> User:
    """Change the given fields (`email`, `address`, `full_name`, `is_active`), roles or password.

    A new password, or deactivation, ends the user's sessions. Raises django's ValidationError,
    `PermissionRefused` for all but administrators, and `Conflict` where they would change their
    own roles or deactivate themselves.
    """
    _require_user_manager(actor)
    if unknown := fields.keys() - _EDITABLE:
        raise TypeError(f"not a field that can be changed: {', '.join(sorted(unknown))}")
    locked = User.objects.select_for_update().get(pk=user.pk)
    before = {name: getattr(locked, name) for name in fields}
    for name, value in fields.items():
        setattr(locked, name, value)
    locked.clean()
    changed = sorted(name for name in fields if getattr(locked, name) != before[name])
    if password:
        _set_password(locked, password)
        changed.append("password")
    if "is_active" in changed and actor.principal_id == locked.principal_id:
        raise Conflict("Somebody else must deactivate your account.")
    if changed:
        locked.full_clean(exclude={"password"})  # its hash was made here, or was there before
        locked.save(update_fields=changed)
        record_event(
            "accounts.user.updated",
            actor=actor,
            reference_type="user",
            reference_id=str(locked.pk),
            details={"fields": changed},
        )
    if password or not locked.is_active:
        sessions_revoke(user=locked)
    if roles is not None:
        user_roles_set(actor=actor, user=locked, roles=roles)
    return locked


@transaction.atomic
def user_password_change(*, user: User, password: str) -> None:
    """Give `user` the password that they chose themselves; it ends their sessions of the API.

    Raises django's ValidationError where it is too weak.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    _set_password(locked, password)
    locked.save(update_fields=["password"])
    user.password = locked.password
    sessions_revoke(user=locked)
    record_event(
        "accounts.user.updated",
        actor=user,
        reference_type="user",
        reference_id=str(user.pk),
        details={"fields": ["password"]},
    )


@transaction.atomic
def user_roles_set(*, actor: Principal, user: User, roles: Iterable[str]) -> None:
    """Give `user` exactly these platform roles; nobody changes their own.

    Raises `ValidationFailed` for an unknown role, `PermissionRefused` and `Conflict`.
    """
    _require_user_manager(actor)
    chosen = _known_roles(roles)
    locked = User.objects.select_for_update().get(pk=user.pk)
    before = sorted(locked.roles)
    if chosen == before:
        return
    if actor.principal_id == locked.principal_id:
        raise Conflict("Somebody else must change your roles.")
    if locked.is_superuser and Role.ADMINISTRATOR not in chosen:
        # Being a superuser counts as the role, so it goes with it.
        locked.is_superuser = False
        locked.save(update_fields=["is_superuser"])
    locked.groups.remove(*Group.objects.filter(name__in=Role.values))
    locked.groups.add(*Group.objects.filter(name__in=chosen))
    user.is_superuser = locked.is_superuser
    user.__dict__.pop("roles", None)
    record_event(
        "accounts.role.changed",
        actor=actor,
        reference_type="user",
        reference_id=str(user.pk),
        details={"from": before, "to": chosen},
    )


def _require_user_manager(actor: Principal) -> None:
    # What is not a user is the system itself: a command, or the first superuser.
    if isinstance(actor, User):
        require_administrator(actor)


def _known_roles(roles: Iterable[str]) -> list[str]:
    chosen = sorted({str(role) for role in roles})
    if unknown := [role for role in chosen if role not in Role.values]:
        raise ValidationFailed(
            f"Unknown role: {', '.join(unknown)}.",
            details={"roles": [f"Must be of: {', '.join(Role.values)}."]},
        )
    return chosen


def _set_password(user: User, password: str | None) -> None:
    if not password:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise ValidationError({"password": weak.messages}) from None
    user.set_password(password)
