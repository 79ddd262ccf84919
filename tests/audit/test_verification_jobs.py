"""Verify now: asked for in the admin, one at a time, followed, and taken up where it was left."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from kombu.exceptions import OperationalError

from accounts.models import User
from audit import tasks, verification, verification_jobs
from audit.models import AuditEvent, AuditVerification, VerificationJob
from audit.verification import read_again
from audit.verification_jobs import VERIFICATION_WORK, verification_request
from config.api.errors import PermissionRefused
from config.jobs.work import MAX_ATTEMPTS
from tests.accounts.admin_pages import admin
from tests.audit.logs import recorded, signed, triggers_off
from tests.factories import event_bodies

pytestmark = pytest.mark.django_db(transaction=True)
OVERVIEW = "/admin/audit/overview/"
VERIFY = f"{OVERVIEW}verify/"
REQUESTED, FAILED = "audit.trail.verification_requested", "audit.trail.verification_failed"


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes up what is asked for."""

    def dead(*args: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.run_verification, "delay", dead)


@pytest.fixture
def job(no_broker: None, auditor: User) -> VerificationJob:
    """One that waits."""
    recorded(3)
    return verification_request(actor=auditor)


def page_of(job: VerificationJob) -> str:
    return f"/admin/audit/verificationjob/{job.pk}/change/"


def worked_on(job: VerificationJob, *, seconds: int) -> None:
    """Somebody holds the lease for so many seconds more."""
    VerificationJob.objects.filter(pk=job.pk).update(
        status="Running",
        attempts=1,
        lease=uuid4(),
        lease_until=timezone.now() + timedelta(seconds=seconds),
    )


def waits_since(job: VerificationJob, seconds: int) -> None:
    moment = timezone.now() - timedelta(seconds=seconds)
    VerificationJob.objects.filter(pk=job.pk).update(created_at=moment)


def test_the_button_verifies_the_log_and_leads_to_what_was_found(auditor: User) -> None:
    client = admin(auditor)
    recorded(3)
    assert f'action="{VERIFY}"' in client.get(OVERVIEW).text
    answered = client.post(VERIFY)
    job = VerificationJob.objects.get()
    assert (answered.status_code, answered.headers["Location"]) == (302, page_of(job))
    found = AuditVerification.objects.get()
    assert (job.status, job.verification, job.requested_by) == ("Finished", found, auditor.label)
    assert (job.events_done, job.events_total, job.progress_percent) == (
        found.size,
        found.size,
        100,
    )
    assert (found.intact, found.finding) == (True, "")
    assert found.size >= 4  # the three, and the request itself
    (requested,) = event_bodies(REQUESTED)
    assert requested["actor"] == auditor.label
    assert (requested["referenceType"], requested["referenceId"]) == (
        "verificationJob",
        str(job.pk),
    )
    assert len(event_bodies("audit.trail.verified")) == 1
    page = client.get(page_of(job))
    assert f"All {found.size} sealed events are as they were sealed." in page.text
    assert 'http-equiv="refresh"' not in page.text
    assert client.get("/admin/audit/verificationjob/").status_code == 200


def test_a_changed_event_is_found_and_named(auditor: User) -> None:
    signed(3)
    event = AuditEvent.objects.latest("seq")
    with triggers_off():
        AuditEvent.objects.filter(pk=event.pk).update(actor="<b>x</b>")
    client = admin(auditor)
    client.post(VERIFY)
    job = VerificationJob.objects.select_related("verification").get()
    assert job.status == "Finished"
    assert job.verification is not None
    assert not job.verification.intact
    assert f"event {event.pk}: actor differs from the body" in job.verification.finding
    assert len(event_bodies("audit.trail.broken")) == 1
    assert f"The log is NOT intact: {job.verification.finding}" in client.get(page_of(job)).text
    assert "NOT intact" in client.get(OVERVIEW).text


def test_who_may_ask(
    officer: User, auditor: User, administrator: User, owner: User, member: User
) -> None:
    for count, user in enumerate((officer, auditor, administrator), start=1):
        assert admin(user).post(VERIFY).status_code == 302
        assert VerificationJob.objects.count() == count
    for client in (admin(owner), admin(member), Client()):
        answered = client.post(VERIFY)
        assert answered.status_code == 302
        assert answered.headers["Location"].startswith("/admin/login/")
    with pytest.raises(PermissionRefused):
        verification_request(actor=owner)
    assert VerificationJob.objects.count() == 3
    assert len(event_bodies(REQUESTED)) == 3


def test_nothing_starts_by_looking_or_without_a_token(auditor: User) -> None:
    client = admin(auditor)
    assert client.get(VERIFY).status_code == 403
    assert client.head(VERIFY).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(auditor)
    assert strict.post(VERIFY).status_code == 403
    assert VerificationJob.objects.count() == 0
    assert event_bodies(REQUESTED) == []


def test_a_second_click_joins_the_first(job: VerificationJob, officer: User) -> None:
    answered = admin(officer).post(VERIFY)
    assert answered.headers["Location"] == page_of(job)
    worked_on(job, seconds=60)
    assert admin(officer).post(VERIFY).headers["Location"] == page_of(job)
    assert VerificationJob.objects.count() == 1
    assert len(event_bodies(REQUESTED)) == 1
    page = admin(officer).get(OVERVIEW).text
    assert "A verification is running, 0 % are done." in page
    assert page_of(job) in page


