"""Writing users, issuers and tokens. Every function is one transaction with its event."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.choices import MemberRole, Role
from accounts.models import Issuer, IssuerMember, Token, User
from accounts.policies import may_write, require_officer, require_token_writer, require_writer
from accounts.selectors import require_unambiguous
from audit.principal import SYSTEM, Principal
from audit.services import record_event
from config.api.errors import Conflict


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
    """Create a user with these platform roles.

    Raises django's ValidationError where an identifier is malformed or taken.
    """
    user = User(email=email, address=address, full_name=full_name, is_superuser=is_superuser)
    user.set_password(password) if password else user.set_unusable_password()
    user.full_clean()
    user.save()
    chosen = sorted(set(roles))
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
def user_roles_set(*, actor: Principal, user: User, roles: Iterable[str]) -> None:
    """Give `user` exactly these platform roles."""
    before = sorted(user.roles)
    chosen = sorted(set(roles) & set(Role.values))
    user.groups.remove(*Group.objects.filter(name__in=Role.values))
    user.groups.add(*Group.objects.filter(name__in=chosen))
    user.__dict__.pop("roles", None)
    record_event(
        "accounts.role.changed",
        actor=actor,
        reference_type="user",
        reference_id=str(user.pk),
        details={"from": before, "to": chosen},
    )


@transaction.atomic
def issuer_create(*, actor: User, owner: User | None = None, **fields: Any) -> Issuer:
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
        member_add(actor=actor, issuer=issuer, user=owner, role=MemberRole.OWNER)
    return issuer


@transaction.atomic
def issuer_update(*, actor: User, issuer: Issuer, **fields: Any) -> Issuer:
    """Change the given fields of an issuer; its tokens' statuses become stale."""
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
def member_add(*, actor: User, issuer: Issuer, user: User, role: str) -> IssuerMember:
    """Make `user` a member of `issuer`, or change the role of one who is."""
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
        new_status=str(role),
    )
    return member


@transaction.atomic
def member_remove(*, actor: User, member: IssuerMember) -> None:
    """Take a member out of an issuer."""
    record_event(
        "accounts.member.removed",
        actor=actor,
        issuer_id=member.issuer_id,
        reference_type="user",
        reference_id=str(member.user_id),
        old_status=member.role,
    )
    member.delete()


@transaction.atomic
def token_for_evidence(*, actor: User, asset_id: int, network: str | None) -> Token:
    """Return the token that evidence is about; it is registered, unowned, where it is new.

    Raises `AmbiguousAsset` where no network is named and several have this asset id.
    """
    tokens = list(Token.objects.on(network, asset_id).order_by("network")[:20])
    require_unambiguous(tokens)
    return tokens[0] if tokens else _register(actor=actor, asset_id=asset_id, network=network)


@transaction.atomic
def token_for_write(*, actor: User, asset_id: int, network: str | None) -> Token:
    """Return the token, locked, whose record `actor` may write.

    A token that nobody owns goes, unverified, to the issuer of its first writer; an officer's
    write leaves it unowned. A token without a network takes the one that its writer names.
    Raises `PermissionRefused` and `AmbiguousAsset`.
    """
    require_writer(actor)
    token = _find_or_adopt(actor, asset_id, network)
    if token is None:
        token = _register(actor=actor, asset_id=asset_id, network=network)
    token = Token.objects.select_for_update().get(pk=token.pk)
    if token.issuer_id is None and not actor.is_officer:
        _claim(actor, token)
    require_token_writer(actor, token)
    return token


def _find_or_adopt(actor: User, asset_id: int, network: str | None) -> Token | None:
    tokens = list(Token.objects.on(network, asset_id).order_by("network")[:20])
    require_unambiguous(tokens)
    if tokens or network is None:
        return tokens[0] if tokens else None
    nameless = Token.objects.select_for_update().filter(asset_id=asset_id, network="").first()
    if nameless is None or not (nameless.issuer_id is None or may_write(actor, nameless)):
        return None
    nameless.network = network
    nameless.save(update_fields=["network"])
    record_event(
        "accounts.token.updated",
        actor=actor,
        **nameless.event_fields,
        details={"fields": ["network"]},
    )
    return nameless


def _register(*, actor: User, asset_id: int, network: str | None) -> Token:
    token, created = Token.objects.get_or_create(asset_id=asset_id, network=network or "")
    if created:
        record_event("accounts.token.registered", actor=actor, **token.event_fields)
    return token


def _claim(actor: User, token: Token) -> None:
    token.issuer = _own_issuer(actor)
    token.save(update_fields=["issuer"])
    record_event(
        "accounts.token.claimed",
        actor=actor,
        **token.event_fields,
        notes="First writer of a token without an owner; not verified",
    )


def _own_issuer(actor: User) -> Issuer:
    # Two first writes of one wallet at the same moment must not make two issuers.
    User.objects.select_for_update().get(pk=actor.pk)
    member = (
        IssuerMember.objects.filter(user=actor)
        .exclude(role=MemberRole.VIEWER)
        .select_related("issuer")
        .order_by("created_at", "pk")
        .first()
    )
    if member is not None:
        actor.__dict__.pop("memberships", None)
        return member.issuer
    return issuer_create(actor=actor, owner=actor)


@transaction.atomic
def token_update(*, actor: User, token: Token, **fields: Any) -> Token:
    """Change descriptive fields of a token (name, supply, standard, addresses)."""
    require_token_writer(actor, token)
    locked = Token.objects.select_for_update().get(pk=token.pk)
    changed = sorted(name for name, value in fields.items() if getattr(locked, name) != value)
    if not changed:
        return locked
    for name in changed:
        setattr(locked, name, fields[name])
    locked.full_clean()
    locked.save(update_fields=changed)
    record_event(
        "accounts.token.updated",
        actor=actor,
        **locked.event_fields,
        details={"fields": changed},
    )
    return locked


@transaction.atomic
def token_owner_verify(*, actor: User, token: Token) -> Token:
    """Confirm that the token's issuer really owns it. Officers only; never for one's own issuer."""
    require_officer(actor)
    locked = Token.objects.select_for_update().get(pk=token.pk)
    if locked.issuer_id is None:
        raise Conflict("Nobody owns this token yet; assign an issuer first.")
    if locked.issuer_id in actor.issuer_ids:
        raise Conflict("Somebody outside the issuer must verify its ownership.")
    if locked.ownership_verified_at is not None:
        return locked
    locked.ownership_verified_at = timezone.now()
    locked.save(update_fields=["ownership_verified_at"])
    record_event("accounts.token.owner_verified", actor=actor, **locked.event_fields)
    return locked


@transaction.atomic
def token_reassign(*, actor: User, token: Token, issuer: Issuer | None) -> Token:
    """Give the token to another issuer, or to nobody; its ownership must be verified anew."""
    require_officer(actor)
    locked = Token.objects.select_for_update().get(pk=token.pk)
    before = locked.issuer_id
    if before == (issuer.pk if issuer else None):
        return locked
    locked.issuer = issuer
    locked.ownership_verified_at = None
    locked.save(update_fields=["issuer", "ownership_verified_at"])
    record_event(
        "accounts.token.reassigned",
        actor=actor,
        **locked.event_fields,
        old_status=str(before) if before else None,
        new_status=str(issuer.pk) if issuer else None,
    )
    return locked
