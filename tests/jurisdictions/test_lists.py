"""Screening lists: loaded, kept, edited by administrators, and never a reason of their own."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.services import issuer_update
from audit.models import AuditEvent
from compliance.services.metadata import metadata_upsert
from compliance.services.status import token_evaluate
from config.api.errors import PermissionRefused, PreconditionFailed, ValidationFailed
from jurisdictions.engine import Verdict, WarningCode, screening_lists_from_document
from jurisdictions.loading import rules_load
from jurisdictions.models import ScreeningList, ScreeningListEntry
from jurisdictions.selectors import screening_lists
from jurisdictions.services.screening import (
    list_entries,
    screening_list_create,
    screening_list_update,
)
from tests.factories import VOI, event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page, texts
from tests.jurisdictions.builders import reference

pytestmark = pytest.mark.django_db
BLACK, GREY = "fatf.call_for_action", "fatf.increased_monitoring"
AS_OF = date(2026, 6, 19)


@pytest.fixture
def black(db: None) -> ScreeningList:
    rules.load()
    return ScreeningList.objects.get(list_id=BLACK)


def codes(list_id: str = BLACK) -> set[str]:
    return set(screening_lists()[list_id].codes)


class TestLoading:
    def test_the_lists_equal_their_document(self):
        rules.load()
        assert dict(screening_lists()) == screening_lists_from_document(reference("lists-fatf"))
        assert codes() == {"KP", "IR", "MM"}
        assert len(codes(GREY)) == 22
        assert screening_lists()[BLACK].as_of == AS_OF
        myanmar = ScreeningListEntry.objects.get(screening_list__list_id=BLACK, code="MM")
        assert myanmar.measure == "enhanced due diligence"
        kuwait = ScreeningListEntry.objects.get(screening_list__list_id=GREY, code="KW")
        assert kuwait.since == date(2026, 2, 13)

    def test_loading_twice_changes_nothing(self):
        rules.load()
        before = list(ScreeningListEntry.objects.order_by("pk").values())
        events = AuditEvent.objects.count()
        assert rules.load().reference_rows == 0
        assert list(ScreeningListEntry.objects.order_by("pk").values()) == before
        assert AuditEvent.objects.count() == events

    def test_a_changed_document_is_followed(self, tmp_path: Path):
        rules.load()
        assert codes() == {"KP", "IR", "MM"}
        assert (
            rules.load(fixtures=_folder(tmp_path, "2026-10-23", ["KP", "IR"])).reference_rows == 1
        )
        assert codes() == {"KP", "IR"}
        assert screening_lists()[BLACK].as_of == date(2026, 10, 23)

    def test_what_staff_changed_is_kept(
        self, administrator: User, black: ScreeningList, tmp_path: Path
    ):
        screening_list_update(
            actor=administrator, screening_list=black, entries=[{"code": "KP"}, {"code": "RU"}]
        )
        assert rules.load(fixtures=_folder(tmp_path, "2027-02-20", ["IR"])).reference_rows == 0
        assert codes() == {"KP", "RU"}

    def test_a_code_that_is_none_refuses_everything(self, tmp_path: Path):
        with pytest.raises(ValidationFailed) as refusal:
            rules.load(fixtures=_folder(tmp_path, "2026-10-23", ["KP", "QQ"]))
        assert refusal.value.details == {
            "lists-fatf.json": [f"{BLACK}: there is no jurisdiction QQ"]
        }
        assert ScreeningList.objects.count() == 0

    @pytest.mark.parametrize("text", ["{}", '{"lists": [{"id": "a.b"}]}', "[1"])
    def test_what_is_no_document_of_lists_is_named(self, tmp_path: Path, text: str):
        folder = rules.fixtures_with(tmp_path, base=rules.document())
        (folder / "reference" / "lists-fatf.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValidationFailed) as refusal:
            rules.load(fixtures=folder)
        assert list(refusal.value.details) == ["lists-fatf.json"]
        assert ScreeningList.objects.count() == 0


def _folder(tmp_path: Path, as_of: str, wanted: list[str]) -> Path:
    folder = rules.fixtures_with(tmp_path, base=rules.document())
    path = folder / "reference" / "lists-fatf.json"
    content = json.loads(path.read_text("utf-8"))
    content["lists"][0] |= {"asOf": as_of, "entries": [{"code": code} for code in wanted]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


class TestReading:
    def test_it_costs_one_query_once_it_is_warm(
        self, black: ScreeningList, django_assert_num_queries: DjangoAssertNumQueries
    ):
        first = screening_lists()
        with django_assert_num_queries(1):
            assert screening_lists() is first

    def test_a_change_of_an_entry_shows_in_the_next_call(self, black: ScreeningList):
        assert "MM" in codes()
        ScreeningListEntry.objects.filter(screening_list=black, code="MM").delete()
        assert "MM" not in codes()
        ScreeningListEntry.objects.create(screening_list=black, code="SY")
        assert "SY" in codes()
        ScreeningList.objects.filter(pk=black.pk).update(as_of="2026-10-23")
        assert screening_lists()[BLACK].as_of == date(2026, 10, 23)


class TestEditing:
    def test_an_administrator_changes_it_with_an_event(
        self, administrator: User, black: ScreeningList
    ):
        row = screening_list_update(
            actor=administrator,
            screening_list=black,
            lock_version=1,
            as_of=date(2026, 10, 23),
            entries=[{"code": "KP"}, {"code": "IR", "measure": "countermeasures"}, {"code": "SY"}],
        )
        assert (row.edited_by, row.lock_version) == (administrator.label, 2)
        assert codes() == {"KP", "IR", "SY"}
        (event,) = event_bodies("jurisdictions.list.updated")
        assert (event["actor"], event["referenceId"], event["itemCount"]) == (
            administrator.label,
            BLACK,
            3,
        )
        assert event["details"] == {
            "listId": BLACK,
            "asOf": "2026-10-23",
            "fields": ["as_of", "entries"],
            "added": ["SY"],
            "removed": ["MM"],
            "was": {"asOf": AS_OF.isoformat()},
        }

    def test_what_is_the_same_changes_nothing(self, administrator: User, black: ScreeningList):
        events = AuditEvent.objects.count()
        row = screening_list_update(
            actor=administrator, screening_list=black, as_of=AS_OF, entries=list_entries(black)
        )
        assert (row.lock_version, row.edited_at) == (1, None)
        assert AuditEvent.objects.count() == events

    @time_machine.travel("2026-11-22T12:00:00Z", tick=False)
    @pytest.mark.parametrize(
        ("content", "field", "text"),
        [
            ({"as_of": date(2026, 11, 23)}, "as_of", "It cannot have been true"),
            ({"entries": [{"code": "QQ"}]}, "entries", "There is no jurisdiction QQ."),
            ({"entries": [{"code": "KP"}, {"code": "KP"}]}, "entries", "KP is there 2 times."),
            ({"entries": [{"code": "KP", "measure": "x" * 201}]}, "entries", "KP: what it asks"),
            ({"sources": [1]}, "sources", "Write a list of texts."),
            ({"title": ""}, "title", "cannot be blank"),
            ({"max_age_days": -1}, "max_age_days", "greater than or equal to 0"),
        ],
    )
    def test_what_is_wrong_is_named_by_field(
        self, administrator: User, black: ScreeningList, content: dict, field: str, text: str
    ):
        before, events = codes(), AuditEvent.objects.count()
        with pytest.raises(ValidationError) as refusal:
            screening_list_update(actor=administrator, screening_list=black, **content)
        assert list(refusal.value.message_dict) == [field]
        assert text in refusal.value.message_dict[field][0]
        black.refresh_from_db()
        assert (codes(), black.lock_version, black.as_of) == (before, 1, AS_OF)
        assert AuditEvent.objects.count() == events

    def test_nobody_else_may_and_a_stale_edit_is_refused(
        self, officer: User, administrator: User, black: ScreeningList
    ):
        for actor, seen, refusal in (
            (officer, 1, PermissionRefused),
            (administrator, 7, PreconditionFailed),
        ):
            with pytest.raises(refusal):
                screening_list_update(
                    actor=actor, screening_list=black, lock_version=seen, entries=[]
                )
        with pytest.raises(PermissionRefused):
            screening_list_create(actor=officer, list_id="our.watch", title="Ours", as_of=AS_OF)
        assert codes() == {"KP", "IR", "MM"}
        assert event_bodies("jurisdictions.list.updated") == []

    def test_a_new_list_is_there_at_once(self, administrator: User, black: ScreeningList):
        screening_list_create(
            actor=administrator,
            list_id="our.watch",
            title="Ours",
            as_of=AS_OF,
            entries=[{"code": "SY"}],
        )
        assert codes("our.watch") == {"SY"}
        with pytest.raises(ValidationError) as refusal:
            screening_list_create(
                actor=administrator, list_id="our.watch", title="Again", as_of=AS_OF
            )
        assert list(refusal.value.message_dict) == ["list_id"]


class TestAdmin:
    def test_an_administrator_edits_lines(self, administrator: User, black: ScreeningList):
        client, url = browser(administrator), page("screeninglist_change", black.pk)
        data = form_data(client.get(url))
        assert data["entries"].splitlines() == [
            "IR; countermeasures",
            "KP; countermeasures",
            "MM; enhanced due diligence",
        ]
        lines = "kp\nIR; countermeasures; 2020-02-21\nSY;; 2026-10-23"
        assert client.post(url, {**data, "entries": lines}).status_code == 302
        assert list_entries(black) == [
            {"code": "IR", "measure": "countermeasures", "since": date(2020, 2, 21)},
            {"code": "KP", "measure": "", "since": None},
            {"code": "SY", "measure": "", "since": date(2026, 10, 23)},
        ]
        assert event_bodies("jurisdictions.list.updated")[0]["details"]["fields"] == ["entries"]
        stale = errors(client.post(url, {**data, "entries": "KP"}))
        assert "changed since you read it" in stale["__all__"][0]

    @pytest.mark.parametrize(
        ("lines", "text"),
        [
            ("QQ", "There is no jurisdiction QQ."),
            ("KP; a; b", "No day such as"),
            ("KP; a; 2020-02-21; more", "More than a code"),
        ],
    )
    def test_a_wrong_line_is_shown(
        self, administrator: User, black: ScreeningList, lines: str, text: str
    ):
        client, url = browser(administrator), page("screeninglist_change", black.pk)
        found = errors(client.post(url, {**form_data(client.get(url)), "entries": lines}))
        assert text in found["entries"][0]
        assert codes() == {"KP", "IR", "MM"}

    def test_an_administrator_adds_one(self, administrator: User, black: ScreeningList):
        client = browser(administrator)
        url = page("screeninglist_add")
        data = {**form_data(client.get(url)), "list_id": "our.watch", "title": "Ours"}
        data |= {"as_of": "2026-06-19", "entries": "SY"}
        assert client.post(url, data).status_code == 302
        assert codes("our.watch") == {"SY"}

    def test_others_only_read(self, officer: User, auditor: User, black: ScreeningList):
        for user in (officer, auditor):
            client, url = browser(user), page("screeninglist_change", black.pk)
            assert "enhanced due diligence" in texts(client.get(url))
            assert "Call for Action" in texts(client.get(page("screeninglist_changelist")))
            assert client.post(url, {"title": "Mine"}).status_code == 403
            assert client.get(page("screeninglist_add")).status_code == 403
        black.refresh_from_db()
        assert black.title.startswith("FATF High-Risk")


class TestScreening:
    """The FATF pack over the lists, on a token whose issuer has a country."""

    FRESH = datetime(2026, 7, 1, tzinfo=UTC)
    STALE_FROM = datetime(2026, 6, 19, tzinfo=UTC) + timedelta(days=136)

    @pytest.fixture
    def token(self, owner: User, officer: User):
        rules_load(activate=["fatf"])
        metadata = metadata_upsert(
            actor=owner, asset_id=1, network=VOI, changes={"jurisdiction": "DE"}
        )
        issuer_update(actor=officer, issuer=metadata.token.issuer, country="DE")
        return metadata.token

    def judge(self, token, now: datetime, key: str = "fatf.r19.call_for_action"):
        token.refresh_from_db()
        (found,) = [one for one in token_evaluate(token, now).results if one.key == key]
        return found

    def test_a_listed_country_fails_and_a_watched_one_warns(self, token, officer: User):
        assert self.judge(token, self.FRESH).verdict == Verdict.PASS
        issuer_update(actor=officer, issuer=token.issuer, country="IR")
        hit = self.judge(token, self.FRESH)
        assert (hit.verdict, str(hit.reason_code)) == (Verdict.FAIL, "list_hit")
        issuer_update(actor=officer, issuer=token.issuer, country="BG")
        watched = self.judge(token, self.FRESH, "fatf.increased_monitoring")
        assert (watched.verdict, watched.warnings) == (Verdict.PASS, (WarningCode.LIST_HIT,))

    def test_a_stale_list_warns_and_changes_no_verdict(self, token, officer: User):
        for country, verdict in (("DE", Verdict.PASS), ("KP", Verdict.FAIL)):
            issuer_update(actor=officer, issuer=token.issuer, country=country)
            before = self.judge(token, self.STALE_FROM - timedelta(microseconds=1))
            after = self.judge(token, self.STALE_FROM)
            assert (before.verdict, before.warnings) == (verdict, ())
            assert (after.verdict, after.warnings) == (verdict, (WarningCode.LIST_STALE,))
            assert after.evidence[0].value == AS_OF
