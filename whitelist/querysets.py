"""What of the whitelists a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from whitelist.models import (  # noqa: F401 - see the bases
        WhitelistEntry,
        WhitelistImport,
        WhitelistPolicy,
    )


class WhitelistEntryQuerySet(models.QuerySet["WhitelistEntry"]):
    """Whitelist entries."""

    def visible_to(self, actor: Principal) -> "WhitelistEntryQuerySet":
        """Return the entries of the actor's own issuers' tokens, or all for those who read all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))


class WhitelistPolicyQuerySet(models.QuerySet["WhitelistPolicy"]):
    """Whitelist policies."""

    def visible_to(self, actor: Principal) -> "WhitelistPolicyQuerySet":
        """Return the policies of the actor's own issuers' tokens, or all for those who read all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))


class WhitelistImportQuerySet(models.QuerySet["WhitelistImport"]):
    """Files for whitelists."""

    def visible_to(self, actor: Principal) -> "WhitelistImportQuerySet":
        """Return the imports for the actor's own issuers' tokens, or all to who reads all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))
