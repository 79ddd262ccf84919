"""Verifications of the whole log that somebody asks for; they run in the background.

A request while one runs joins it. A worker that is killed leaves its lease to run out; the next
one reads the log from its beginning.
"""

import time

from django.db import transaction

from audit.checkpoints import checkpoint_sign
from audit.models import VerificationJob
from audit.principal import SYSTEM, Principal
from audit.seal import seal_events
from audit.services import record_event
from audit.verification import Progress, finding_keep, read_again
from config.api.errors import PermissionRefused
from config.jobs.models import UNFINISHED, JobStatus
from config.jobs.work import Held, JobKind, stored_once

VERIFICATION_REQUESTED = "audit.trail.verification_requested"
_PROGRESS_SECONDS = 1.0
_REFERENCE = "verificationJob"


@transaction.atomic
def verification_request(*, actor: Principal) -> VerificationJob:
    """Have the whole log verified, and return the job; the one that runs already where one does.

    Only for those who read everything; raises `PermissionRefused`.
    """
    if not actor.reads_everything:
        raise PermissionRefused("Only those who read the whole log may have it verified.")
    asked = VerificationJob(requested_by=actor.label)
    job, new = stored_once(asked, VerificationJob.objects.all())
    if new or _is_unattended(job):
        # Starts the work, once this is committed.
        record_event(
            VERIFICATION_REQUESTED, actor=actor, reference_type=_REFERENCE, reference_id=str(job.pk)
        )
    return job


def current_verification() -> VerificationJob | None:
    """Return the verification that has not finished, if there is one."""
    return VerificationJob.objects.filter(status__in=UNFINISHED).first()


def _is_unattended(job: VerificationJob) -> bool:
    """Whether nobody works on it: without a broker no sweep takes it up."""
    return job.pk in VERIFICATION_WORK.unattended()


def _verify(held: Held[VerificationJob]) -> None:
    seal_events()
    checkpoint_sign()
    found = read_again(progress=_progress(held))
    with transaction.atomic():
        row = held.locked()
        row.end(
            JobStatus.FINISHED,
            verification=finding_keep(found=found),
            events_done=found.size,
            events_total=found.size,
        )


def _progress(held: Held[VerificationJob]) -> Progress:
    """Return what writes down how far it is, once a second; it raises `LeaseLost` for others."""
    written = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal written
        if time.monotonic() - written < _PROGRESS_SECONDS:
            return
        with transaction.atomic():
            held.locked().advance(events_done=done, events_total=total)
        written = time.monotonic()

    return progress


def _failed(job: VerificationJob) -> None:
    record_event(
        "audit.trail.verification_failed",
        actor=SYSTEM,
        success=False,
        reference_type=_REFERENCE,
        reference_id=str(job.pk),
        error_message=job.error_message,
    )


VERIFICATION_WORK = JobKind(
    model=VerificationJob,
    related=(),
    work=_verify,
    failed=_failed,
    given_up="The verification could not be finished; the operator's log says why.",
)
