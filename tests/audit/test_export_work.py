"""The work on exports: what is in the files, and whoever stops it."""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from django.test import override_settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import User
from audit import tasks
from audit.exports import files, sheets, work
from audit.exports.models import ExportJob, ExportPart
from audit.exports.services import exports_expire
from audit.exports.work import EXPORT_WORK
from audit.models import AuditEvent
from config.jobs.work import MAX_ATTEMPTS
from tests.audit.exports import (
    FIRST,
    LIST,
    BrokenStorage,
    ask,
    content,
    entries,
    job_of,
    recorded,
)
from tests.factories import client_for, event_bodies

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("as_if_committed", "small_parts"),
]
ROWS = 10  # three parts


@pytest.fixture
def log() -> None:
    recorded(ROWS)


def run(export: dict[str, Any]) -> ExportJob:
    assert EXPORT_WORK.run(UUID(export["exportId"])) is True
    return job_of(export)


def direct(user: User, form: str) -> bytes:
    response = client_for(user).get(f"{LIST}/export/{form}")
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


class TestFiles:
    def test_csv_is_the_direct_export(self, log: None, officer: User) -> None:
        export = ask(officer)
        assert (export["status"], export["progressPercent"]) == ("Queued", 0)
        assert (export["rowsTotal"], export["rowsDone"], export["download"]) == (None, 0, None)
        job = run(export)
        assert (job.status, job.rows_done, job.rows_total) == ("Finished", ROWS, ROWS)
        assert [part.rows for part in job.parts.order_by("number")] == [4, 4, 2]
        raw = content(officer, export)
        assert raw == direct(officer, "csv")
        assert len(list(csv.reader(io.StringIO(raw.decode(), newline="")))) == ROWS + 1
        assert (job.size, job.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())

    def test_json_has_the_entries_and_the_envelope_of_the_list(
        self, log: None, officer: User
    ) -> None:
        export = ask(officer, format="json")
        run(export)
        raw = content(officer, export)
        listed = json.loads(direct(officer, "json"))
        assert entries(raw) == listed["entries"]
        assert len(entries(raw)) == ROWS
        document = json.loads(raw)
        assert (document["success"], document["totalCount"]) == (True, ROWS)
        assert document["retentionPolicy"] == listed["retentionPolicy"]

    def test_ndjson_has_the_bodies_and_a_trailer_that_names_their_hash(
        self, log: None, officer: User
    ) -> None:
        export = ask(officer, format="ndjson")
        run(export)
        *lines, trailer = content(officer, export).decode().splitlines(keepends=True)
        wanted = AuditEvent.objects.filter(category="Compliance").order_by("-occurred_at", "-seq")
        assert "".join(lines) == "".join(f"{event.body}\n" for event in wanted)
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        assert json.loads(trailer) == {
            "trailer": {"rows": ROWS, "sha256": digest, "complete": True}
        }

    @pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
    def test_gzip_holds_the_same(self, log: None, officer: User, form: str) -> None:
        plain, zipped = ask(officer, format=form), ask(officer, format=form, gzip=True)
        run(plain)
        job = run(zipped)
        raw = content(officer, zipped)
        assert gzip.decompress(raw) == content(officer, plain)
        assert raw[4:8] == bytes(4)  # no time
        assert (job.size, job.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
        assert job.file_name.endswith(f".{form}.gz")

    def test_xlsx_has_text_as_text_on_as_many_sheets_as_it_takes(
        self, log: None, officer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheets, "SHEET_ROWS", 6)
        export = ask(officer, format="xlsx")
        job = run(export)
        raw = content(officer, export)
        assert (job.size, job.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
        read = list(csv.reader(io.StringIO(direct(officer, "csv").decode(), newline="")))
        first, second = (sheet_rows(raw, number) for number in (1, 2))
        assert first[0] == second[0] == read[0]
        told = [*first[1:], *second[1:]]
        assert (len(first), len(second)) == (7, 5)
        # What the guard of CSV adds is not in a sheet, whose text never is a formula.
        notes = read[0].index("Notes")
        assert [row[notes] for row in told] == [row[notes].removeprefix("'") for row in read[1:]]
        assert [row[:3] for row in told] == [row[:3] for row in read[1:]]
        assert b"<f>" not in zipfile.ZipFile(io.BytesIO(raw)).read("xl/worksheets/sheet1.xml")
        assert [part.number for part in job.parts.all()] == [1]
        assert len(files.export_storage().listdir(str(job.pk))[1]) == 1

    @pytest.mark.parametrize("form", ["csv", "json", "ndjson", "xlsx"])
    def test_an_export_of_nothing_is_a_whole_file(self, officer: User, form: str) -> None:
        export = ask(officer, format=form)
        job = run(export)
        assert (job.status, job.rows_total, job.progress_percent) == ("Finished", 0, 100)
        raw = content(officer, export)
        if form == "csv":
            assert raw == direct(officer, "csv")
        if form == "json":
            assert (json.loads(raw)["entries"], json.loads(raw)["totalCount"]) == ([], 0)
        if form == "ndjson":
            digest = hashlib.sha256(b"").hexdigest()
            assert json.loads(raw)["trailer"] == {"rows": 0, "sha256": digest, "complete": True}
        if form == "xlsx":
            assert len(sheet_rows(raw, 1)) == 1

    def test_filters_and_scope_are_those_of_the_request(
        self, log: None, officer: User, owner: User
    ) -> None:
        (issuer,) = owner.issuer_ids
        recorded(3, issuer_id=issuer, at=FIRST + timedelta(days=1))
        mine = ask(owner, format="json")
        day = ask(officer, format="json", filters={"toDate": "2026-01-22", "success": False})
        assert day["filters"] == {"toDate": "2026-01-22", "success": "false"}
        assert day["criteria"] == "ToDate=2026-01-22T23:59:59.999999Z, Success=False"
        assert [run(mine).rows_total, run(day).rows_total] == [3, 2]
        assert all(entry["performedAt"] > "2026-01-23" for entry in entries(content(owner, mine)))
        assert all(not entry["success"] for entry in entries(content(officer, day)))


def sheet_rows(raw: bytes, number: int) -> list[list[str]]:
    """Read a sheet as a program that knows the format does."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    text = zipfile.ZipFile(io.BytesIO(raw)).read(f"xl/worksheets/sheet{number}.xml")
    columns = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    rows = []
    for row in ElementTree.fromstring(text).iter(f"{space}row"):  # noqa: S314 - our own file
        cells = {}
        for cell in row:
            value = "".join(cell.itertext()).replace("_x000D_", "\r")
            if cell.get("t") == "b":
                value = {"1": "True", "0": "False"}[value]
            cells[columns.index((cell.get("r") or "A")[0])] = value
        rows.append([cells.get(column, "") for column in range(15)])
    return rows


class Killed(BaseException):
    """What a worker that is killed leaves behind: nothing runs after it."""


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Have the worker die when it calls a function of the work for that time."""

    def arrange(name: str, call: int) -> None:
        original, calls = getattr(work, name), 0

        def dying(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                monkeypatch.setattr(work, name, original)
                raise Killed
            return original(*args, **kwargs)

        monkeypatch.setattr(work, name, dying)

    return arrange


class TestStops:
    @pytest.mark.parametrize("form", ["csv", "json", "ndjson", "xlsx"])
    @pytest.mark.parametrize(
        ("name", "call"),
        [("file_store", 2), ("_deleted_unless_recorded", 2), ("_checked", 2), ("_finish", 1)],
    )
    def test_the_next_worker_makes_the_same_file(
        self,
        log: None,
        officer: User,
        killed_at: Callable[[str, int], None],
        form: str,
        name: str,
        call: int,
    ) -> None:
        whole = ask(officer, format=form)
        ExportJob.objects.update(created_at=FIRST)  # a workbook knows when it was asked for
        run(whole)
        stopped = ask(officer, format=form)
        ExportJob.objects.update(created_at=FIRST)
        killed_at(name, call)
        with pytest.raises(Killed):
            EXPORT_WORK.run(UUID(stopped["exportId"]))
        left = job_of(stopped)
        assert (left.status, left.rows_done) == (
            "Running",
            sum(left.parts.values_list("rows", flat=True)),
        )
        assert EXPORT_WORK.run(left.pk) is True  # somebody holds it: nothing is done
        assert job_of(stopped).status == "Running"
        ExportJob.objects.filter(pk=left.pk).update(lease_until=timezone.now())
        assert EXPORT_WORK.unattended() == [left.pk]
        assert run(stopped).status == "Finished"
        assert content(officer, stopped) == content(officer, whole)
        assert job_of(stopped).sha256 == job_of(whole).sha256
        assert len(event_bodies("audit.export.finished")) == 2

    def test_cancelled_midway_it_stops_and_its_files_go(
        self, log: None, officer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        export = ask(officer)
        original = work.file_store

        def cancelling(name: str, *args: Any, **kwargs: Any) -> Any:
            stored = original(name, *args, **kwargs)
            if "/000002-" in name:
                path = f"/api/v1/exports/{export['exportId']}/cancel"
                assert client_for(officer).post(path).status_code == 200
            return stored

        monkeypatch.setattr(work, "file_store", cancelling)
        assert EXPORT_WORK.run(UUID(export["exportId"])) is True
        job = job_of(export)
        assert (job.status, job.rows_done, job.parts.count()) == ("Cancelled", 4, 1)
        assert job.lease is None
        assert EXPORT_WORK.run(job.pk) is True
        assert job_of(export).status == "Cancelled"
        assert exports_expire() == 0  # its worker may still be writing
        ExportJob.objects.update(finished_at=timezone.now() - timedelta(hours=1))
        assert exports_expire() == 1
        assert not ExportPart.objects.exists()
        with pytest.raises(FileNotFoundError):
            files.export_storage().listdir(str(job.pk))
        assert len(event_bodies("audit.export.cancelled")) == 1
        assert len(event_bodies("audit.export.expired")) == 1
        assert event_bodies("audit.export.finished") == []

    def test_a_part_that_was_altered_is_made_anew(
        self, log: None, officer: User, killed_at: Callable[[str, int], None]
    ) -> None:
        export = ask(officer)
        killed_at("_checked", 1)
        with pytest.raises(Killed):
            EXPORT_WORK.run(UUID(export["exportId"]))
        storage = files.export_storage()
        second = job_of(export).parts.get(number=2)
        with storage.open(second.name, "wb") as file:
            file.write(b"nonsense")
        ExportJob.objects.update(lease_until=timezone.now())
        assert EXPORT_WORK.run(second.job_id) is False
        job = job_of(export)
        assert (job.status, job.rows_done) == ("Queued", 4)
        assert run(export).status == "Finished"
        assert content(officer, export) == direct(officer, "csv")

    def test_a_part_that_is_gone_is_made_anew(
        self, log: None, officer: User, killed_at: Callable[[str, int], None]
    ) -> None:
        export = ask(officer, gzip=True)
        killed_at("_checked", 1)
        with pytest.raises(Killed):
            EXPORT_WORK.run(UUID(export["exportId"]))
        files.export_storage().delete(job_of(export).parts.get(number=1).name)
        ExportJob.objects.update(lease_until=timezone.now())
        assert EXPORT_WORK.run(UUID(export["exportId"])) is False
        assert job_of(export).rows_done == 0
        assert run(export).status == "Finished"
        assert gzip.decompress(content(officer, export)) == direct(officer, "csv")


BROKEN = {
    "exports": {"BACKEND": "tests.audit.exports.BrokenStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


class TestBrokenStorage:
    def test_it_is_tried_again_and_then_given_up(self, log: None, officer: User) -> None:
        export = ask(officer)
        with override_settings(STORAGES=BROKEN):
            for _ in range(MAX_ATTEMPTS - 1):
                assert EXPORT_WORK.run(UUID(export["exportId"])) is False
                assert job_of(export).status == "Queued"
            job = run(export)
        assert (job.status, job.rows_done) == ("Failed", 0)
        assert job.error_message == (
            "The export could not be written; the operator's log says why. Ask again later."
        )
        (event,) = event_bodies("audit.export.failed")
        assert (event["success"], event["errorMessage"]) == (False, job.error_message)
        assert event["referenceId"] == export["exportId"]

    def test_a_store_that_comes_back_loses_nothing(self, log: None, officer: User) -> None:
        export = ask(officer)
        with override_settings(STORAGES=BROKEN):
            assert EXPORT_WORK.run(UUID(export["exportId"])) is False
            with BrokenStorage.up():
                assert run(export).status == "Finished"
                raw = content(officer, export)
            answer = client_for(officer).get(f"/api/v1/exports/{export['exportId']}/download")
            assert answer.status_code == 503
            assert answer.json()["errorCode"] == "SERVICE_UNAVAILABLE"
            ExportJob.objects.update(expires_at=timezone.now())
            assert exports_expire() == 0  # what cannot be deleted now is left to the next run
            assert job_of(export).cleared_at is None
            with BrokenStorage.up():
                assert exports_expire() == 1
        assert raw == direct(officer, "csv")

    def test_progress_begins_the_count_of_attempts_anew(self, log: None, officer: User) -> None:
        export = ask(officer)
        ExportJob.objects.update(attempts=MAX_ATTEMPTS - 1)
        assert run(export).attempts == 1


class TestWhatIsInside:
    def test_a_log_that_lost_events_fails_the_export(
        self, log: None, officer: User, killed_at: Callable[[str, int], None]
    ) -> None:
        export = ask(officer)
        killed_at("file_store", 2)
        with pytest.raises(Killed):
            EXPORT_WORK.run(UUID(export["exportId"]))
        ExportJob.objects.update(lease_until=timezone.now(), rows_total=ROWS + 1)
        job = run(export)
        assert job.status == "Failed"
        assert job.error_message == (
            f"The log does not hold just the {ROWS + 1} events any more that were counted."
        )


class TestTasks:
    def test_a_dead_broker_leaves_it_to_the_sweep(
        self,
        log: None,
        officer: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        def refused(*args: Any) -> None:
            raise OperationalError

        monkeypatch.setattr(tasks.write_export, "delay", refused)
        with django_capture_on_commit_callbacks(execute=True):
            export = ask(officer)
        assert job_of(export).status == "Queued"
        assert EXPORT_WORK.unattended() == []
        ExportJob.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        assert EXPORT_WORK.unattended() == [UUID(export["exportId"])]

    def test_the_sweep_takes_up_what_nobody_works_on(self, log: None, officer: User) -> None:
        export = ask(officer)
        assert tasks.continue_exports() == 0
        ExportJob.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        assert tasks.continue_exports() == 1
        assert job_of(export).status == "Finished"
        assert tasks.continue_exports() == 0

    def test_without_a_broker_it_runs_after_the_commit(
        self, log: None, officer: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            export = ask(officer)
        assert job_of(export).status == "Finished"

    def test_expired_files_are_deleted_and_the_row_stays(self, log: None, officer: User) -> None:
        export = ask(officer)
        job = run(export)
        assert tasks.expire_exports() == 0
        assert job.expires_at is not None
        assert job.finished_at is not None
        kept = job.expires_at - job.finished_at
        assert timedelta(hours=72) - kept < timedelta(seconds=5)
        ExportJob.objects.update(expires_at=timezone.now())
        answer = client_for(officer).get(f"/api/v1/exports/{job.pk}/download")
        assert (answer.status_code, answer.json()["errorCode"]) == (410, "EXPORT_EXPIRED")
        assert tasks.expire_exports() == 1
        assert tasks.expire_exports() == 0
        assert not ExportPart.objects.exists()
        with pytest.raises(FileNotFoundError):
            files.export_storage().listdir(str(job.pk))
        gone = client_for(officer).get(f"/api/v1/exports/{job.pk}").json()["export"]
        assert (gone["status"], gone["download"]) == ("Finished", None)
        assert gone["sha256"] == job.sha256
        (event,) = event_bodies("audit.export.expired")
        assert (event["actor"], event["referenceId"]) == ("system", str(job.pk))
        assert client_for(officer).get(f"/api/v1/exports/{job.pk}/download").status_code == 410
