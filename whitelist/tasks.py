"""Imports of whitelists in the background."""

import logging
from uuid import UUID

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from whitelist.services.import_work import (
    MAX_ATTEMPTS,
    unattended_imports,
    whitelist_import_run,
)
from whitelist.services.imports import drop_old_files

logger = logging.getLogger("assayer.whitelist")


def request_import(import_id: UUID) -> None:
    """Have an import worked on in the background."""
    try:
        import_rows.delay(str(import_id))
    except (OperationalError, OSError):
        logger.warning("the broker is down: the periodic sweep will take up the import")


@shared_task(acks_late=True)
def import_rows(import_id: str) -> None:
    """Work on an import; what stops it is tried again by the sweep."""
    # Without a broker there is no sweep either.
    for _ in range(MAX_ATTEMPTS if settings.CELERY_TASK_ALWAYS_EAGER else 1):
        if whitelist_import_run(import_id=UUID(import_id)):
            return


@shared_task
def continue_imports() -> int:
    """Take up the imports that nobody works on; return how many. Forget files nobody confirmed."""
    drop_old_files()
    waiting = unattended_imports()
    for import_id in waiting:
        request_import(import_id)
    return len(waiting)
