"""Dry runs: every token with a draft in force, sealed, resumable, and bound to the draft."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from audit.models import AuditEvent
from compliance.models import TokenStatus
from compliance.services import dry_runs
from compliance.services.dry_runs import dry_run_continue
from compliance.services.metadata import metadata_upsert
from compliance.services.status import status_recalculate
from compliance.tasks import continue_dry_run, continue_dry_runs
from config.api.errors import Conflict, PermissionRefused, PreconditionFailed
from jurisdictions.models import DryRun, DryRunChange, DryRunReport, PackApproval, RulePack
from jurisdictions.services.approvals import VALID_FOR
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.dry_runs import dry_run_cancel, dry_run_request
from jurisdictions.services.lifecycle import pack_activate, pack_return, pack_submit
from jurisdictions.services.requirements import requirement_create
from tests.factories import VOI, client_for, event_bodies, user_with_role
from tests.jurisdictions.rules import RULE

RULES = "/api/v1/compliance/jurisdiction-rules/global-baseline"
NEW_RULE = {**RULE, "key": "base.website", "params": {"field": "issuer.website"}}


@pytest.fixture
def draft(compliant_token: Token, officer: User) -> RulePack:
    """A draft that asks for a website, which no issuer has."""
    pack = pack_draft_from(actor=officer, pack=RulePack.objects.get(status="Active"))
    requirement_create(actor=officer, pack=pack, **NEW_RULE)
    return RulePack.objects.get(pk=pack.pk)


@pytest.fixture
def more_tokens(owner: User) -> list[Token]:
    """Tokens of which little is known."""
    return [
        metadata_upsert(
            actor=owner, asset_id=60_000 + number, network=VOI, changes={"jurisdiction": "GLOBAL"}
        ).token
        for number in range(5)
    ]


def finished(run: DryRun) -> DryRun:
    while dry_run_continue(run.pk):
        pass
    return DryRun.objects.select_related("report").get(pk=run.pk)


def content_of(run: DryRun) -> dict[str, Any]:
    return json.loads(run.report.document)["content"]


class TestWhatItFinds:
    def test_the_tokens_that_change_status_and_by_which_requirement(
        self, draft: RulePack, more_tokens: list[Token], compliant_token: Token, officer: User
    ):
        before = {row.pk: row.status for row in TokenStatus.objects.all()}
        events = AuditEvent.objects.filter(name="compliance.status.changed").count()
        run = finished(dry_run_request(actor=officer, pack=draft))
        assert (run.state, run.total, run.done, run.flips, run.shifts) == (
            "Finished",
            6,
            6,
            1,
            5,
        )
        (change,) = run.changes.all()
        assert (change.token, change.before, change.after) == (
            compliant_token,
            "Compliant",
            "NonCompliant",
        )
        assert change.checks == [
            {
                "key": "base.website",
                "jurisdiction": "GLOBAL",
                "viaTag": None,
                "before": None,
                "after": "Fail (required)",
            }
        ]
        content = content_of(run)
        assert content["transitions"] == [{"from": "Compliant", "to": "NonCompliant", "tokens": 1}]
        assert content["requirements"] == [{"key": "base.website", "tokens": 1}]
        assert content["changes"][0]["assetId"] == str(compliant_token.asset_id)
        # It is dry: no status and no event of one.
        assert {row.pk: row.status for row in TokenStatus.objects.all()} == before
        assert AuditEvent.objects.filter(name="compliance.status.changed").count() == events

    def test_what_it_foretells_comes_true(
        self, draft: RulePack, compliant_token: Token, officer: User, administrator: User
    ):
        run = finished(dry_run_request(actor=officer, pack=draft))
        pack_submit(actor=officer, pack=draft)
        pack_activate(actor=administrator, pack=draft, dry_run_report=run.report.digest)
        assert status_recalculate(token_id=compliant_token.pk).status == run.changes.get().after

    def test_a_draft_that_changes_nothing(self, compliant_token: Token, officer: User):
        pack = pack_draft_from(actor=officer, pack=RulePack.objects.get(status="Active"))
        run = finished(dry_run_request(actor=officer, pack=pack))
        assert (run.flips, run.shifts, content_of(run)["changes"]) == (0, 0, [])

    def test_a_token_that_the_draft_breaks_is_shown(
        self, draft: RulePack, compliant_token: Token, officer: User
    ):
        run = dry_run_request(actor=officer, pack=draft)
        real = dry_runs.evaluate

        def evaluate(snapshot: Any, packs: Any, now: Any) -> Any:
            if any(pack.version == draft.version for pack in packs):
                raise ZeroDivisionError
            return real(snapshot, packs, now)

        with patch.object(dry_runs, "evaluate", evaluate):
            run = finished(run)
        assert [one.after for one in run.changes.all()] == ["NotEvaluated"]

    def test_the_report_verifies_like_any_other(
        self, draft: RulePack, officer: User, anonymous: APIClient
    ):
        run = finished(dry_run_request(actor=officer, pack=draft))
        sealed = run.report.document

        def holds(text: str) -> bool:
            answered = client_for(officer).post(
                "/api/v1/compliance/reports/verify", text, content_type="application/json"
            )
            return bool(answered.json()["verification"]["valid"])

        assert holds(sealed)
        assert not holds(sealed.replace('"NonCompliant"', '"Compliant"', 1))


class TestProgress:
    def test_a_batch_at_a_time_no_token_twice(
        self,
        draft: RulePack,
        more_tokens: list[Token],
        officer: User,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(dry_runs, "BATCH", 2)
        run = dry_run_request(actor=officer, pack=draft)
        seen = []
        while dry_run_continue(run.pk):
            run.refresh_from_db()
            seen.append((run.state, run.done, run.percent))
        assert seen == [("Running", 2, 33), ("Running", 4, 66), ("Running", 6, 99)]
        run.refresh_from_db()
        assert (run.state, run.percent) == ("Finished", 100)
        assert dry_run_continue(run.pk) is False
        assert DryRunReport.objects.count() == 1

    def test_a_batch_that_fails_is_done_again(
        self, draft: RulePack, more_tokens: list[Token], officer: User, monkeypatch: Any
    ):
        monkeypatch.setattr(dry_runs, "BATCH", 2)
        run = dry_run_request(actor=officer, pack=draft)
        dry_run_continue(run.pk)
        with (
            patch.object(dry_runs, "dry_run_advance", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            dry_run_continue(run.pk)
        run.refresh_from_db()
        assert (run.done, finished(run).done) == (2, 6)

    def test_the_cost_of_a_batch_does_not_grow_with_its_tokens(
        self, draft: RulePack, officer: User, owner: User
    ):
        def first_batch() -> int:
            run = dry_run_request(actor=officer, pack=draft)
            with CaptureQueriesContext(connection) as queries:
                dry_run_continue(run.pk)
            finished(run)
            return len(queries)

        first_batch()  # the rules are read once
        alone = first_batch()
        for number in range(20):
            metadata_upsert(
                actor=owner,
                asset_id=70_000 + number,
                network=VOI,
                changes={"jurisdiction": "GLOBAL"},
            )
        assert first_batch() == alone

    def test_what_goes_wrong_ends_it_with_the_reason(self, draft: RulePack, officer: User):
        run = dry_run_request(actor=officer, pack=draft)
        with patch("compliance.services.dry_runs.token_snapshots", side_effect=ValueError("odd")):
            continue_dry_run(str(run.pk))
        run.refresh_from_db()
        assert (run.state, run.problem) == ("Failed", "ValueError: odd")
        assert event_bodies("jurisdictions.dry_run.failed")[0]["notes"] == "ValueError: odd"

    def test_the_sweep_takes_up_what_a_dead_broker_lost(self, draft: RulePack, officer: User):
        with patch("compliance.tasks.continue_dry_run.delay", side_effect=OSError):
            run = dry_run_request(actor=officer, pack=draft)
            assert continue_dry_runs() == 0  # it may be about to start
            DryRun.objects.update(created_at=timezone.now() - timedelta(minutes=2))
            assert continue_dry_runs() == 1
        assert continue_dry_runs() == 1
        run.refresh_from_db()
        assert run.state == "Finished"

    def test_a_second_request_for_the_same_content_is_the_first(
        self, draft: RulePack, officer: User
    ):
        run = dry_run_request(actor=officer, pack=draft)
        assert dry_run_request(actor=officer, pack=draft) == run
        assert len(event_bodies("jurisdictions.dry_run.requested")) == 1

    def test_a_change_of_the_draft_ends_a_run_of_the_old_content(
        self, draft: RulePack, officer: User
    ):
        run = dry_run_request(actor=officer, pack=draft)
        requirement_create(actor=officer, pack=draft, **{**NEW_RULE, "key": "base.other"})
        assert dry_run_continue(run.pk) is False
        run.refresh_from_db()
        assert (run.state, run.problem) == (
            "Cancelled",
            "The draft or the rules in force changed while it ran.",
        )
        other = dry_run_request(actor=officer, pack=draft)
        requirement_create(actor=officer, pack=draft, **{**NEW_RULE, "key": "base.third"})
        third = dry_run_request(actor=officer, pack=draft)
        other.refresh_from_db()
        assert (other.state, third.state) == ("Cancelled", "Queued")

    def test_it_is_cancelled_once(self, draft: RulePack, officer: User, auditor: User):
        run = dry_run_request(actor=officer, pack=draft)
        with pytest.raises(PermissionRefused):
            dry_run_cancel(actor=auditor, run=run)
        assert dry_run_cancel(actor=officer, run=run).state == "Cancelled"
        with pytest.raises(Conflict):
            dry_run_cancel(actor=officer, run=run)
        assert dry_run_continue(run.pk) is False


class TestApproval:
    def approved(self, pack: RulePack, by: User, report: str | None) -> RulePack:
        return pack_activate(actor=by, pack=pack, dry_run_report=report)

    def test_is_what_activation_rests_on(self, draft: RulePack, officer: User, administrator: User):
        run = finished(dry_run_request(actor=officer, pack=draft))
        pack_submit(actor=officer, pack=draft)
        self.approved(draft, administrator, run.report.digest)
        approval = PackApproval.objects.get()
        assert (approval.pack, approval.report, approval.approved_by_id) == (
            draft,
            run.report,
            administrator.principal_id,
        )
        details = event_bodies("jurisdictions.pack.approved")[0]["details"]
        assert details["reportDigest"] == run.report.digest
        assert details["packDigest"] == run.pack_digest

    def test_without_a_report_or_with_a_foreign_one_it_is_refused(
        self, draft: RulePack, officer: User, administrator: User
    ):
        other = pack_draft_from(actor=officer, pack=draft)
        foreign = finished(dry_run_request(actor=officer, pack=other)).report.digest
        pack_submit(actor=officer, pack=draft)
        for report, refusal in (
            (None, Conflict),
            ("", Conflict),
            ("0" * 64, PreconditionFailed),
            (foreign, PreconditionFailed),
        ):
            with pytest.raises(refusal):
                self.approved(draft, administrator, report)
        assert RulePack.objects.get(pk=draft.pk).status == "InReview"
        assert not PackApproval.objects.exists()

    def test_a_change_after_the_dry_run_voids_it(
        self, draft: RulePack, officer: User, administrator: User
    ):
        run = finished(dry_run_request(actor=officer, pack=draft))
        pack_submit(actor=officer, pack=draft)
        pack_return(actor=administrator, pack=draft, reason="One more rule.")
        requirement_create(actor=officer, pack=draft, **{**NEW_RULE, "key": "base.other"})
        pack_submit(actor=officer, pack=draft)
        with pytest.raises(PreconditionFailed, match="changed after this dry run"):
            self.approved(draft, administrator, run.report.digest)
        again = finished(dry_run_request(actor=officer, pack=draft))
        assert self.approved(draft, administrator, again.report.digest).status == "Active"

    def test_a_change_of_the_rules_in_force_voids_it(
        self, draft: RulePack, officer: User, administrator: User
    ):
        newer = pack_draft_from(actor=officer, pack=draft)
        runs = [finished(dry_run_request(actor=officer, pack=one)) for one in (draft, newer)]
        for one in (draft, newer):
            pack_submit(actor=officer, pack=one)
        self.approved(draft, administrator, runs[0].report.digest)
        with pytest.raises(PreconditionFailed, match="rules in force"):
            self.approved(newer, administrator, runs[1].report.digest)

    def test_it_ages(self, draft: RulePack, officer: User, administrator: User, monkeypatch: Any):
        run = finished(dry_run_request(actor=officer, pack=draft))
        pack_submit(actor=officer, pack=draft)
        late = run.report.created_at + VALID_FOR + timedelta(seconds=1)
        with (
            patch("jurisdictions.services.approvals.timezone.now", return_value=late),
            pytest.raises(PreconditionFailed, match="older than 7 days"),
        ):
            self.approved(draft, administrator, run.report.digest)

    def test_of_one_that_is_no_draft_there_is_none(self, draft: RulePack, officer: User):
        with pytest.raises(Conflict):
            dry_run_request(actor=officer, pack=RulePack.objects.get(status="Active"))


class TestApi:
    def test_from_the_request_to_the_activation(
        self,
        draft: RulePack,
        officer: User,
        administrator: User,
        auditor: User,
        compliant_token: Token,
        django_capture_on_commit_callbacks: Callable[..., Any],
    ):
        client = client_for(officer)
        path = f"{RULES}/{draft.version}"
        with django_capture_on_commit_callbacks(execute=True):
            started = client.post(f"{path}/dry-runs", {}, format="json")
        assert started.status_code == 202
        assert started.json()["dryRun"]["status"] == "Queued"
        where = started["Location"]
        reader = client_for(auditor)
        answered = reader.get(where)
        run = answered.json()["dryRun"]
        assert (run["status"], run["progressPercent"], run["statusChanges"]) == ("Finished", 100, 1)
        assert "Retry-After" not in answered
        assert reader.get(where, HTTP_IF_NONE_MATCH=answered["ETag"]).status_code == 304
        listed = reader.get(f"{path}/dry-runs").json()["dryRuns"]
        assert listed == [run]
        changes = reader.get(f"{where}/changes?toStatus=noncompliant").json()["changes"]
        assert changes[0]["assetId"] == compliant_token.asset_id
        assert changes[0]["decidedBy"][0]["key"] == "base.website"
        assert reader.get(f"{where}/changes?toStatus=Compliant").json()["changes"] == []
        sealed = reader.get(run["report"]["url"])
        assert sealed.json()["digest"] == run["report"]["digest"]
        assert len(event_bodies("jurisdictions.dry_run.report_read")) == 1

        assert client.post(f"{path}/submit", {}, format="json").status_code == 200
        second = client_for(administrator)
        without = second.post(f"{path}/activate", {}, format="json")
        assert (without.status_code, list(without.json()["details"])) == (400, ["dryRunReport"])
        body = {"dryRunReport": run["report"]["digest"]}
        done = second.post(f"{path}/activate", body, format="json")
        assert done.json()["rule"]["status"] == "Active"

    def test_progress_is_polled(self, draft: RulePack, officer: User):
        run = dry_run_request(actor=officer, pack=draft)
        answered = client_for(officer).get(f"/api/v1/compliance/dry-runs/{run.pk}")
        assert (answered["Retry-After"], answered.json()["dryRun"]["report"]) == ("2", None)
        refused = client_for(officer).get(f"/api/v1/compliance/dry-runs/{run.pk}/report")
        assert refused.status_code == 404
        assert "queued and has no report" in refused.json()["errorMessage"]
        cancelled = client_for(officer).delete(f"/api/v1/compliance/dry-runs/{run.pk}")
        assert cancelled.json()["dryRun"]["status"] == "Cancelled"

    def test_it_is_for_staff(self, draft: RulePack, officer: User, owner: User, auditor: User):
        run = dry_run_request(actor=officer, pack=draft)
        paths = [f"{RULES}/{draft.version}/dry-runs"] + [
            f"/api/v1/compliance/dry-runs/{run.pk}{part}" for part in ("", "/changes", "/report")
        ]
        assert [client_for(owner).get(path).status_code for path in paths] == [403] * 4
        assert client_for(auditor).post(paths[0], {}, format="json").status_code == 403
        assert client_for(auditor).delete(paths[1]).status_code == 403

    @pytest.mark.parametrize("digest", [1, ["a"], "x" * 65, "\x00", {}, None])
    def test_no_other_report_is_taken(
        self, draft: RulePack, officer: User, administrator: User, digest: Any
    ):
        pack_submit(actor=officer, pack=draft)
        answered = client_for(administrator).post(
            f"{RULES}/{draft.version}/activate", {"dryRunReport": digest}, format="json"
        )
        assert answered.status_code == 400
        assert "dryRunReport" in answered.json()["details"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_workers_evaluate_no_token_twice(
    draft: RulePack, more_tokens: list[Token], officer: User, monkeypatch: Any
):
    monkeypatch.setattr(dry_runs, "BATCH", 1)
    with patch("compliance.tasks.continue_dry_run.delay"):
        run = dry_run_request(actor=officer, pack=draft)

    def work() -> None:
        ends = monotonic() + 30  # whoever finds the run held comes back
        while DryRun.objects.get(pk=run.pk).is_unfinished and monotonic() < ends:
            if not dry_run_continue(run.pk):
                sleep(0.005)
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == ("Finished", 6, 6)
    assert DryRunChange.objects.count() == 1
    assert DryRunReport.objects.count() == 1


def test_two_administrators_do_not_approve_their_own(draft: RulePack, officer: User):
    author = user_with_role("Administrator")
    requirement_create(actor=author, pack=draft, **{**NEW_RULE, "key": "base.other"})
    run = finished(dry_run_request(actor=author, pack=draft))
    pack_submit(actor=officer, pack=draft)
    with pytest.raises(PermissionRefused):
        pack_activate(actor=author, pack=draft, dry_run_report=run.report.digest)
