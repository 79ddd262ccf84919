"""Reading deployments."""

from accounts.models import Token
from deployments.models import Deployment


def latest_deployment(*, token: Token) -> Deployment | None:
    """Return the deployment of the token that was recorded last, or None."""
    return Deployment.objects.filter(token=token).order_by("-created_at", "-pk").first()
