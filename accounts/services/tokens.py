"""Writing tokens: claimed by their first writer, verified and reassigned by staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.choices import MemberRole
from accounts.models import Issuer, IssuerMember, Token, User
from accounts.policies import may_write, require_officer, require_token_writer, require_writer
from accounts.selectors import require_unambiguous
from accounts.services.issuers import issuer_create
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict, NotFound, NotVisible, ValidationFailed


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
    elif not may_write(actor, token):
        # Another request of the same wallet may have claimed it since the caller was looked up.
        actor.__dict__.pop("memberships", None)
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
def issuer_for_token(*, actor: User, issuer_id: UUID | None = None) -> Issuer:
    """Return the issuer for whom `actor` issues a token: the one named, or the actor's own.

    Who has none gets one. Raises `NotVisible` for an issuer of others, and `ValidationFailed`
    where an officer names none.
    """
    if issuer_id is None:
        if actor.is_officer and not actor.writable_issuer_ids:
            message = "An officer says for whom."
            raise ValidationFailed(f"issuerId: {message}", details={"issuerId": [message]})
        return _own_issuer(actor)
    issuer = Issuer.objects.filter(pk=issuer_id).first()
    if issuer is None:
        raise NotFound("There is no such issuer.")
    if not actor.is_officer and issuer_id not in actor.writable_issuer_ids:
        raise NotVisible("There is no such issuer.")
    return issuer


@transaction.atomic
def token_issue(
    *, actor: Principal, issuer: Issuer, network: str, asset_id: int, fields: Mapping[str, Any]
) -> Token:
    """Register a token that was just issued for `issuer`: who owns it is proven by that.

    A record that nobody owns becomes the issuer's; `fields` say what it is. Raises `Conflict` where
    it belongs to another issuer.
    """
    token, created = Token.objects.get_or_create(
        asset_id=asset_id, network=network, defaults={"issuer": issuer}
    )
    token = Token.objects.select_for_update().get(pk=token.pk)
    if token.issuer_id not in (None, issuer.pk):
        raise Conflict("The record of this token belongs to another issuer.")
    values = {**fields, "issuer": issuer, "ownership_verified_at": timezone.now()}
    for name, value in values.items():
        setattr(token, name, value)
    token.full_clean()
    token.save(update_fields=list(values))
    record_event(
        "accounts.token.registered" if created else "accounts.token.updated",
        actor=actor,
        **token.event_fields,
        details={"fields": sorted(values)},
    )
    return token


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
