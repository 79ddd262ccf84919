"""Reports in the background: asked for once, followed, cancelled, taken up where they stopped."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Issuer, Token, User
from accounts.services import member_remove, token_reassign
from compliance import tasks
from compliance.models import ComplianceReport, ReportInput, ReportJob, ReportJobPart
from compliance.services import report_jobs, report_work
from compliance.services.metadata import metadata_upsert
from compliance.services.report_work import REPORT_WORK
from config.api.formats import utc_text
from config.jobs.work import MAX_ATTEMPTS
from deployments.models import Deployment
from jurisdictions.models import RulePack
from jurisdictions.services.lifecycle import pack_retire
from tests.compliance.conftest import ASSET
from tests.compliance.reports import URL, generate
from tests.factories import VOI, IssuerFactory, client_for, event_bodies, member_of, user_with_role
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
JOBS = f"{URL}/jobs"


@pytest.fixture
def tokens(compliant_token: Token, owner: User) -> list[Token]:
    """Five tokens of one issuer, and batches of two."""
    return [
        compliant_token,
        *(
            metadata_upsert(
                actor=owner, asset_id=asset, network=VOI, changes={"jurisdiction": "GLOBAL"}
            ).token
            for asset in range(50002, 50006)
        ),
    ]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_work, "BATCH", 2)


@pytest.fixture
def ask(issuer: Issuer, owner: User) -> Callable[..., dict[str, Any]]:
    """Ask for a job on the issuer; nothing works on it, for the transaction never commits."""

    def asked(user: User = owner, **body: Any) -> dict[str, Any]:
        wanted = {"issuerId": str(issuer.pk), "background": True, **body}
        response = client_for(user).post(URL, wanted, format="json")
        assert response.status_code == 202, response.content
        job: dict[str, Any] = response.json()["job"]
        assert response.headers["Location"] == f"{JOBS}/{job['jobId']}"
        return job

    return asked


def poll(user: User, job: dict[str, Any], **headers: str) -> Any:
    return client_for(user).get(f"{JOBS}/{job['jobId']}", **headers)


def run(job: dict[str, Any]) -> bool:
    return REPORT_WORK.run(UUID(job["jobId"]))


class Killed(BaseException):
    """What a worker that is killed leaves behind: nothing runs after it."""


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the worker die after so many batches."""
    original = report_work._keep_parts

    def arrange(batches: int) -> None:
        done = 0

        def keep(*args: Any) -> None:
            nonlocal done
            if done == batches:
                raise Killed
            done += 1
            original(*args)

        monkeypatch.setattr(report_work, "_keep_parts", keep)

    return arrange


def expire(job: dict[str, Any]) -> None:
    ReportJob.objects.filter(pk=job["jobId"]).update(lease_until=timezone.now())


def test_a_job_is_queued_followed_and_finished(
    tokens: list[Token], issuer: Issuer, owner: User, ask: Callable[..., dict[str, Any]]
) -> None:
    job = ask()
    assert (job["status"], job["progressPercent"]) == ("Queued", 0)
    assert (job["tokensTotal"], job["tokensDone"], job["reportId"]) == (5, 0, None)
    assert (job["subject"], job["issuerId"]) == ("Issuer", str(issuer.pk))
    queued = poll(owner, job)
    assert int(queued.headers["Retry-After"]) >= 1
    etag = queued.headers["ETag"]
    assert poll(owner, job, HTTP_IF_NONE_MATCH=etag).status_code == 304
    assert run(job) is True
    finished = poll(owner, job, HTTP_IF_NONE_MATCH=etag)
    assert finished.status_code == 200
    now = finished.json()["job"]
    assert (now["status"], now["progressPercent"], now["tokensDone"]) == ("Finished", 100, 5)
    assert finished.headers["Location"] == f"{URL}/{now['reportId']}"
    assert "Retry-After" not in finished.headers
    report = client_for(owner).get(finished.headers["Location"]).json()["report"]
    assert report["asOf"] == now["asOf"]
    assert len(report["content"]["tokens"]) == 5
    assert not ReportJobPart.objects.exists()
    for name in ("requested", "finished"):
        (event,) = event_bodies(f"compliance.report_job.{name}")
        assert (event["actor"], event["referenceId"]) == (owner.label, job["jobId"])


