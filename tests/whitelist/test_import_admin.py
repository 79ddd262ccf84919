"""Whitelists in the admin: chosen entries, their file, and CSV files tried before written."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Issuer, Token, User
from config.api.errors import NotVisible, PermissionRefused
from tests.factories import TokenFactory, event_bodies, wallet
from tests.whitelist.imports import csv_of, listed, requested, rows_of
from whitelist.choices import BulkMode
from whitelist.models import WhitelistEntry, WhitelistImport, WhitelistImportFile
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.import_work import IMPORT_WORK
from whitelist.services.imports import whitelist_import_confirm
from whitelist.tasks import continue_imports

pytestmark = pytest.mark.django_db
ENTRIES = reverse("admin:whitelist_whitelistentry_changelist")
ADD = reverse("admin:whitelist_whitelistimport_add")


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return TokenFactory.create(issuer=issuer)


@pytest.fixture
def entries(token: Token, owner: User) -> list[WhitelistEntry]:
    return [
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(number))
        for number in range(3)
    ]


def admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, action: str, entries: list[WhitelistEntry], **more: str) -> Any:
    form = {"action": action, "_selected_action": [str(one.pk) for one in entries], **more}
    return client.post(ENTRIES, form, follow=True)


def page(row: WhitelistImport, step: str = "change") -> str:
    return reverse(f"admin:whitelist_whitelistimport_{step}", args=[row.pk])


def tried(user: User, token: Token, raw: bytes, mode: BulkMode = BulkMode.PARTIAL) -> Any:
    row = requested(user, token, raw, mode, dry_run=True)
    IMPORT_WORK.run(row.pk)
    row.refresh_from_db()
    return row


class TestEntries:
    def test_filters(self, token: Token, owner: User, officer: User) -> None:
        now = timezone.now()
        for number, moment in enumerate(
            (now - timedelta(days=1), now + timedelta(days=5), now + timedelta(days=90), None)
        ):
            whitelist_entry_upsert(
                actor=owner, token=token, address=wallet(number), expiration_date=moment
            )
        other = TokenFactory.create()
        whitelist_entry_upsert(actor=officer, token=other, address=wallet(9))
        client = admin(officer)

        def found(**query: Any) -> set[str]:
            shown = client.get(ENTRIES, query).context["cl"].queryset
            return set(shown.values_list("address", flat=True))

        assert found(expiry="expired") == {wallet(0)}
        assert found(expiry="soon") == {wallet(1)}
        assert found(expiry="later") == {wallet(2)}
        assert found(expiry="never") == {wallet(3), wallet(9)}
        assert found(token=other.pk) == {wallet(9)}
        assert found(token="nonsense") == set()
        assert found(token=token.pk, expiry="never") == {wallet(3)}

    @pytest.mark.parametrize(
        ("action", "status"),
        [("activate", "Active"), ("deactivate", "Inactive"), ("revoke", "Revoked")],
    )
    def test_a_status_is_given_for_a_reason(
        self, token: Token, officer: User, entries: list[WhitelistEntry], action: str, status: str
    ) -> None:
        whitelist_entry_upsert(
            actor=officer,
            token=token,
            address=wallet(0),
            status="Inactive" if status == "Active" else "Active",
        )
        if status == "Active":
            WhitelistEntry.objects.update(status="Revoked")
        client = admin(officer)
        asked = act(client, action, entries[:2])
        assert b"Reason" in asked.content
        refused = act(client, action, entries[:2], confirmed="yes", reason=" ")
        assert b"This field is required" in refused.content
        assert set(listed(token).values()) != {status}
        act(client, action, entries[:2], confirmed="yes", reason="The passport was fake")
        after = listed(token)
        assert (after[wallet(0)], after[wallet(1)]) == (status, status)
        assert after[wallet(2)] != status
        event = event_bodies("whitelist.entry.updated")[-1]
        assert (event["newStatus"], event["notes"]) == (status, "The passport was fake")
        assert event["actor"] == officer.label

    def test_those_that_have_it_already_are_left_alone(
        self, officer: User, entries: list[WhitelistEntry]
    ) -> None:
        answer = act(admin(officer), "activate", entries, confirmed="yes", reason="Checked")
        assert b"0 became Active, 3 were already." in answer.content
        assert event_bodies("whitelist.entry.updated") == []

    def test_too_many_at_once(
        self, officer: User, entries: list[WhitelistEntry], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("whitelist.admin.MOST_AT_ONCE", 2)
        answer = act(admin(officer), "revoke", entries, confirmed="yes", reason="Fraud")
        assert b"Choose at most 2 entries" in answer.content
        assert event_bodies("whitelist.entry.updated") == []

    def test_an_auditor_changes_nothing(
        self, auditor: User, token: Token, entries: list[WhitelistEntry]
    ) -> None:
        before = listed(token)
        act(admin(auditor), "revoke", entries, confirmed="yes", reason="Fraud")
        assert listed(token) == before

    def test_the_chosen_entries_as_a_file(
        self, auditor: User, entries: list[WhitelistEntry]
    ) -> None:
        answer = act(admin(auditor), "export_as_csv", entries[:2])
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert [row[2] for row in rows] == ["Address", wallet(0), wallet(1)]
        (event,) = event_bodies("whitelist.entries.exported")
        assert (event["itemCount"], event["actor"]) == (2, auditor.label)


class TestImports:
    def test_tried_shown_confirmed_and_written(
        self, token: Token, officer: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        client = admin(officer)
        assert b"Try the file" in client.get(ADD).content
        file = SimpleUploadedFile("holders.csv", csv_of(*rows_of(3), "nonsense,Frozen"))
        with django_capture_on_commit_callbacks(execute=True):
            sent = client.post(ADD, {"token": token.pk, "mode": "Partial", "file": file})
        trial = WhitelistImport.objects.get()
        assert (sent.status_code, sent.headers["Location"]) == (302, page(trial))
        assert (trial.dry_run, trial.status) == (True, "Finished")
        assert listed(token) == {}
        shown = client.get(page(trial)).content.decode()
        assert "3 would be added" in shown
        assert "Status: must be one of Active, Inactive, Revoked" in shown
        assert "Confirm: write 3 rows" in shown
        rejected = client.get(page(trial, "rejected"))
        assert b"nonsense" in b"".join(rejected.streaming_content)
        with django_capture_on_commit_callbacks(execute=True):
            client.post(page(trial, "confirm"))
        done = WhitelistImport.objects.exclude(pk=trial.pk).get()
        assert (done.dry_run, done.status, done.file_digest) == (
            False,
            "Finished",
            trial.file_digest,
        )
        assert len(listed(token)) == 3
        assert b"3 were added" in client.get(page(done)).content
        again = client.post(page(trial, "confirm"), follow=True)
        assert b"not kept any more" in again.content
        assert WhitelistImport.objects.count() == 2
        assert not WhitelistImportFile.objects.exists()

    def test_a_bad_file_comes_back_with_the_reason(self, token: Token, officer: User) -> None:
        client = admin(officer)
        file = SimpleUploadedFile("holders.csv", b"Name\nSomebody\n")
        answer = client.post(ADD, {"token": token.pk, "mode": "Partial", "file": file})
        assert answer.status_code == 200
        errors = answer.context["adminform"].form.errors
        assert "no column" in errors["file"][0]
        assert not WhitelistImport.objects.exists()
        for form in (
            {"mode": "Partial"},
            {"token": token.pk, "mode": "Some", "file": SimpleUploadedFile("a.csv", b"Address\nA")},
            {"token": 999_999, "mode": "All", "file": SimpleUploadedFile("a.csv", b"Address\nA")},
        ):
            assert client.post(ADD, form).status_code == 200
        assert not WhitelistImport.objects.exists()

    def test_what_cannot_be_confirmed_has_no_button(
        self, token: Token, officer: User, auditor: User
    ) -> None:
        nothing = tried(officer, token, csv_of("nonsense"))
        broken = tried(officer, token, csv_of(*rows_of(2), "nonsense"), BulkMode.ALL)
        good = tried(officer, token, csv_of(*rows_of(2)))
        waiting = requested(officer, token, csv_of(*rows_of(4)), dry_run=True)
        client = admin(officer)
        for row, there in ((nothing, False), (broken, False), (good, True), (waiting, False)):
            assert (b"confirm-import" in client.get(page(row)).content) is there
        assert b"Cancel it" in client.get(page(waiting)).content
        assert b"confirm-import" not in admin(auditor).get(page(good)).content

    def test_only_officers_confirm_and_cancel_and_only_by_post(
        self, token: Token, officer: User, auditor: User
    ) -> None:
        good = tried(officer, token, csv_of(*rows_of(2)))
        waiting = requested(officer, token, csv_of(*rows_of(4)))
        for step, row in (("confirm", good), ("cancel", waiting)):
            assert admin(auditor).post(page(row, step)).status_code == 403
            assert admin(officer).get(page(row, step)).status_code == 403
        admin(officer).post(page(waiting, "cancel"))
        waiting.refresh_from_db()
        assert (waiting.status, listed(token)) == ("Cancelled", {})
        assert admin(auditor).get(ADD).status_code == 403

    def test_a_file_that_nobody_confirms_is_forgotten_after_a_day(
        self, token: Token, officer: User
    ) -> None:
        row = tried(officer, token, csv_of(*rows_of(2)))
        continue_imports()
        assert WhitelistImportFile.objects.count() == 1
        WhitelistImport.objects.update(finished_at=timezone.now() - timedelta(hours=25))
        continue_imports()
        assert not WhitelistImportFile.objects.exists()
        client = admin(officer)
        assert b"confirm-import" not in client.get(page(row)).content

    def test_who_may_not_write_the_token_confirms_nothing(
        self, token: Token, officer: User, outsider: User, member: User
    ) -> None:
        row = tried(officer, token, csv_of(*rows_of(2)))
        for user, refusal in ((outsider, NotVisible), (member, PermissionRefused)):
            with pytest.raises(refusal):
                whitelist_import_confirm(actor=user, import_id=row.pk)
        assert WhitelistImport.objects.count() == 1
