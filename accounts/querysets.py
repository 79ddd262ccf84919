"""What of accounts a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from accounts.models import Issuer, Token  # noqa: F401 - in a string


class IssuerQuerySet(models.QuerySet["Issuer"]):
    """Issuers."""

    def visible_to(self, actor: Principal) -> "IssuerQuerySet":
        """Return the actor's own issuers, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        return self.filter(pk__in=sorted(actor.issuer_ids))


class TokenQuerySet(models.QuerySet["Token"]):
    """Tokens."""

    def visible_to(self, actor: Principal) -> "TokenQuerySet":
        """Return the tokens of the actor's own issuers, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        return self.filter(issuer_id__in=sorted(actor.issuer_ids))

    def on(self, network: str | None, asset_id: int) -> "TokenQuerySet":
        """Return the tokens with this asset id, on this network where one is named."""
        found = self.filter(asset_id=asset_id)
        return found if network is None else found.filter(network=network)