def test_it_is_the_report_that_is_made_at_once(
    tokens: list[Token], issuer: Issuer, owner: User, ask: Callable[..., dict[str, Any]]
) -> None:
    moment = utc_text(timezone.now())
    for kind in ("Full", "MicaReadiness", "AuditTrail", "ComplianceBadge"):
        run(job := ask(asOf=moment, reportType=kind))
        made = poll(owner, job).json()["job"]
        there = client_for(owner).get(f"{URL}/{made['reportId']}").json()["report"]
        now = generate(owner, assetId=None, issuerId=str(issuer.pk), asOf=moment, reportType=kind)
        assert (there["digest"], there["content"]) == (now["digest"], now["content"])


def test_a_job_says_the_same_again_while_nothing_changes(
    tokens: list[Token], issuer: Issuer, owner: User, ask: Callable[..., dict[str, Any]]
) -> None:
    report = generate(owner, assetId=None, issuerId=str(issuer.pk))
    run(job := ask())
    assert poll(owner, job).json()["job"]["reportId"] == report["reportId"]
    assert ComplianceReport.objects.count() == 1


@pytest.mark.parametrize("subject", ["assetId", "deploymentId"])
def test_every_subject_can_be_made_in_the_background(
    compliant_token: Token, owner: User, subject: str
) -> None:
    value: Any = ASSET if subject == "assetId" else str(Deployment.objects.get().pk)
    response = client_for(owner).post(
        URL, {subject: value}, format="json", HTTP_PREFER="wait=5, respond-async"
    )
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "respond-async"
    job = response.json()["job"]
    assert (job["assetId"], job["tokensTotal"]) == (ASSET, 1)
    run(job)
    made = poll(owner, job).json()["job"]
    assert made["status"] == "Finished"
    report = client_for(owner).get(f"{URL}/{made['reportId']}").json()["report"]
    assert report["digest"] == generate(owner, **{"assetId": None, subject: value})["digest"]