def test_the_database_allows_one_at_a_time(job: VerificationJob) -> None:
    for status in ("Queued", "Running"):
        with pytest.raises(IntegrityError), transaction.atomic():
            VerificationJob.objects.create(requested_by="x", status=status)
    VerificationJob.objects.create(requested_by="x", status="Finished")
    assert VERIFICATION_WORK.run(job.pk)
    VerificationJob.objects.create(requested_by="x")


def test_the_page_follows_a_running_one(job: VerificationJob, auditor: User) -> None:
    worked_on(job, seconds=60)
    VerificationJob.objects.filter(pk=job.pk).update(events_done=1_500, events_total=3_000)
    page = admin(auditor).get(page_of(job)).text
    assert '<meta http-equiv="refresh" content="2">' in page
    assert '<progress max="100" value="50"' in page
    assert "50 % (1,500 of 3,000 events)" in page


def test_progress_is_written_down_while_it_reads(
    job: VerificationJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, bool]] = []

    def reading(progress: Callable[[int, int], None]) -> Any:
        for done in (1, 2):
            progress(done, 3)
            row = VerificationJob.objects.get(pk=job.pk)
            assert row.lease_until is not None
            seen.append((row.events_done, row.events_total, row.lease_until > timezone.now()))
        return read_again()

    monkeypatch.setattr(verification_jobs, "read_again", reading)
    monkeypatch.setattr(verification_jobs, "_PROGRESS_SECONDS", 0.0)
    assert VERIFICATION_WORK.run(job.pk)
    assert seen == [(1, 3, True), (2, 3, True)]


def test_a_killed_worker_holds_nobody_up(
    job: VerificationJob, monkeypatch: pytest.MonkeyPatch, auditor: User
) -> None:
    def killed(progress: Callable[[int, int], None]) -> Any:
        progress(2, 3)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(verification_jobs, "read_again", killed)
        with pytest.raises(SystemExit):
            VERIFICATION_WORK.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.events_done) == ("Running", 2)
    # While the lease lasts nobody else works on it, and nobody takes it up.
    assert VERIFICATION_WORK.run(job.pk)
    assert list(VERIFICATION_WORK.unattended()) == []
    assert AuditVerification.objects.count() == 0
    VerificationJob.objects.filter(pk=job.pk).update(lease_until=timezone.now())
    assert list(VERIFICATION_WORK.unattended()) == [job.pk]
    assert VERIFICATION_WORK.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.verification) == (
        "Finished",
        2,
        AuditVerification.objects.get(),
    )


def test_without_a_sweep_the_next_click_goes_on(
    job: VerificationJob, auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on(job, seconds=-1)
    monkeypatch.setattr(tasks.run_verification, "delay", tasks.run_verification)
    answered = admin(auditor).post(VERIFY)
    assert answered.headers["Location"] == page_of(job)
    job.refresh_from_db()
    assert job.status == "Finished"
    assert AuditVerification.objects.count() == 1
    assert len(event_bodies(REQUESTED)) == 2


def test_who_lost_the_lease_keeps_nothing(
    job: VerificationJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(progress: Callable[[int, int], None]) -> Any:
        worked_on(job, seconds=60)  # somebody else took over
        return read_again()

    monkeypatch.setattr(verification_jobs, "read_again", slow)
    assert VERIFICATION_WORK.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.verification) == ("Running", None)
    assert AuditVerification.objects.count() == 0
    assert event_bodies("audit.trail.verified") == []


def test_a_defect_is_tried_again_and_not_for_ever(
    job: VerificationJob, monkeypatch: pytest.MonkeyPatch, auditor: User
) -> None:
    def broken(progress: Callable[[int, int], None]) -> Any:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr(verification_jobs, "read_again", broken)
    outcomes = [VERIFICATION_WORK.run(job.pk) for _ in range(MAX_ATTEMPTS)]
    assert outcomes == [False] * (MAX_ATTEMPTS - 1) + [True]
    job.refresh_from_db()
    assert (job.status, job.verification) == ("Failed", None)
    (failed,) = event_bodies(FAILED)
    assert (failed["success"], failed["referenceId"]) == (False, str(job.pk))
    assert "secret" not in str(failed) + job.error_message
    assert escape(job.error_message) in admin(auditor).get(page_of(job)).text
    # The next request is a new one.
    verification_request(actor=auditor)
    assert VerificationJob.objects.count() == 2


def test_a_dead_broker_leaves_it_to_the_sweep(
    job: VerificationJob, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert job.status == "Queued"
    taken: list[str] = []
    monkeypatch.setattr(tasks.run_verification, "delay", taken.append)
    assert tasks.continue_verifications() == 0
    waits_since(job, 60)
    assert tasks.continue_verifications() == 1
    assert taken == [str(job.pk)]
    scheduled = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.continue_verifications.name in scheduled


def test_a_request_that_is_rolled_back_starts_nothing(auditor: User) -> None:
    recorded(1)
    with transaction.atomic():
        verification_request(actor=auditor)
        transaction.set_rollback(True)
    assert (VerificationJob.objects.count(), AuditVerification.objects.count()) == (0, 0)


def test_the_log_is_read_in_steps(job: VerificationJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_STEP", 2)
    assert VERIFICATION_WORK.run(job.pk)
    job.refresh_from_db()
    assert job.events_done == job.events_total >= 4
    assert connection.in_atomic_block is False
