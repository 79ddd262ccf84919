"""The pipeline in the background; what a task misses, the next one finds."""

from uuid import UUID

from celery import shared_task

from config.jobs.tasks import request_all
from deployments.services.work import deployment_advance, deployments_due


@shared_task
def advance_deployment(deployment_id: str) -> None:
    """Take one deployment as far as it goes now."""
    deployment_advance(deployment_id=UUID(deployment_id))


@shared_task
def advance_deployments() -> int:
    """Hand every deployment that is due to a worker; return how many."""
    return request_all(advance_deployment, deployments_due())