def test_without_a_broker_it_runs_at_once(
    tokens: list[Token],
    ask: Callable[..., dict[str, Any]],
    owner: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = ask()
    assert poll(owner, job).json()["job"]["status"] == "Finished"


def test_asking_twice_is_asking_once(
    tokens: list[Token], owner: User, officer: User, ask: Callable[..., dict[str, Any]]
) -> None:
    job = ask()
    assert ask()["jobId"] == job["jobId"]
    assert ask(reportType="AuditTrail")["jobId"] != job["jobId"]
    assert ask(asOf=utc_text(timezone.now()))["jobId"] != job["jobId"]
    assert ask(officer)["jobId"] != job["jobId"]
    assert len(event_bodies("compliance.report_job.requested")) == 4
    run(job)
    assert ask()["jobId"] != job["jobId"]


def test_the_database_allows_one_unfinished_job_for_the_same(
    tokens: list[Token], ask: Callable[..., dict[str, Any]]
) -> None:
    row = ReportJob.objects.get(pk=ask()["jobId"])
    row.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    row.status = "Cancelled"
    row.save(force_insert=True)


def test_long_reports_are_made_in_the_background_unasked(
    tokens: list[Token], issuer: Issuer, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(owner)
    monkeypatch.setattr(report_jobs, "LONG_TOKENS", 4)
    assert client.post(URL, {"issuerId": str(issuer.pk)}, format="json").status_code == 202
    monkeypatch.setattr(report_jobs, "LONG_TOKENS", 5)
    assert client.post(URL, {"issuerId": str(issuer.pk)}, format="json").status_code == 200
    monkeypatch.setattr(report_jobs, "LONG_TRAIL", 3)
    for subject in ({"issuerId": str(issuer.pk)}, {"assetId": ASSET}):
        trail = {**subject, "reportType": "AuditTrail"}
        assert client.post(URL, trail, format="json").status_code == 202
        none = {**trail, "fromDate": "2999-01-01"}
        assert client.post(URL, none, format="json").status_code == 200
        assert client.post(URL, subject, format="json").status_code == 200


def test_a_killed_worker_loses_nothing(
    tokens: list[Token],
    owner: User,
    ask: Callable[..., dict[str, Any]],
    killed_after: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = ask()
    killed_after(1)
    with pytest.raises(Killed):
        run(job)
    stopped = poll(owner, job).json()["job"]
    assert (stopped["status"], stopped["tokensDone"], stopped["progressPercent"]) == (
        "Running", 2, 40,
    )  # fmt: skip
    assert run(job) is True  # somebody holds it: nothing happens
    assert poll(owner, job).json()["job"]["tokensDone"] == 2
    assert list(REPORT_WORK.unattended()) == []
    expire(job)
    assert list(REPORT_WORK.unattended()) == [UUID(job["jobId"])]
    killed_after(99)
    seen: list[int] = []
    read = report_work.token_materials

    def counted(batch: Any, *args: Any, **more: Any) -> Any:
        seen.append(len(batch))
        return read(batch, *args, **more)

    monkeypatch.setattr(report_work, "token_materials", counted)
    run(job)
    done = poll(owner, job).json()["job"]
    assert (done["status"], done["asOf"]) == ("Finished", stopped["asOf"])
    assert seen == [2, 1]


def test_all_tokens_are_of_one_moment_though_the_record_changes_meanwhile(
    tokens: list[Token],
    issuer: Issuer,
    owner: User,
    ask: Callable[..., dict[str, Any]],
    killed_after: Callable[[int], None],
) -> None:
    before = generate(owner, assetId=None, issuerId=str(issuer.pk))
    job = ask()
    killed_after(1)
    with pytest.raises(Killed):
        run(job)
    for token in (tokens[0], tokens[4]):
        whitelist_policy_set(actor=owner, token=token, enforcement="Off")
    expire(job)
    killed_after(99)
    run(job)
    made = poll(owner, job).json()["job"]
    assert made["reportId"] == before["reportId"]  # the one that said so before the changes
    assert generate(owner, assetId=None, issuerId=str(issuer.pk))["digest"] != before["digest"]


def test_the_rule_packs_are_those_of_the_beginning(
    tokens: list[Token],
    owner: User,
    administrator: User,
    ask: Callable[..., dict[str, Any]],
    killed_after: Callable[[int], None],
) -> None:
    job = ask()
    killed_after(1)
    with pytest.raises(Killed):
        run(job)
    pack_retire(actor=administrator, pack=RulePack.objects.get(status="Active"), reason="Repealed.")
    expire(job)
    killed_after(99)
    run(job)
    made = poll(owner, job).json()["job"]
    content = client_for(owner).get(f"{URL}/{made['reportId']}").json()["report"]["content"]
    versions = [one["packVersions"] for one in content["tokens"]]
    assert versions == [versions[0]] * 5
    assert [one["id"] for one in content["inputs"]["packs"]] == ["global-baseline"]


def test_what_is_lost_meanwhile_is_begun_anew_for_a_moment_nobody_named(
    tokens: list[Token],
    owner: User,
    officer: User,
    ask: Callable[..., dict[str, Any]],
    killed_after: Callable[[int], None],
) -> None:
    unnamed, named = ask(), ask(asOf=utc_text(timezone.now()))
    for job in (unnamed, named):
        killed_after(1)
        with pytest.raises(Killed):
            run(job)
    token_reassign(actor=officer, token=tokens[4], issuer=IssuerFactory.create())
    killed_after(99)
    for job in (unnamed, named):
        expire(job)
        run(job)
    first = poll(owner, unnamed).json()["job"]
    assert (first["status"], first["tokensTotal"]) == ("Finished", 4)
    second = poll(owner, named).json()["job"]
    assert second["status"] == "Failed"
    assert "is not kept" in second["errorMessage"]
    (event,) = event_bodies("compliance.report_job.failed")
    assert (event["success"], event["errorMessage"]) == (False, second["errorMessage"])
    assert not ReportJobPart.objects.exists()


def test_what_the_asker_lost_sight_of_is_not_made(
    tokens: list[Token], issuer: Issuer, officer: User, ask: Callable[..., dict[str, Any]]
) -> None:
    guest = member_of(issuer, "Viewer")
    job = ask(guest)
    member_remove(actor=officer, member=issuer.members.get(user=guest))
    run(job)
    assert ReportJob.objects.get().status == "Failed"
    assert not ComplianceReport.objects.exists()


def test_a_defect_is_tried_again_and_not_for_ever(
    tokens: list[Token],
    owner: User,
    ask: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = ask()

    def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("a secret")

    monkeypatch.setattr(report_work, "token_materials", broken)
    outcomes = [run(job) for _ in range(MAX_ATTEMPTS)]
    assert outcomes == [False] * (MAX_ATTEMPTS - 1) + [True]
    failed = poll(owner, job).json()["job"]
    assert failed["status"] == "Failed"
    assert "secret" not in failed["errorMessage"]
    assert run(job) is True
    assert not ReportJobPart.objects.exists()


def test_who_sees_and_who_cancels(
    tokens: list[Token],
    owner: User,
    member: User,
    outsider: User,
    officer: User,
    auditor: User,
    ask: Callable[..., dict[str, Any]],
) -> None:
    job = ask()
    for user in (member, outsider):
        for method in ("get", "delete"):
            hidden = getattr(client_for(user), method)(f"{JOBS}/{job['jobId']}")
            assert (hidden.status_code, hidden.json()["errorCode"]) == (404, "NOT_FOUND")
    for user in (owner, officer, auditor):
        assert poll(user, job).status_code == 200
    assert client_for(auditor).delete(f"{JOBS}/{job['jobId']}").status_code == 403
    assert client_for(owner).get(f"{JOBS}/{uuid4()}").status_code == 404
    assert client_for(None).get(f"{JOBS}/{job['jobId']}").status_code == 401
    for _ in range(2):
        cancelled = client_for(owner).delete(f"{JOBS}/{job['jobId']}")
        assert (cancelled.status_code, cancelled.json()["job"]["status"]) == (200, "Cancelled")
    assert len(event_bodies("compliance.report_job.cancelled")) == 1
    assert run(job) is True
    assert not ComplianceReport.objects.exists()
    run(other := ask())
    late = client_for(owner).delete(f"{JOBS}/{other['jobId']}")
    assert (late.status_code, late.json()["errorCode"]) == (409, "CONFLICT")


def test_a_cancelled_job_stops_between_two_batches(
    tokens: list[Token],
    owner: User,
    ask: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = ask()
    original = report_work._keep_parts

    def keep(*args: Any) -> None:
        original(*args)
        client_for(owner).delete(f"{JOBS}/{job['jobId']}")

    monkeypatch.setattr(report_work, "_keep_parts", keep)
    assert run(job) is True
    assert poll(owner, job).json()["job"]["status"] == "Cancelled"
    assert not ReportJobPart.objects.exists()
    assert not ComplianceReport.objects.exists()
    assert not ReportInput.objects.filter(kind="Snapshot").exists()


def test_a_dead_broker_leaves_the_job_to_the_sweep(
    tokens: list[Token],
    owner: User,
    ask: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def dead(*args: Any) -> None:
        raise OperationalError("no broker")

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(tasks.make_report, "delay", dead)
        job = ask()
    assert poll(owner, job).json()["job"]["status"] == "Queued"
    assert tasks.continue_report_jobs() == 0  # it may be in the queue still
    old = timezone.now() - timedelta(minutes=1)
    ReportJob.objects.filter(pk=job["jobId"]).update(created_at=old)
    assert tasks.continue_report_jobs() == 1
    assert poll(owner, job).json()["job"]["status"] == "Finished"
    assert tasks.continue_report_jobs() == 0


def test_the_sweep_is_scheduled(settings: Any) -> None:
    scheduled = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.continue_report_jobs.name in scheduled


def test_a_number_of_tokens_costs_no_number_of_statements(
    tokens: list[Token], issuer: Issuer, owner: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(60):
        generate(owner, assetId=None, issuerId=str(issuer.pk))


def test_an_administrator_role_is_not_needed_to_read_ones_own(
    tokens: list[Token], issuer: Issuer, ask: Callable[..., dict[str, Any]]
) -> None:
    auditor = user_with_role("Auditor")
    job = ask(auditor)
    run(job)
    assert poll(auditor, job).json()["job"]["status"] == "Finished"
    assert ComplianceReport.objects.get().created_by == auditor.label
    assert issuer.reports.count() == 1
