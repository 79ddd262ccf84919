"""What of the log a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from audit.models import AuditEvent  # noqa: F401 - in a string


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Events."""

    def visible_to(self, actor: Principal) -> "AuditEventQuerySet":
        """Return the events of the actor's own issuers, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        return self.filter(issuer_id__in=sorted(actor.issuer_ids))

    def touching(self, address: str) -> "AuditEventQuerySet":
        """Return the events that are about an address, or about a transfer to it.

        Algorand addresses are kept in capitals, those of EVM chains in small or mixed letters.
        """
        bare = address.strip()
        wanted = sorted({bare, bare.upper(), bare.lower()})
        return self.filter(models.Q(affected_address__in=wanted) | models.Q(to_address__in=wanted))
