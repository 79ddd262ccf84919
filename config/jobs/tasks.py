"""Handing jobs to the workers; nothing is lost where the broker is down, for the row says all."""

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from kombu.exceptions import OperationalError

logger = logging.getLogger("assayer.jobs")


def request(task: Any, job_id: UUID) -> None:
    """Have `task` work on a job in the background."""
    try:
        task.delay(str(job_id))
    except (OperationalError, OSError):
        logger.warning(
            "the broker is down: the periodic sweep will take up the job", extra={"task": task.name}
        )


def request_all(task: Any, job_ids: Iterable[UUID]) -> int:
    """Have `task` work on each job; return how many."""
    count = 0
    for job_id in job_ids:
        request(task, job_id)
        count += 1
    return count
