"""Imports of whitelists in the background."""

from uuid import UUID

from celery import shared_task

from config.jobs.tasks import request, request_all
from whitelist.services.import_work import IMPORT_WORK
from whitelist.services.imports import drop_old_files


def request_import(import_id: UUID) -> None:
    """Have an import worked on in the background."""
    request(import_rows, import_id)


@shared_task(acks_late=True)
def import_rows(import_id: str) -> None:
    """Work on an import; what stops it is tried again by the sweep."""
    IMPORT_WORK.attempt(UUID(import_id))


@shared_task
def continue_imports() -> int:
    """Take up the imports that nobody works on; return how many. Forget files nobody confirmed."""
    drop_old_files()
    return request_all(import_rows, IMPORT_WORK.unattended())
