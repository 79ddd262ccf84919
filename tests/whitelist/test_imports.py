"""Imports of CSV files: what is written and what is not, whoever stops it."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import IssuerMember, Token, User
from accounts.services import member_remove
from audit.models import AuditEvent
from config.jobs.work import MAX_ATTEMPTS
from tests.factories import (
    ARAMID,
    TokenFactory,
    client_for,
    event_bodies,
    member_of,
    wallet,
)
from tests.whitelist.imports import IMPORTS, counts, csv_of, listed, requested, rows_of, send
from whitelist import csv_rows, tasks
from whitelist.choices import BulkMode
from whitelist.models import (
    WhitelistEntry,
    WhitelistImport,
    WhitelistImportFile,
    WhitelistImportRejection,
)
from whitelist.services import import_work
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.import_work import IMPORT_WORK

pytestmark = pytest.mark.django_db
FULL = (
    "Address,Status,Reason,ExpirationDate,KycVerified,KycVerificationDate,KycProvider,"
    "InvestorCategory,JurisdictionCode"
)


@pytest.fixture
def token(issuer: Any) -> Token:
    return TokenFactory.create(issuer=issuer)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_work, "BATCH", 2)


def run(row: WhitelistImport) -> WhitelistImport:
    assert IMPORT_WORK.run(row.pk) is True
    row.refresh_from_db()
    return row


def changes() -> list[str]:
    rows = AuditEvent.objects.filter(name__startswith="whitelist.entry.").order_by("seq")
    return [f"{name} {address}" for name, address in rows.values_list("name", "affected_address")]


class TestWhatIsWritten:
    def test_each_row_has_its_own_values(self, token: Token, owner: User) -> None:
        row = requested(
            owner,
            token,
            csv_of(
                f"{wallet(1)},Active,Known,2027-01-21,true,2026-01-15,Sumsub,Professional,DE",
                f"{wallet(2)},Inactive,,,false,,,RetailInvestor,us-ny",
                f"{wallet(3)},,,,,,,,",
                header=FULL,
            ),
        )
        assert run(row).status == "Finished"
        first, second, third = (
            WhitelistEntry.objects.get(token=token, address=wallet(number)) for number in (1, 2, 3)
        )
        assert first.reason == "Known"
        assert first.expiration_date == datetime(2027, 1, 21, tzinfo=UTC)
        assert first.kyc_verified is True
        assert first.kyc_verification_date == datetime(2026, 1, 15, tzinfo=UTC)
        assert (first.kyc_provider, first.investor_category) == ("Sumsub", "Professional")
        assert first.jurisdiction_code == "DE"
        assert (second.status, second.kyc_verified) == ("Inactive", False)
        assert (second.investor_category, second.jurisdiction_code) == ("RetailInvestor", "US-NY")
        assert (third.status, third.reason, third.investor_category) == ("Active", None, None)
        assert counts(row) == (3, 0, 0, 0)
        assert first.created_by == owner.label

    def test_created_changed_unchanged_and_one_event_for_each_that_is_written(
        self, token: Token, owner: User
    ) -> None:
        for number in (1, 2):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(number), reason="Known")
        before = len(changes())
        row = run(
            requested(
                owner,
                token,
                csv_of(
                    f"{wallet(1)},,Known",
                    f"{wallet(2)},Inactive",
                    f"{wallet(3)},Active,New",
                ),
            )
        )
        assert counts(row) == (1, 1, 1, 0)
        assert changes()[before:] == [
            f"whitelist.entry.updated {wallet(2)}",
            f"whitelist.entry.created {wallet(3)}",
        ]
        kept = WhitelistEntry.objects.get(address=wallet(2))
        assert (kept.status, kept.reason) == ("Inactive", "Known")

    def test_a_second_time_changes_nothing(self, token: Token, owner: User) -> None:
        raw = csv_of(*rows_of(5, more=",Active,Known,true,Sumsub"))
        run(requested(owner, token, raw))
        before = changes()
        assert counts(run(requested(owner, token, raw))) == (0, 0, 5, 0)
        assert changes() == before

    def test_rejected_rows_are_left_out_with_line_and_reason(
        self, token: Token, owner: User
    ) -> None:
        raw = csv_of(
            f"{wallet(1)},Active",
            "nonsense,Active",
            f"{wallet(2)},Frozen",
            f"{wallet(1).lower()},Inactive",
            f'{wallet(3)},Active,"two\nlines"',
            ",Active",
            f"{wallet(4)},Active",
        )
        row = run(requested(owner, token, raw))
        assert counts(row) == (3, 0, 0, 4)
        assert set(listed(token)) == {wallet(1), wallet(3), wallet(4)}
        found = list(row.rejections.order_by("line").values_list("line", "address"))
        assert found == [
            (3, "nonsense"),
            (4, wallet(2)),
            (5, wallet(1)),
            (8, ""),
        ]
        reasons = dict(row.rejections.values_list("line", "reason"))
        assert reasons[3].startswith("Address: ")
        assert reasons[4] == "Status: must be one of Active, Inactive, Revoked"
        assert reasons[5] == "The address is in line 2 already."
        assert reasons[8] == "Address: must not be empty"

    def test_the_rules_of_the_network_hold_for_each_row(self, issuer: Any, owner: User) -> None:
        token = TokenFactory.create(issuer=issuer, network=ARAMID)
        raw = csv_of(f"{wallet(1)},Active,,true,Sumsub", f"{wallet(2)},Active,,false,")
        row = run(requested(owner, token, raw))
        assert counts(row) == (1, 0, 0, 1)
        (rejection,) = row.rejections.all()
        assert "requires KYC verification" in rejection.reason

    @pytest.mark.parametrize(
        ("cell", "reason"),
        [("mainnet-v1.0,", "Network: this token is on"), (",77", "AssetId: this import is for")],
    )
    def test_a_row_of_another_token_is_rejected(
        self, token: Token, owner: User, cell: str, reason: str
    ) -> None:
        raw = csv_of(f"{wallet(1)},{cell}", header="Address,Network,AssetId")
        row = run(requested(owner, token, raw))
        assert counts(row) == (0, 0, 0, 1)
        assert row.rejections.get().reason.startswith(reason)

    def test_what_was_exported_is_imported_unchanged(self, token: Token, owner: User) -> None:
        whitelist_entry_upsert(
            actor=owner,
            token=token,
            address=wallet(1),
            reason='=cmd|"x"\nsecond',
            kyc_verified=True,
        )
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(2), status="Inactive")
        url = f"/api/v1/whitelist/{token.asset_id}/export/csv"
        file = b"".join(client_for(owner).get(url).streaming_content)
        assert counts(run(requested(owner, token, file))) == (0, 0, 2, 0)


class TestAllOrNothing:
    def test_a_rejected_row_stops_the_whole(self, token: Token, owner: User) -> None:
        raw = csv_of(*rows_of(3), "nonsense")
        row = run(requested(owner, token, raw, BulkMode.ALL))
        assert (row.status, counts(row)) == ("Failed", (0, 0, 0, 1))
        assert "so nothing was written" in row.error_message
        assert listed(token) == {}
        assert changes() == []
        assert row.rejections.count() == 1

    def test_a_good_file_is_written_whole(self, token: Token, owner: User) -> None:
        row = run(requested(owner, token, csv_of(*rows_of(5)), BulkMode.ALL))
        assert (row.status, counts(row), len(listed(token))) == ("Finished", (5, 0, 0, 0), 5)
        assert len(changes()) == 5

    def test_what_stops_it_midway_leaves_nothing(
        self, token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = requested(owner, token, csv_of(*rows_of(6)), BulkMode.ALL)
        original, written = import_work.whitelist_entries_upsert, []

        def dying(**call: Any) -> Any:
            if not call["dry_run"]:
                written.append(1)
                if len(written) == 2:
                    raise RuntimeError("the disk is full")
            return original(**call)

        monkeypatch.setattr(import_work, "whitelist_entries_upsert", dying)
        assert IMPORT_WORK.run(row.pk) is False
        assert (listed(token), changes()) == ({}, [])
        monkeypatch.setattr(import_work, "whitelist_entries_upsert", original)
        assert run(row).status == "Finished"
        assert (len(listed(token)), counts(row)) == (6, (6, 0, 0, 0))

    def test_a_row_that_cannot_be_used_any_more_stops_the_whole(
        self, token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = requested(owner, token, csv_of(*rows_of(4)), BulkMode.ALL)
        original = import_work._apply

        def changed(*args: Any, write: bool) -> Any:
            done = original(*args, write=write)
            if write:
                return done._replace(rejected=[(args[1][0], "it is blocked now")])
            return done

        monkeypatch.setattr(import_work, "_apply", changed)
        run(row)
        assert (row.status, listed(token), changes()) == ("Failed", {}, [])
        assert row.error_message == "Line 2 cannot be used any more: it is blocked now"
        assert counts(row) == (0, 0, 0, 0)


class TestDryRun:
    @pytest.mark.parametrize("mode", list(BulkMode))
    def test_it_changes_nothing_and_says_what_would_be(
        self, token: Token, owner: User, mode: BulkMode
    ) -> None:
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), reason="Known")
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(2))
        raw = csv_of(f"{wallet(1)},,Other", f"{wallet(2)}", f"{wallet(3)}", "nonsense")
        entries, before = list(WhitelistEntry.objects.values_list()), changes()
        row = run(requested(owner, token, raw, mode, dry_run=True))
        assert (row.status, counts(row)) == ("Finished", (1, 1, 1, 1))
        assert list(WhitelistEntry.objects.values_list()) == entries
        assert changes() == before
        (event,) = event_bodies("whitelist.import.finished")
        assert event["details"]["dryRun"] is True

    def test_it_foretells_the_import(self, token: Token, owner: User) -> None:
        raw = csv_of(*rows_of(5), "nonsense", *rows_of(2, first=3))
        foretold = counts(run(requested(owner, token, raw, dry_run=True)))
        assert counts(run(requested(owner, token, raw))) == foretold == (5, 0, 0, 3)


class Killed(BaseException):
    """What a worker that is killed leaves behind: nothing runs after it."""


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the worker die after so many batches."""
    original = import_work._do_batch

    def arrange(batches: int) -> None:
        done = 0

        def do(*args: Any, **kwargs: Any) -> None:
            nonlocal done
            if done == batches:
                raise Killed
            done += 1
            original(*args, **kwargs)

        monkeypatch.setattr(import_work, "_do_batch", do)

    return arrange


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_the_next_worker_goes_on_with_no_row_twice_and_none_missing(
    token: Token,
    owner: User,
    killed_after: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
) -> None:
    raw = csv_of(*rows_of(3), "nonsense", *rows_of(3, first=3))
    row = requested(owner, token, raw)
    killed_after(batches)
    with pytest.raises(Killed):
        IMPORT_WORK.run(row.pk)
    row.refresh_from_db()
    assert (row.status, row.rows_done) == ("Running", 2 * batches)
    monkeypatch.undo()
    monkeypatch.setattr(import_work, "BATCH", 2)
    assert run(row).status == "Running"  # its lease holds: nobody else works on it
    assert IMPORT_WORK.unattended() == []
    WhitelistImport.objects.update(lease_until=timezone.now())
    assert IMPORT_WORK.unattended() == [row.pk]
    assert run(row).status == "Finished"
    assert counts(row) == (6, 0, 0, 1)
    created = [f"whitelist.entry.created {wallet(number)}" for number in range(6)]
    assert sorted(changes()) == sorted(created)
    assert row.rejections.count() == 1
    assert not WhitelistImportFile.objects.exists()


