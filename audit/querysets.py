"""What of the log, and of its exports, a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from audit.exports.models import ExportJob  # noqa: F401 - in a string
    from audit.models import AuditEvent  # noqa: F401 - in a string


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Events."""

    def visible_to(self, actor: Principal) -> "AuditEventQuerySet":
        """Return the events of the actor's own issuers, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        return self.filter(issuer_id__in=sorted(actor.issuer_ids))

    def on_network(self, network: str) -> "AuditEventQuerySet":
        """Return the events of a network, by its name or without the version: `voimain`."""
        wanted = network.lower()
        return self.filter(models.Q(network=wanted) | models.Q(network__startswith=f"{wanted}-v"))

    def touching(self, address: str) -> "AuditEventQuerySet":
        """Return the events that are about an address, or about a transfer to it.

        Algorand addresses are kept in capitals, those of EVM chains in small or mixed letters.
        """
        bare = address.strip()
        wanted = sorted({bare, bare.upper(), bare.lower()})
        return self.filter(models.Q(affected_address__in=wanted) | models.Q(to_address__in=wanted))


class ExportJobQuerySet(models.QuerySet["ExportJob"]):
    """Export jobs."""

    def visible_to(self, actor: Principal) -> "ExportJobQuerySet":
        """Return the jobs that the actor asked for, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        if actor.principal_id is None:
            return self.none()
        return self.filter(requested_by_id=actor.principal_id)
