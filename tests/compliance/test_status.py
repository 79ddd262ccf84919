"""The computed status: right, explained, never stale, and cheap to read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Token, User
from accounts.services import issuer_update
from attestations.services import attestation_revoke
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.services import record_event
from compliance import tasks
from compliance.models import TokenStatus
from compliance.services import recalculation
from compliance.services import status as status_service
from compliance.services.metadata import metadata_delete, metadata_upsert
from compliance.services.status import due_statuses, status_get, status_recalculate
from tests.compliance.conftest import ASSET, attest
from tests.factories import ARAMID, VOI, client_for, event_bodies
from whitelist.services.policies import whitelist_policy_set

Read = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.django_db


def failing(status: dict[str, Any]) -> list[str]:
    return [item["key"] for item in status["rationale"] if item["verdict"] != "Pass"]


class TestTheAnswer:
    def test_a_token_that_meets_every_rule_is_compliant(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        status = status_of(owner)
        assert status["status"] == "Compliant", failing(status)
        assert (status["assetId"], status["network"]) == (ASSET, VOI)
        assert {item["verdict"] for item in status["rationale"]} == {"Pass"}
        assert {"id": "global-baseline", "version": "2026.11.1"} in status["packVersions"]
        assert status["counts"]["Fail"] == 0
        assert status["missingFacts"] == []

    def test_a_bare_record_says_what_is_missing(
        self, baseline: None, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=ARAMID, changes={})
        status = status_of(owner)
        assert status["status"] == "NonCompliant"
        assert "engine.jurisdiction_tagged" in failing(status)
        assert "base.kyc_attestation" in failing(status)
        assert all(item["verdict"] == "Fail" for item in status["rationale"])

    def test_a_token_known_only_from_evidence_has_a_status_too(
        self, baseline: None, owner: User, officer: User, status_of: Read
    ) -> None:
        attest(owner, officer, "KYC")
        assert status_of(owner)["status"] == "NonCompliant"

    def test_without_a_rule_pack_for_the_tag_it_is_never_compliant(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "BR"})
        status = status_of(owner)
        assert status["status"] == "PartiallyCompliant"
        assert set(failing(status)) == {
            "engine.rule_pack_available",
            "engine.classification_recorded",
        }

    def test_an_unreadable_tag_fails_and_is_named(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(
            actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "GLOBAL, Narnia"}
        )
        status = status_of(owner)
        assert status["status"] == "NonCompliant"
        assert failing(status) == ["engine.tags_recognised"]
        assert "Narnia" in status["rationale"][0]["reason"]

    def test_unknown_asset_is_a_404(self, owner: User) -> None:
        response = client_for(owner).get("/api/v1/compliance/99/status")
        assert (response.status_code, response.json()["errorCode"]) == (404, "NOT_FOUND")

    def test_ambiguous_asset_is_a_409(self, baseline: None, owner: User) -> None:
        for network in (VOI, ARAMID):
            metadata_upsert(
                actor=owner, asset_id=ASSET, network=network, changes={"jurisdiction": "US"}
            )
        client = client_for(owner)
        path = f"/api/v1/compliance/{ASSET}/status"
        assert client.get(path).status_code == 409
        assert client.get(path, {"network": "voimain"}).json()["status"]["network"] == VOI
        assert client.get(path, {"network": "bad name"}).status_code == 400
        assert client.get(path, {"net": VOI}).status_code == 400

    def test_etag_and_304(self, compliant_token: Token, owner: User) -> None:
        client = client_for(owner)
        path = f"/api/v1/compliance/{ASSET}/status"
        etag = client.get(path).headers["ETag"]
        assert client.get(path, HTTP_IF_NONE_MATCH=etag).status_code == 304
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        changed = client.get(path, HTTP_IF_NONE_MATCH=etag)
        assert (changed.status_code, changed.json()["status"]["status"]) == (200, "NonCompliant")
        assert changed.headers["ETag"] != etag


class TestNeverStale:
    """No task runs in these tests: what a read shows comes from the read alone."""

    @pytest.fixture(autouse=True)
    def _no_task(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks.recalculate_token_status, "apply_async", lambda *a, **k: None)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (
                lambda t, o, f: whitelist_policy_set(actor=o, token=t, enforcement="Off"),
                "base.whitelist_enforced",
            ),
            (
                lambda t, o, f: metadata_upsert(
                    actor=o, asset_id=ASSET, network=VOI, changes={"verification_status": "Failed"}
                ),
                "base.kyc_status",
            ),
            (
                lambda t, o, f: issuer_update(actor=f, issuer=t.issuer, legal_name=""),
                "base.issuer_profile",
            ),
            (
                lambda t, o, f: metadata_delete(actor=o, asset_id=ASSET, network=VOI),
                "engine.jurisdiction_tagged",
            ),
        ],
        ids=["policy", "metadata", "issuer", "deletion"],
    )
    def test_a_committed_change_shows_in_the_next_read(
        self,
        compliant_token: Token,
        owner: User,
        officer: User,
        status_of: Read,
        change: Callable[..., object],
        expected: str,
    ) -> None:
        assert status_of(owner)["status"] == "Compliant"
        change(Token.objects.select_related("issuer").get(), owner, officer)
        status = status_of(owner)
        assert status["status"] == "NonCompliant"
        assert expected in failing(status)

    def test_a_revoked_attestation_shows(
        self, compliant_token: Token, owner: User, officer: User, status_of: Read
    ) -> None:
        assert status_of(owner)["status"] == "Compliant"
        kyc = compliant_token.attestations.get(attestation_type="KYC")
        attestation_revoke(actor=officer, attestation_id=kyc.pk, reason="withdrawn")
        status = status_of(owner)
        assert failing(status) == ["base.kyc_attestation"]
        assert status["rationale"][0]["reasonCode"] == "evidence_revoked"

    def test_time_alone_makes_it_worse(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        with time_machine.travel(timezone.now(), tick=False) as clock:
            before = status_of(owner)
            assert before["status"] == "Compliant"
            row = TokenStatus.objects.get()
            assert row.next_evaluation_at is not None
            clock.move_to(row.next_evaluation_at - timedelta(microseconds=1))
            assert status_of(owner)["evaluatedAt"] == before["evaluatedAt"]
            clock.move_to(timezone.now() + timedelta(days=301))
            after = status_of(owner)
        assert after["status"] == "NonCompliant"
        assert "base.kyc_attestation" in failing(after)
        (one,) = [item for item in after["rationale"] if item["key"] == "base.kyc_attestation"]
        assert one["reasonCode"] == "evidence_expired"

    def test_a_rolled_back_change_leaves_no_trace(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        before = status_of(owner)
        revision = TokenStatus.objects.get().revision

        def attempt() -> None:
            with transaction.atomic():
                whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            attempt()
        assert TokenStatus.objects.get().revision == revision
        assert status_of(owner) == before

    def test_a_change_during_an_evaluation_is_not_lost(
        self,
        compliant_token: Token,
        owner: User,
        status_of: Read,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        original = status_service.token_snapshot

        def slow(token: Token, now: Any) -> Any:
            snapshot = original(token, now)
            monkeypatch.setattr(status_service, "token_snapshot", original)
            whitelist_policy_set(actor=owner, token=token, enforcement="Off")
            return snapshot

        monkeypatch.setattr(status_service, "token_snapshot", slow)
        status_recalculate(token_id=compliant_token.pk)
        row = TokenStatus.objects.get()
        assert (row.status, row.revision == row.evaluated_revision) == ("Compliant", False)
        assert status_of(owner)["status"] == "NonCompliant"

    def test_an_older_evaluation_does_not_overwrite_a_newer_one(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = status_service.token_snapshot

        def overtaken(token: Token, now: Any) -> Any:
            snapshot = original(token, now)
            monkeypatch.setattr(status_service, "token_snapshot", original)
            whitelist_policy_set(actor=owner, token=token, enforcement="Off")
            status_recalculate(token_id=token.pk)
            return snapshot

        monkeypatch.setattr(status_service, "token_snapshot", overtaken)
        row = status_recalculate(token_id=compliant_token.pk)
        assert row.status == "NonCompliant"
        assert TokenStatus.objects.get().status == "NonCompliant"

    def test_events_that_do_not_matter_leave_it_fresh(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        status_of(owner)
        client_for(owner).get(f"/api/v1/compliance/{ASSET}")
        record_event("audit.log.exported", actor=SYSTEM)
        row = TokenStatus.objects.get()
        assert row.revision == row.evaluated_revision


def test_a_fresh_read_costs_two_queries(compliant_token: Token, owner: User) -> None:
    client = client_for(owner)
    path = f"/api/v1/compliance/{ASSET}/status"
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    assert len(queries) == 2, [query["sql"] for query in queries]


def test_a_status_change_is_an_event_with_its_reasons(
    compliant_token: Token, owner: User, status_of: Read
) -> None:
    status_of(owner)
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    status_of(owner)
    status_of(owner)
    first, second = event_bodies("compliance.status.changed")[-2:]
    assert first["details"]["to"] == "Compliant"
    assert second["actor"] == "system"
    assert second["assetId"] == str(ASSET)
    assert second["details"] == {
        "from": "Compliant",
        "to": "NonCompliant",
        "decidedBy": ["base.whitelist_enforced"],
    }


class TestTasks:
    def test_a_hundred_changes_in_a_second_cost_few_evaluations(
        self,
        compliant_token: Token,
        owner: User,
        status_of: Read,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        evaluations: list[int] = []
        original = status_service.token_evaluate

        def counted(token: Token, now: Any) -> Any:
            evaluations.append(token.pk)
            return original(token, now)

        monkeypatch.setattr(status_service, "token_evaluate", counted)
        with django_capture_on_commit_callbacks(execute=True):
            for number in range(100):
                metadata_upsert(
                    actor=owner, asset_id=ASSET, network=VOI, changes={"notes": str(number)}
                )
        assert 1 <= len(evaluations) <= 3
        assert status_of(owner)["status"] == "Compliant"

    def test_after_commit_the_status_is_recalculated_in_process(
        self, compliant_token: Token, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        row = TokenStatus.objects.get()
        assert (row.status, row.revision) == ("NonCompliant", row.evaluated_revision)

    def test_with_the_broker_down_the_write_succeeds_and_the_sweep_picks_it_up(
        self,
        compliant_token: Token,
        owner: User,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        settings.CELERY_TASK_ALWAYS_EAGER = False

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr(tasks.recalculate_token_status, "apply_async", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            response = client_for(owner).post(
                "/api/v1/compliance",
                {"assetId": ASSET, "network": VOI, "verificationStatus": "Failed"},
                format="json",
            )
        assert response.status_code == 200
        assert due_statuses(limit=10) == [compliant_token.pk]
        monkeypatch.undo()
        assert tasks.recalculate_due_statuses() == 1
        assert TokenStatus.objects.get().status == "NonCompliant"
        assert due_statuses(limit=10) == []

    def test_the_sweep_finds_what_time_overtook(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        status_of(owner)
        assert due_statuses(limit=10) == []
        with time_machine.travel(timezone.now() + timedelta(days=301), tick=False):
            assert due_statuses(limit=10) == [compliant_token.pk]
            assert tasks.recalculate_due_statuses() == 1
            assert TokenStatus.objects.get().status == "NonCompliant"

    def test_one_status_that_cannot_be_computed_stops_nobody_else(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = metadata_upsert(actor=owner, asset_id=1, network=ARAMID, changes={}).token
        original = recalculation.evaluation_of

        def broken(token: Token, *read: Any) -> Any:
            if token.pk == compliant_token.pk:
                raise RuntimeError("cannot be evaluated")
            return original(token, *read)

        monkeypatch.setattr(recalculation, "evaluation_of", broken)
        assert tasks.recalculate_due_statuses() == 1
        assert TokenStatus.objects.get(pk=other.pk).status != ""
        assert due_statuses(limit=10) == [compliant_token.pk]


def test_a_pack_event_marks_every_token(compliant_token: Token, owner: User) -> None:
    metadata_upsert(actor=owner, asset_id=1, network=ARAMID, changes={})
    for row in TokenStatus.objects.all():
        status_recalculate(token_id=row.pk)
    assert due_statuses(limit=10) == []
    record_event("jurisdictions.pack.activated", actor=SYSTEM)
    assert len(due_statuses(limit=10)) == 2


def test_reading_a_status_writes_no_event_unless_it_changed(
    compliant_token: Token, owner: User
) -> None:
    status_get(asset_id=ASSET, network=None)
    count = AuditEvent.objects.count()
    status_get(asset_id=ASSET, network=None)
    assert AuditEvent.objects.count() == count