def test_after_too_many_attempts_it_is_given_up(token: Token, owner: User) -> None:
    row = requested(owner, token, csv_of(*rows_of(2)))
    WhitelistImport.objects.update(attempts=MAX_ATTEMPTS)
    assert run(row).status == "Failed"
    assert "operator's log" in row.error_message
    (event,) = event_bodies("whitelist.import.failed")
    assert event["success"] is False


def test_a_defect_is_tried_again_and_then_given_up(
    token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**call: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(import_work, "whitelist_entries_upsert", broken)
    row = requested(owner, token, csv_of(*rows_of(2)))
    for _ in range(MAX_ATTEMPTS - 1):
        assert IMPORT_WORK.run(row.pk) is False
        row.refresh_from_db()
        assert row.status == "Queued"
    assert run(row).status == "Failed"
    assert "a defect" not in row.error_message


def test_who_may_not_write_any_more_writes_nothing_more(
    token: Token, issuer: Any, owner: User, administrator: User
) -> None:
    member_of(issuer, "Owner")  # an issuer keeps one
    row = requested(owner, token, csv_of(*rows_of(4)))
    member_remove(actor=administrator, member=IssuerMember.objects.get(user=owner))
    run(row)
    assert (row.status, listed(token)) == ("Failed", {})


class TestWithoutAWorker:
    def test_a_dead_broker_leaves_it_queued_and_the_sweep_takes_it_up(
        self,
        token: Token,
        owner: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        def dead(*args: Any) -> None:
            raise OperationalError("no broker")

        with monkeypatch.context() as patch:
            patch.setattr(tasks.import_rows, "delay", dead)
            with django_capture_on_commit_callbacks(execute=True):
                answer = send(owner, token, csv_of(*rows_of(3)))
            assert (answer.status_code, answer.json()["import"]["status"]) == (202, "Queued")
        assert tasks.continue_imports() == 0  # a worker may take it up any moment
        WhitelistImport.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        assert tasks.continue_imports() == 1
        assert WhitelistImport.objects.get().status == "Finished"
        assert len(listed(token)) == 3

    def test_without_a_broker_it_runs_at_once(
        self, token: Token, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            send(owner, token, csv_of(*rows_of(3)))
        assert WhitelistImport.objects.get().status == "Finished"


def test_the_sweep_is_scheduled() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.continue_imports.name in scheduled


class TestTheApi:
    def test_asked_for_followed_and_finished(self, token: Token, owner: User) -> None:
        raw = csv_of(*rows_of(2), "=nonsense")
        asked = send(owner, token, raw, name="holders 2026.csv")
        assert asked.status_code == 202, asked.content
        document = asked.json()["import"]
        assert asked.headers["Location"] == f"{IMPORTS}/{document['importId']}"
        assert document["status"] == "Queued"
        assert (document["rowsTotal"], document["rowsDone"]) == (3, 0)
        assert (document["fileName"], document["mode"]) == ("holders 2026.csv", "Partial")
        assert (document["assetId"], document["network"]) == (token.asset_id, token.network)
        assert document["requestedBy"] == owner.label
        client, url = client_for(owner), asked.headers["Location"]
        queued = client.get(url)
        assert int(queued.headers["Retry-After"]) >= 1
        etag = queued.headers["ETag"]
        again = client.get(url, HTTP_IF_NONE_MATCH=etag)
        assert (again.status_code, again.headers["Retry-After"]) == (304, "2")
        run(WhitelistImport.objects.get())
        done = client.get(url, HTTP_IF_NONE_MATCH=etag)
        assert "Retry-After" not in done.headers
        after = done.json()["import"]
        assert (after["status"], after["progressPercent"], after["rowsDone"]) == (
            "Finished",
            100,
            3,
        )
        assert [after[name] for name in ("created", "changed", "unchanged", "rejected")] == [
            2,
            0,
            0,
            1,
        ]
        assert after["firstRejected"][0]["line"] == 4
        file = client.get(after["rejectedRowsUrl"])
        text = b"".join(file.streaming_content).decode()
        header, row = list(csv.reader(io.StringIO(text)))
        assert header == ["Line", "Address", "Reason"]
        assert row[:2] == ["4", "'=nonsense"]  # guarded against formulas
        assert file.headers["X-Export-Total"] == "1"

    def test_progress_is_seen_while_it_runs(self, token: Token, owner: User) -> None:
        row = requested(owner, token, csv_of(*rows_of(4)))
        WhitelistImport.objects.update(status="Running", rows_done=2)
        seen = client_for(owner).get(f"{IMPORTS}/{row.pk}").json()["import"]
        assert (seen["progressPercent"], seen["rowsDone"]) == (50, 2)

    def test_the_same_file_while_it_is_worked_on_is_the_same_import(
        self, token: Token, owner: User, officer: User
    ) -> None:
        raw = csv_of(*rows_of(2))
        first = send(owner, token, raw).json()["import"]["importId"]
        assert send(owner, token, raw).json()["import"]["importId"] == first
        assert len(event_bodies("whitelist.import.requested")) == 1
        others = {
            send(owner, token, raw, dryRun="true").json()["import"]["importId"],
            send(owner, token, raw, mode="all").json()["import"]["importId"],
            send(officer, token, raw).json()["import"]["importId"],
            send(owner, token, csv_of(*rows_of(3))).json()["import"]["importId"],
        }
        assert len(others | {first}) == 5

    def test_a_file_as_the_body(self, token: Token, owner: User) -> None:
        url = f"/api/v1/whitelist/{token.asset_id}/import/csv"
        answer = client_for(owner).post(
            url, csv_of(*rows_of(2)), content_type="text/csv; charset=utf-8"
        )
        assert answer.status_code == 202, answer.content
        assert answer.json()["import"]["rowsTotal"] == 2

    def test_cancelled_twice_is_cancelled_once(self, token: Token, owner: User) -> None:
        row = requested(owner, token, csv_of(*rows_of(2)))
        client = client_for(owner)
        for _ in range(2):
            answer = client.delete(f"{IMPORTS}/{row.pk}")
            assert (answer.status_code, answer.json()["import"]["status"]) == (200, "Cancelled")
        assert len(event_bodies("whitelist.import.cancelled")) == 1
        assert run(row).status == "Cancelled"
        assert listed(token) == {}
        assert not WhitelistImportFile.objects.exists()

    def test_cancelled_midway_keeps_what_is_written(
        self, token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = requested(owner, token, csv_of(*rows_of(6)))
        original = import_work._do_batch

        def cancelling(*args: Any, **kwargs: Any) -> None:
            original(*args, **kwargs)
            client_for(owner).delete(f"{IMPORTS}/{row.pk}")

        monkeypatch.setattr(import_work, "_do_batch", cancelling)
        run(row)
        assert (row.status, row.rows_done, len(listed(token))) == ("Cancelled", 2, 2)
        assert event_bodies("whitelist.import.finished") == []

    def test_what_is_over_cannot_be_cancelled(self, token: Token, owner: User) -> None:
        row = run(requested(owner, token, csv_of(*rows_of(2))))
        assert client_for(owner).delete(f"{IMPORTS}/{row.pk}").status_code == 409

    def test_who_sees_and_who_cancels(
        self,
        token: Token,
        owner: User,
        issuer: Any,
        member: User,
        outsider: User,
        officer: User,
        auditor: User,
    ) -> None:
        row = requested(owner, token, csv_of(*rows_of(2)))
        url = f"{IMPORTS}/{row.pk}"
        other = member_of(issuer, "Operator")
        for user, seen, cancelled in (
            (outsider, 404, 404),
            (member, 200, 403),
            (other, 200, 403),
            (auditor, 200, 403),
            (officer, 200, 200),
        ):
            assert client_for(user).get(url).status_code == seen
            assert client_for(user).delete(url).status_code == cancelled
        assert client_for(outsider).get(f"{url}/rejected/csv").status_code == 404

    def test_who_may_import(
        self, token: Token, member: User, outsider: User, auditor: User
    ) -> None:
        raw = csv_of(*rows_of(1))
        for user, status in ((None, 401), (member, 403), (outsider, 403), (auditor, 403)):
            assert send(user, token, raw).status_code == status
        unknown = TokenFactory.build()
        assert send(outsider, unknown, raw).status_code == 404
        assert not WhitelistImport.objects.exists()

    def test_an_asset_on_several_networks_has_to_be_named(
        self, token: Token, issuer: Any, owner: User
    ) -> None:
        TokenFactory.create(issuer=issuer, asset_id=token.asset_id, network="mainnet-v1.0")
        assert send(owner, token, csv_of(*rows_of(1))).status_code == 409
        assert send(owner, token, csv_of(*rows_of(1)), network=token.network).status_code == 202


@pytest.fixture
def nothing_is_kept() -> Iterator[None]:
    yield
    assert not WhitelistImport.objects.exists()
    assert not WhitelistImportRejection.objects.exists()
    assert not WhitelistEntry.objects.exists()


@pytest.mark.usefixtures("nothing_is_kept")
class TestBadFiles:
    @pytest.mark.parametrize(
        ("raw", "problem"),
        [
            (b"", "empty"),
            (b"Reason\nKnown\n", "no column Address"),
            (b"Address\nA\x001\n", "NUL"),
            (b"Address\n\xff\n", "not UTF-8"),
            (b"Address,address\nA1,A1\n", "there twice"),
            (b"Address\n", "no rows"),
            (b'Address\n"A1\n', "not a CSV record"),
        ],
    )
    def test_a_file_that_cannot_be_read(
        self, token: Token, owner: User, raw: bytes, problem: str
    ) -> None:
        for answer in (
            send(owner, token, raw),
            client_for(owner).post(
                f"/api/v1/whitelist/{token.asset_id}/import/csv", raw, content_type="text/csv"
            ),
        ):
            assert answer.status_code == 400, answer.content
            body = answer.json()
            assert body["errorCode"] == "VALIDATION_ERROR"
            assert problem in body["details"]["file"][0]
        # Recorded without what the caller sent.
        assert len(event_bodies("whitelist.import.request_failed")) == 2

    def test_one_row_too_many(
        self, token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(csv_rows, "MAX_ROWS", 3)
        answer = send(owner, token, csv_of(*rows_of(4)))
        assert answer.status_code == 400
        assert "more than 3 rows" in answer.json()["errorMessage"]

    def test_too_many_bytes(self, token: Token, owner: User, settings: Any) -> None:
        settings.WHITELIST_IMPORT_MAX_BYTES = 100
        raw = csv_of(*rows_of(3))
        url = f"/api/v1/whitelist/{token.asset_id}/import/csv"
        assert send(owner, token, raw).status_code == 413
        assert send(owner, token, raw + b"\n" * 20_000).status_code == 413
        assert client_for(owner).post(url, raw, content_type="text/csv").status_code == 413

    @pytest.mark.parametrize(
        "content_type", ["application/json", "text/plain", "application/vnd.ms-excel"]
    )
    def test_another_media_type(self, token: Token, owner: User, content_type: str) -> None:
        url = f"/api/v1/whitelist/{token.asset_id}/import/csv"
        answer = client_for(owner).post(url, b"Address\nA1", content_type=content_type)
        assert answer.status_code == 415

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({}, "file"),
            ({"other": "x"}, "other"),
            ({"file": "not a file"}, "file"),
            ({"dryRun": "true"}, "dryRun"),
        ],
    )
    def test_a_form_without_the_file(
        self, token: Token, owner: User, form: dict[str, Any], field: str
    ) -> None:
        url = f"/api/v1/whitelist/{token.asset_id}/import/csv"
        answer = client_for(owner).post(url, form, format="multipart")
        assert answer.status_code == 400, answer.content
        assert field in answer.json()["details"]

    def test_a_form_that_is_none(self, token: Token, owner: User) -> None:
        url = f"/api/v1/whitelist/{token.asset_id}/import/csv"
        client = client_for(owner)
        for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
            answer = client.post(url, b"no form at all", content_type=content_type)
            assert answer.status_code == 400, answer.content

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"mode": "some"}, "mode"),
            ({"mode": "1"}, "mode"),
            ({"dryRun": "maybe"}, "dryRun"),
            ({"delete": "true"}, "delete"),
        ],
    )
    def test_parameters(self, token: Token, owner: User, query: dict[str, str], field: str) -> None:
        answer = send(owner, token, csv_of(*rows_of(1)), **query)
        assert answer.status_code == 400
        assert field in answer.json()["details"]
