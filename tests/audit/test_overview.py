"""The overview of the log in the admin: its figures, who sees it, and what it costs."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit import activity as activity_module
from audit.activity import Period, activity, refusals
from audit.body import EventDraft
from audit.models import AuditEvent, AuditVerification
from audit.principal import NamedPrincipal
from audit.seal import seal_events
from audit.services import record_events
from audit.verification import verify_trail
from tests.accounts.admin_pages import admin
from tests.audit.logs import recorded, signed

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/audit/overview/"
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
TODAY = NOON.date()


def happened(when: datetime, *names: str, actor: str = "system", success: bool = True) -> None:
    drafts = [EventDraft(name, success=success) for name in names]
    record_events(drafts, actor=NamedPrincipal(actor), occurred_at=when)


def totals(period: Period, today: date = TODAY) -> dict[str, tuple[int, int]]:
    return {
        str(one.category): (one.total, one.failed) for one in activity(period, today).categories
    }


def listed(period: Period = Period.MONTH) -> dict[str, int]:
    return {bar: total for bar, _, total in activity(period, TODAY).rows if total}


class TestActivity:
    def test_nothing_is_nothing(self) -> None:
        found = activity(Period.WEEK, TODAY)
        assert (found.total, found.failed, list(found.categories)) == (0, 0, [])
        assert (found.bars[0], found.bars[-1], len(found.bars)) == ("2026-03-09", "2026-03-15", 7)

    def test_days_are_those_of_utc(self) -> None:
        midnight = datetime(2026, 3, 15, tzinfo=UTC)
        happened(midnight - timedelta(microseconds=1), "audit.trail.verified")
        happened(midnight, "audit.trail.verified", "audit.log.exported")
        assert listed() == {"2026-03-14": 1, "2026-03-15": 2}

    def test_a_period_has_its_days_and_no_others(self) -> None:
        for back in (0, 6, 7, 29, 30):
            happened(NOON - timedelta(days=back), "audit.trail.verified")
        assert listed(Period.WEEK) == {"2026-03-09": 1, "2026-03-15": 1}
        assert set(listed()) == {"2026-02-14", "2026-03-08", "2026-03-09", "2026-03-15"}
        assert activity(Period.MONTH, TODAY).since == date(2026, 2, 14)

    def test_a_year_is_twelve_months_with_this_one(self) -> None:
        happened(datetime(2025, 3, 31, 23, tzinfo=UTC), "audit.trail.verified")
        happened(datetime(2025, 4, 1, tzinfo=UTC), "audit.trail.verified")
        happened(NOON, "audit.trail.verified")
        found = activity(Period.YEAR, TODAY)
        assert (found.bars[0], found.bars[-1], len(found.bars)) == ("2025-04", "2026-03", 12)
        assert listed(Period.YEAR) == {"2025-04": 1, "2026-03": 1}
        assert found.since == date(2025, 4, 1)

    def test_categories_and_failures_are_told_apart(self) -> None:
        happened(NOON, "audit.trail.verified", "accounts.user.logged_in")
        happened(NOON, "accounts.user.login_failed", success=False)
        assert totals(Period.WEEK) == {"Audit": (1, 0), "Account": (2, 1)}

    def test_what_comes_later_is_added_to_what_was_kept(self) -> None:
        happened(NOON, "audit.trail.verified")
        assert totals(Period.WEEK) == {"Audit": (1, 0)}
        happened(NOON - timedelta(days=3), "audit.trail.verified")  # it committed late
        happened(NOON, "accounts.user.login_failed", success=False)
        assert totals(Period.WEEK) == {"Audit": (2, 0), "Account": (1, 1)}
        assert listed(Period.WEEK) == {"2026-03-12": 1, "2026-03-15": 2}

    def test_the_next_month_starts_its_year_later(self) -> None:
        happened(datetime(2025, 4, 1, tzinfo=UTC), "audit.trail.verified")
        assert totals(Period.YEAR) == {"Audit": (1, 0)}
        assert totals(Period.YEAR, date(2026, 4, 1)) == {}


class TestRefusals:
    def test_principals_are_counted_most_refused_first(self) -> None:
        for actor, count in (("b", 1), ("a", 1), ("c", 3)):
            happened(NOON, *["security.access.denied"] * count, actor=actor, success=False)
        happened(NOON, "accounts.user.login_failed", actor="d", success=False)
        happened(NOON, "accounts.user.locked", actor="d", success=False)
        happened(NOON - timedelta(days=1), "security.access.denied", actor="e", success=False)
        found = refusals(TODAY)
        assert found.principals == [("c", 3), ("a", 1), ("b", 1)]
        assert (found.read, found.complete) == (5, True)

    def test_only_the_newest_are_read_and_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(activity_module, "_REFUSALS_READ", 2)
        happened(NOON, "security.access.denied", actor="old", success=False)
        later = NOON + timedelta(seconds=1)
        happened(later, *["security.access.denied"] * 2, actor="new", success=False)
        found = refusals(TODAY)
        assert (found.principals, found.read, found.complete) == ([("new", 2)], 2, False)

    def test_ten_are_named(self) -> None:
        for number in range(11):
            happened(NOON, "security.access.denied", actor=f"{number:02d}", success=False)
        assert [actor for actor, _ in refusals(TODAY).principals] == [f"{n:02d}" for n in range(10)]


class TestPage:
    def test_it_shows_seal_checkpoint_verification_and_activity(self, auditor: User) -> None:
        client = admin(auditor)
        checkpoint = signed(3)
        verify_trail()
        happened(datetime.now(UTC), "security.access.denied", actor="<b>x</b>", success=False)
        page = client.get(PAGE)
        assert page.status_code == 200
        context = page.context
        assert (context["seal"].size, context["seal"].root) == (checkpoint.size, checkpoint.root)
        assert context["checkpoint"] == checkpoint
        assert context["verification"] == AuditVerification.objects.get()
        assert context["lag"].events == AuditEvent.objects.count() - checkpoint.size
        assert context["total"] == context["activity"].total == AuditEvent.objects.count()
        assert [event.actor for event, _, _ in context["failures"]] == ["<b>x</b>"]
        assert "<svg" in page.text
        assert "&lt;b&gt;x&lt;/b&gt;" in page.text
        assert "<b>x</b>" not in page.text
        assert f"/admin/audit/auditcheckpoint/{checkpoint.pk}/change/" in page.text
        assert page.text.count("<script") == client.get("/admin/audit/").text.count("<script")

    def test_what_it_links_to_is_there(self, auditor: User) -> None:
        client = admin(auditor)
        signed(1)
        verify_trail()
        happened(datetime.now(UTC), "security.access.denied", actor="a+b c", success=False)
        for link in _links(client.get(PAGE).text):
            assert client.get(link).status_code == 200, link

    def test_an_empty_log_has_a_page(self, auditor: User) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
            client = admin(auditor)
            page = client.get(PAGE, {"period": "7d"})
        assert page.status_code == 200
        assert page.text.count("None yet") == 2
        assert "Nobody was refused." in page.text

    @pytest.mark.parametrize(
        ("asked", "shown"), [("7d", "7d"), ("12m", "12m"), ("", "30d"), ("<i>", "30d")]
    )
    def test_the_period_is_one_of_three(self, auditor: User, asked: str, shown: str) -> None:
        page = admin(auditor).get(PAGE, {"period": asked})
        assert (page.status_code, str(page.context["activity"].period)) == (200, shown)

    def test_only_those_who_read_everything_see_it(
        self, auditor: User, officer: User, administrator: User, owner: User, member: User
    ) -> None:
        for user in (auditor, officer, administrator):
            assert admin(user).get(PAGE).status_code == 200
        for client in (admin(owner), admin(member), Client()):
            answered = client.get(PAGE)
            assert answered.status_code == 302
            assert answered.headers["Location"].startswith("/admin/login/")

    def test_looking_changes_nothing(self, auditor: User) -> None:
        client = admin(auditor)
        recorded(2)
        seal_events()
        before = list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True))
        for method in (client.get, client.head):
            assert method(PAGE).status_code == 200
        assert list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True)) == before
        assert AuditVerification.objects.count() == 0

    def test_the_index_and_the_list_of_events_lead_to_it(self, auditor: User) -> None:
        client = admin(auditor)
        for url in ("/admin/", "/admin/audit/", "/admin/audit/auditevent/"):
            assert f'href="{PAGE}"' in client.get(url).text

    def test_there_is_nothing_else_below_it(self, administrator: User) -> None:
        recorded(1)
        key = AuditEvent.objects.latest("seq").pk
        client = admin(administrator)
        assert client.get(f"{PAGE}{key}/change/").status_code == 404
        assert client.get(f"{PAGE}{key}/delete/").status_code == 404
        assert client.get(f"{PAGE}add/").status_code == 403

    def test_it_costs_the_same_however_much_was_recorded(
        self, auditor: User, queries_of: Callable[[Client], list[str]]
    ) -> None:
        client = admin(auditor)
        signed(1)
        queries_of(client)
        few = queries_of(client)
        now = datetime.now(UTC)
        for back in range(40):
            happened(now - timedelta(days=back), "security.access.denied", "audit.log.exported")
        signed(1)
        many = queries_of(client)
        assert (len(few), len(many)) == (QUERIES, QUERIES)


QUERIES = 13


@pytest.fixture
def queries_of() -> Callable[[Client], list[str]]:
    def read(client: Client) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE, {"period": "12m"}).status_code == 200
        return [query["sql"] for query in queries]

    return read


def _links(text: str) -> list[str]:
    from html import unescape
    from re import findall

    body = text[text.index('id="content-main"') :]
    return [
        unescape(link) if link.startswith("/") else PAGE + unescape(link)
        for link in findall(r'href="((?:/admin/audit|\?)[^"]*)"', body)
    ]
