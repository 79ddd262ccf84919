"""Reading deployments."""

import hashlib
from datetime import datetime

from accounts.models import Token
from deployments.models import Deployment, DeploymentTransition


def latest_deployment(*, token: Token) -> Deployment | None:
    """Return the deployment of the token that was recorded last, or None."""
    return Deployment.objects.filter(token=token).order_by("-created_at", "-pk").first()


def deployment_at(*, token: Token, as_of: datetime) -> Deployment | None:
    """Return the deployment recorded last by `as_of` with the status it had then, or None."""
    rows = Deployment.objects.filter(token=token, created_at__lte=as_of)
    found: Deployment | None = rows.order_by("-created_at", "-pk").first()
    if found is None:
        return None
    steps = DeploymentTransition.objects.filter(deployment=found, occurred_at__lte=as_of)
    reached = steps.order_by("-pk").values_list("to_status", flat=True).first()
    found.status = reached or found.status
    return found


def deployment_history(deployment: Deployment) -> list[DeploymentTransition]:
    """Return the changes of a deployment's status, oldest first."""
    return list(DeploymentTransition.objects.filter(deployment=deployment).order_by("pk"))


def deployment_etag(deployment: Deployment) -> str:
    """Return what names the state of a deployment: nothing of it changes without this."""
    parts = (
        deployment.pk,
        deployment.status,
        deployment.updated_at,
        deployment.transaction_id,
        deployment.confirmed_round,
        deployment.token_id,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
