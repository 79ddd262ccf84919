"""What of the log a principal sees."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

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

    def on_network(self, network: str) -> "AuditEventQuerySet":
        """Return the events of a network, by its name or without the version: `voimain`."""
        wanted = network.lower()
        return self.filter(Q(network=wanted) | Q(network__startswith=f"{wanted}-v"))
