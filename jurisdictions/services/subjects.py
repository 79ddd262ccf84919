"""Whose record is written: the issuer of an id, and the policy for it."""

from uuid import UUID

from accounts.models import Issuer, Token, User
from accounts.policies import require_token_writer
from accounts.selectors import token_get
from config.api.errors import NotVisible, PermissionRefused

NO_ISSUER = "There is no such issuer."


def issuer_get_visible(*, actor: User, issuer_id: UUID) -> Issuer:
    """Return an issuer that `actor` sees; raises `NotVisible`, whether it exists or not."""
    issuer = Issuer.objects.visible_to(actor).filter(pk=issuer_id).first()
    if issuer is None:
        raise NotVisible(NO_ISSUER)
    return issuer


def issuer_for_write(*, actor: User, issuer_id: UUID) -> Issuer:
    """Return an issuer, locked, of which `actor` may write: officers, its Owners and Operators.

    Raises `NotVisible` and `PermissionRefused`.
    """
    issuer = issuer_get_visible(actor=actor, issuer_id=issuer_id)
    if not actor.is_officer and issuer.pk not in actor.writable_issuer_ids:
        raise PermissionRefused("Only an Owner or Operator of this issuer may do this.")
    return Issuer.objects.select_for_update().get(pk=issuer.pk)


def known_token_for_write(*, actor: User, asset_id: int, network: str | None) -> Token:
    """Return a token that exists, locked, of which `actor` may write.

    Raises `NotFound`, `AmbiguousAsset` and `PermissionRefused`.
    """
    found = token_get(asset_id=asset_id, network=network)
    token = Token.objects.select_for_update().get(pk=found.pk)
    require_token_writer(actor, token)
    return token
