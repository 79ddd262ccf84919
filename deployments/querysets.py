"""What of the deployments a principal sees."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from audit.principal import Principal

if TYPE_CHECKING:
    from deployments.models import Deployment  # noqa: F401 - see the base class


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Deployments."""

    def visible_to(self, actor: Principal) -> "DeploymentQuerySet":
        """Return those of the actor's own issuers' tokens, or all for those who read all."""
        if actor.reads_everything:
            return self
        own = sorted(actor.issuer_ids)
        # A token that was given to another issuer takes its history along.
        return self.filter(Q(token__issuer_id__in=own) | Q(token=None, issuer_id__in=own))
