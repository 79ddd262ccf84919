"""Files of the history of deployments; that one was made is recorded."""

from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from audit.services import record_event
from config.observability.metrics import EXPORTED_ROWS
from deployments.models import Deployment, DeploymentTransition

_VIEW = "deployment-audit-trail"


@transaction.atomic
def deployment_trails_export(
    *,
    actor: User,
    rows: QuerySet[Deployment],
    matching: int,
    form: str,
    criteria: str | None = None,
    subject: dict[str, Any] | None = None,
) -> list[Deployment]:
    """Return `rows` with tokens and histories for a file of this form: two queries, however many.

    `matching` is how many the filter has in all, and `subject` what the event says of the one
    deployment that the file is of.
    """
    history = Prefetch("transitions", DeploymentTransition.objects.order_by("pk"))
    found = list(rows.select_related("token").prefetch_related(history))
    record_event(
        "deployments.deployment.exported",
        actor=actor,
        **(subject or {}),
        item_count=len(found),
        filter_criteria=criteria,
        details={"view": _VIEW, "format": form, "matching": matching},
    )
    EXPORTED_ROWS.labels(_VIEW, form).inc(len(found))
    return found
