"""The life of a version: submitted, returned, activated by a second person, retired."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import User
from config.api.errors import Conflict, DomainError, PermissionRefused, PreconditionFailed
from jurisdictions.engine import Snapshot, evaluate
from jurisdictions.models import RulePack
from jurisdictions.selectors import active_packs
from jurisdictions.services.drafts import pack_draft_from, pack_update
from jurisdictions.services.lifecycle import (
    pack_activate,
    pack_retire,
    pack_return,
    pack_submit,
)
from jurisdictions.services.requirements import (
    requirement_create,
)
from tests import factories
from tests.factories import event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.rules import last_event, refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


class TestReview:
    def test_a_submitted_version_is_frozen(self, officer: User):
        pack = rules.reviewed(officer)
        assert (pack.status, pack.submitted_by) == ("InReview", officer.label)
        assert last_event() == ("jurisdictions.pack.submitted", officer.label, "Draft", "InReview")
        refused(Conflict, lambda: requirement_create(actor=officer, pack=pack, **rules.RULE))
        refused(Conflict, lambda: pack_submit(actor=officer, pack=pack))

    def test_a_submission_of_something_unseen_is_refused(self, officer: User):
        pack = rules.draft(officer)
        requirement_create(actor=officer, pack=pack, **rules.RULE)
        refused(PreconditionFailed, lambda: pack_submit(actor=officer, pack=pack, lock_version=1))

    def test_a_return_opens_it_again_with_a_reason(self, officer: User, administrator: User):
        pack = rules.reviewed(officer)
        refused(ValidationError, lambda: pack_return(actor=administrator, pack=pack, reason="  "))
        row = pack_return(actor=administrator, pack=pack, reason="Cite the article.")
        assert row.status == "Draft"
        (event,) = event_bodies("jurisdictions.pack.returned")
        assert (event["notes"], event["actor"]) == ("Cite the article.", administrator.label)
        requirement_create(actor=officer, pack=pack, **rules.RULE)
        refused(
            Conflict, lambda: pack_return(actor=administrator, pack=pack, reason="Not in review")
        )


class TestActivation:
    def test_supersedes_the_active_version_today_at_the_earliest(
        self, officer: User, administrator: User
    ):
        pack = rules.activated(officer, administrator)
        old = RulePack.objects.get(version="2026.11.1")
        assert (pack.status, pack.effective_from) == ("Active", date(2026, 11, 22))
        assert (pack.activated_by, pack.activated_at) == (administrator.label, NOW)
        assert (old.status, old.effective_to) == ("Superseded", date(2026, 11, 21))
        names = [
            (body["actor"], body["oldStatus"], body["newStatus"], body["details"]["version"])
            for name in ("superseded", "activated")
            for body in event_bodies(f"jurisdictions.pack.{name}")
        ]
        assert names == [
            (administrator.label, "Active", "Superseded", "2026.11.1"),
            ("system", "Draft", "Active", "2026.11.1"),
            (administrator.label, "InReview", "Active", "2026.11.2"),
        ]
        assert event_bodies("jurisdictions.pack.activated")[1]["details"]["supersedes"] == (
            "2026.11.1"
        )

    def test_in_the_future_leaves_the_old_one_in_force_until_then(
        self, officer: User, administrator: User
    ):
        draft = rules.draft(officer)
        requirement_create(actor=officer, pack=draft, **rules.RULE)
        pack_update(actor=officer, pack=draft, effective_from=date(2027, 1, 1))
        pack_submit(actor=officer, pack=draft)
        rules.activate(actor=administrator, pack=draft)
        old = RulePack.objects.get(version="2026.11.1")
        assert (old.status, old.effective_to) == ("Superseded", date(2026, 12, 31))

        def versions(moment: datetime) -> set[str]:
            results = evaluate(Snapshot(), active_packs(now=moment), moment)
            return {one.pack_version for one in results if one.pack_id == rules.BASELINE}

        assert versions(NOW) == {"2026.11.1"}
        assert versions(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == {"2026.11.1"}
        assert versions(datetime(2027, 1, 1, tzinfo=UTC)) == {"2026.11.2"}

    def test_before_one_that_never_came_into_force(self, officer: User, administrator: User):
        later = rules.draft(officer)
        pack_update(actor=officer, pack=later, effective_from=date(2027, 1, 1))
        pack_submit(actor=officer, pack=later)
        rules.activate(actor=administrator, pack=later)
        sooner = pack_draft_from(actor=officer, pack=later)
        pack_update(actor=officer, pack=sooner, effective_from=date(2026, 12, 1))
        pack_submit(actor=officer, pack=sooner)
        rules.activate(actor=administrator, pack=sooner)
        later.refresh_from_db()
        assert (later.status, later.effective_to) == ("Superseded", None)
        moment = datetime(2027, 2, 1, tzinfo=UTC)
        results = evaluate(Snapshot(), active_packs(now=moment), moment)
        assert {one.pack_version for one in results if one.pack_id == rules.BASELINE} == {
            "2026.11.3"
        }

    def test_needs_an_administrator(self, officer: User, auditor: User, owner: User):
        pack = rules.reviewed(officer)
        second_officer = factories.user_with_role("ComplianceOfficer")
        report = rules.tried(pack)
        for actor in (officer, second_officer, auditor, owner):
            refused(
                PermissionRefused,
                lambda a=actor: pack_activate(actor=a, pack=pack, dry_run_report=report),
            )

    def test_needs_somebody_who_neither_wrote_nor_submitted_it(
        self, officer: User, administrator: User
    ):
        second = factories.user_with_role("Administrator")
        pack = rules.draft(officer)
        requirement_create(actor=second, pack=pack, **rules.RULE)
        pack_submit(actor=administrator, pack=pack)
        report = rules.tried(pack)
        for actor in (second, administrator):
            refused(
                PermissionRefused,
                lambda a=actor: pack_activate(actor=a, pack=pack, dry_run_report=report),
            )
        third = factories.user_with_role("Administrator")
        assert rules.activate(actor=third, pack=pack).activated_by == third.label

    def test_of_a_loaded_draft_needs_a_submitter_and_a_second_person(
        self, officer: User, administrator: User, tmp_path: Any
    ):
        rules.load(fixtures=rules.fixtures_with(tmp_path, us=rules.document("US-SEC")))
        pack = RulePack.objects.get()
        report = rules.tried(pack)
        refused(
            Conflict, lambda: pack_activate(actor=administrator, pack=pack, dry_run_report=report)
        )
        pack_submit(actor=officer, pack=pack)
        row = rules.activate(actor=administrator, pack=pack)
        # It was never in force before, so its law keeps its own date.
        assert (row.origin, row.effective_from) == ("Loaded", date(2012, 4, 5))

    def test_of_what_was_not_seen_is_refused(self, officer: User, administrator: User):
        pack = rules.reviewed(officer)
        report = rules.tried(pack)
        refused(
            PreconditionFailed,
            lambda: pack_activate(
                actor=administrator, pack=pack, dry_run_report=report, lock_version=1
            ),
        )
        assert rules.activate(actor=administrator, pack=pack, lock_version=2).status == "Active"

    def test_of_an_older_version_is_refused(self, officer: User, administrator: User):
        older = rules.reviewed(officer)
        newer = pack_draft_from(actor=officer, pack=older)
        pack_submit(actor=officer, pack=newer)
        rules.activate(actor=administrator, pack=newer)
        report = rules.tried(older)
        refusal = refused(
            Conflict, lambda: pack_activate(actor=administrator, pack=older, dry_run_report=report)
        )
        assert refusal.message == "The newer version 2026.11.3 is active already."

    def test_of_what_is_over_is_refused(self, officer: User, administrator: User):
        pack = rules.draft(officer)
        pack_update(actor=officer, pack=pack, effective_to=date(2026, 11, 21))
        pack_submit(actor=officer, pack=pack)
        report = rules.tried(pack)
        refused(
            Conflict, lambda: pack_activate(actor=administrator, pack=pack, dry_run_report=report)
        )

    def test_brings_a_new_rule_into_the_evaluation(self, officer: User, administrator: User):
        pack = rules.draft(officer)
        requirement_create(actor=officer, pack=pack, **rules.RULE)

        def found() -> list[tuple[str, str, str]]:
            return [
                (str(one.verdict), one.citations[0].text, one.pack_version)
                for one in evaluate(Snapshot(), active_packs(now=NOW), NOW)
                if one.key == "base.prospectus_link"
            ]

        pack_submit(actor=officer, pack=pack)
        assert found() == []
        rules.activate(actor=administrator, pack=pack)
        assert found() == [("Fail", "Prospectus Regulation Art 21", "2026.11.2")]


class TestRetirement:
    def test_ends_an_active_version(self, officer: User, administrator: User):
        pack = rules.baseline()
        refused(PermissionRefused, lambda: pack_retire(actor=officer, pack=pack, reason="Old"))
        refused(ValidationError, lambda: pack_retire(actor=administrator, pack=pack, reason=""))
        row = pack_retire(actor=administrator, pack=pack, reason="Repealed.")
        assert row.status == "Retired"
        assert event_bodies("jurisdictions.pack.retired")[0]["notes"] == "Repealed."
        assert active_packs(now=NOW) == ()
        refused(Conflict, lambda: pack_retire(actor=administrator, pack=pack, reason="Once more"))

    def test_withdraws_a_draft(self, officer: User):
        pack = rules.draft(officer)
        assert pack_retire(actor=officer, pack=pack, reason="Not needed.").status == "Retired"
        refused(Conflict, lambda: pack_submit(actor=officer, pack=pack))
        assert pack_draft_from(actor=officer, pack=pack).version == "2026.11.3"


def race(*changes: Callable[[], object]) -> list[str]:
    """Run the changes at once; what each came to, sorted."""
    outcomes: list[str] = []
    barrier = Barrier(len(changes))

    def run(change: Callable[[], object]) -> None:
        barrier.wait()
        try:
            change()
            outcomes.append("done")
        except DomainError as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_version_is_activated_once(self, officer: User, administrator: User):
        pack = rules.reviewed(officer)
        report = rules.tried(pack)
        second = factories.user_with_role("Administrator")
        outcomes = race(
            lambda: pack_activate(actor=administrator, pack=pack, dry_run_report=report),
            lambda: pack_activate(actor=second, pack=pack, dry_run_report=report),
            lambda: pack_activate(actor=administrator, pack=pack, dry_run_report=report),
        )
        assert outcomes == ["Conflict", "Conflict", "done"]
        assert len(event_bodies("jurisdictions.pack.activated")) == 2  # and the loaded one
        assert len(event_bodies("jurisdictions.pack.superseded")) == 1

    def test_of_two_versions_tried_on_the_same_rules_one_comes_into_force(
        self, officer: User, administrator: User
    ):
        one = rules.reviewed(officer)
        two = pack_draft_from(actor=officer, pack=one)
        pack_submit(actor=officer, pack=two)
        reports = rules.tried(one), rules.tried(two)
        outcomes = race(
            lambda: pack_activate(actor=administrator, pack=one, dry_run_report=reports[0]),
            lambda: pack_activate(actor=administrator, pack=two, dry_run_report=reports[1]),
        )
        assert outcomes == ["PreconditionFailed", "done"]
        assert RulePack.objects.filter(status="Active").count() == 1

    def test_an_edit_and_a_submission_do_not_cross(self, officer: User):
        pack = rules.draft(officer)
        outcomes = race(
            lambda: requirement_create(actor=officer, pack=pack, **rules.RULE),
            lambda: pack_submit(actor=officer, pack=pack, lock_version=1),
        )
        assert outcomes in (["Conflict", "done"], ["PreconditionFailed", "done"])
        pack.refresh_from_db()
        edited = "base.prospectus_link" in rules.keys(pack)
        assert (pack.status, edited) in (("InReview", False), ("Draft", True))

    def test_two_drafts_get_two_versions(self, officer: User, administrator: User):
        pack = rules.baseline()
        outcomes = race(
            lambda: pack_draft_from(actor=officer, pack=pack),
            lambda: pack_draft_from(actor=administrator, pack=pack),
        )
        assert outcomes == ["done", "done"]
        versions = RulePack.objects.order_by("version").values_list("version", flat=True)
        assert list(versions) == ["2026.11.1", "2026.11.2", "2026.11.3"]

    def test_two_loads_load_once(self):
        outcomes = race(lambda: rules.load(rules.BASELINE), lambda: rules.load(rules.BASELINE))
        assert outcomes == ["done", "done"]
        assert RulePack.objects.count() == 1
        assert len(event_bodies("jurisdictions.pack.loaded")) == 1
