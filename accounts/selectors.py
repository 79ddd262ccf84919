"""Finding tokens and memberships."""

from typing import Any, ClassVar

from accounts.models import IssuerMember, Token, User
from accounts.querysets import TokenQuerySet
from audit.principal import Principal
from config.api.errors import DomainError, NotFound, NotVisible


class AmbiguousAsset(DomainError):
    """The asset id exists on several networks and the request names none (409)."""

    code: ClassVar[str] = "AMBIGUOUS_ASSET"


def require_unambiguous(tokens: list[Token]) -> None:
    """Raise `AmbiguousAsset`, naming the networks, where `tokens` holds more than one."""
    if len(tokens) > 1:
        networks = sorted(token.network or "(none)" for token in tokens)
        raise AmbiguousAsset(
            f"Asset {tokens[0].asset_id} exists on more than one network; name one of them.",
            details={"network": networks},
        )


def token_get(*, asset_id: int, network: str | None, within: TokenQuerySet | None = None) -> Token:
    """Return the one token with this asset id, on this network where one is named.

    `within` narrows or widens (joins) the rows looked at. Raises `NotFound` and `AmbiguousAsset`.
    """
    rows = Token.objects.all() if within is None else within
    tokens = list(rows.on(network, asset_id).order_by("network")[:20])
    require_unambiguous(tokens)
    if not tokens:
        raise NotFound(f"Nothing is recorded for asset {asset_id}.")
    return tokens[0]


def token_get_visible(*, actor: Principal, asset_id: int, network: str | None) -> Token:
    """Return the token as `token_get` does, if `actor` sees it; else raise `NotVisible` (a 404)."""
    token = token_get(asset_id=asset_id, network=network)
    if not actor.reads_everything and token.issuer_id not in actor.issuer_ids:
        raise NotVisible(f"Nothing is recorded for asset {asset_id}.")
    return token


def only_token_fields(*, asset_id: int) -> dict[str, Any]:
    """Return what an event says of the one token with this asset id, or nothing.

    For events that are not about one token as such, such as an export filtered by an asset id.
    """
    tokens = list(Token.objects.filter(asset_id=asset_id)[:2])
    return tokens[0].event_fields if len(tokens) == 1 else {}


def memberships_of(*, user: User) -> list[IssuerMember]:
    """Return the user's memberships with their issuers, oldest first."""
    rows = IssuerMember.objects.filter(user=user).select_related("issuer")
    return list(rows.order_by("created_at", "pk"))


def active_user(user_id: str) -> User | None:
    """Return the user with this id and the rights of this moment, where the account is active."""
    return User.objects.filter(pk=user_id, is_active=True).first()
