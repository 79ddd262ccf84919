"""Exports in the admin: of chosen events, of all that match, and the page of their progress."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.views.main import ChangeList
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.choices import ExportFormat
from audit.export_admin import parameters_of
from audit.exports.models import ExportJob
from audit.exports.services import export_request
from audit.exports.work import EXPORT_WORK
from audit.models import AuditEvent
from tests.audit.exports import FIRST, NASTY, recorded
from tests.factories import event_bodies

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_if_committed")]
LIST = "/admin/audit/auditevent/"
EXPORTS = "/admin/audit/exportjob/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def log() -> None:
    recorded(6)
    recorded(3, at=FIRST + timedelta(days=40))


def finished(client: Client, answer: Any) -> list[dict[str, str]]:
    """Follow the answer to the progress page, have the work done, and read the file."""
    assert answer.status_code == 302
    job = ExportJob.objects.get()
    assert answer.headers["Location"] == f"{EXPORTS}{job.pk}/change/"
    waiting = client.get(answer.headers["Location"]).text
    assert 'http-equiv="refresh"' in waiting
    assert "Cancel it" in waiting
    assert EXPORT_WORK.run(job.pk) is True
    done = client.get(answer.headers["Location"]).text
    assert 'http-equiv="refresh"' not in done
    assert f"{EXPORTS}{job.pk}/download/" in done
    response = client.get(f"{EXPORTS}{job.pk}/download/")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert len(event_bodies("audit.export.downloaded")) == 1
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_selection_is_exported(log: None, auditor: User) -> None:
    client = browser(auditor)
    chosen = list(AuditEvent.objects.filter(category="Compliance").order_by("seq")[:2])
    keys = [event.pk for event in chosen]
    answer = client.post(LIST, {"action": "export_selected", "_selected_action": keys})
    rows = finished(client, answer)
    assert {row["Id"] for row in rows} == {str(event.id) for event in chosen}
    assert {row["Notes"] for row in rows} == {f"'{NASTY}", f"1 {NASTY}"}


def test_everything_that_matches_is_exported(log: None, auditor: User) -> None:
    client = browser(auditor)
    query = "category__exact=Compliance&success__exact=1&occurred_at__year=2026"
    query += "&occurred_at__month=1&q=ALICE&o=-1"
    shown = client.get(f"{LIST}?{query}")
    wanted = shown.context["cl"].queryset
    assert wanted.count() == 5
    rows = finished(client, client.post(f"{LIST}export/?{query}", {"format": "csv"}))
    assert {row["Id"] for row in rows} == {str(event.id) for event in wanted}


def test_all_pages_of_the_selection_are_all_that_match(log: None, auditor: User) -> None:
    client = browser(auditor)
    form = {"action": "export_selected", "_selected_action": "1", "select_across": "1"}
    rows = finished(client, client.post(f"{LIST}?action_type__exact=Update", form))
    assert len(rows) == 9


@pytest.mark.parametrize(
    "query",
    [
        "category__exact=Compliance",
        "category__exact=Compliance&o=-1&p=2&q=",
        "action_type__exact=Update",
        "success__exact=0",
        "q=1001",
        "q=ALICE",
        "q=nobody",
        "occurred_at__year=2026&action_type__exact=Update",
        "occurred_at__year=2026&occurred_at__month=1",
        "occurred_at__year=2026&occurred_at__month=3&occurred_at__day=3",
        "occurred_at__year=2026&occurred_at__month=3&q=ALICE&success__exact=1",
    ],
)
def test_the_filters_of_the_list_are_those_of_the_export(
    log: None, auditor: User, query: str
) -> None:
    shown: ChangeList = browser(auditor).get(f"{LIST}?{query}").context["cl"]
    ids = set(shown.queryset.values_list("id", flat=True))
    job = export_request(
        actor=auditor,
        view="events",
        parameters=parameters_of(QueryDict(query).dict()),
        form=ExportFormat.CSV,
    )
    EXPORT_WORK.run(job.pk)
    job.refresh_from_db()
    assert job.rows_total == len(ids)


def test_a_filter_that_no_export_has_is_refused(log: None, auditor: User) -> None:
    client = browser(auditor)
    answer = client.post(f"{LIST}export/?actor__startswith=A", {"format": "csv"}, follow=True)
    assert "Cannot be exported" in answer.text
    answer = client.post(f"{LIST}export/", {"format": "exe"}, follow=True)
    assert "Cannot be exported" in answer.text
    assert not ExportJob.objects.exists()


def test_only_who_asked_for_it_cancels_it(log: None, auditor: User, officer: User) -> None:
    browser(auditor).post(f"{LIST}export/", {"format": "xlsx"})
    job = ExportJob.objects.get()
    foreign = browser(officer)
    assert "Cancel it" not in foreign.get(f"{EXPORTS}{job.pk}/change/").text
    refused = foreign.post(f"{EXPORTS}{job.pk}/cancel/", follow=True)
    assert "Only who asked for an export may cancel it." in refused.text
    cancelled = browser(auditor).post(f"{EXPORTS}{job.pk}/cancel/", follow=True)
    assert "This export was cancelled." in cancelled.text
    refused = browser(auditor).get(f"{EXPORTS}{job.pk}/download/", follow=True)
    assert "There is no file: this export is cancelled." in refused.text


def test_an_expired_one_says_so(log: None, auditor: User) -> None:
    client = browser(auditor)
    client.post(f"{LIST}export/", {"format": "json"})
    job = ExportJob.objects.get()
    EXPORT_WORK.run(job.pk)
    ExportJob.objects.update(expires_at=timezone.now())
    assert "The file is not kept any more." in client.get(f"{EXPORTS}{job.pk}/change/").text
    assert "not kept any more" in client.get(f"{EXPORTS}{job.pk}/download/", follow=True).text


def test_nobody_else_sees_exports(log: None, owner: User) -> None:
    for path in (f"{LIST}export/", EXPORTS):
        answer = browser(owner).post(path, {"format": "csv"})
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")
    assert not ExportJob.objects.exists()
