"""The status of an issuer, and the recalculation of many tokens together."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.services import issuer_update
from attestations.services import attestation_create, attestation_revoke
from audit.principal import SYSTEM
from audit.services import record_event
from compliance import tasks
from compliance.models import TokenStatus
from compliance.services import issuer_status as issuer_status_service
from compliance.services import recalculation
from compliance.services.metadata import metadata_upsert
from compliance.services.recalculation import recalculation_progress, statuses_recalculate
from compliance.services.status import due_statuses, status_get, status_recalculate
from compliance.snapshot_batches import token_snapshots
from compliance.snapshots import token_snapshot
from jurisdictions.services.facts import facts_record, issuer_facts_record
from jurisdictions.services.tags import issuer_tag_assign, tag_assign
from jurisdictions.services.waivers import waiver_approve, waiver_request
from tests.compliance.conftest import ASSET, attest
from tests.factories import (
    ARAMID,
    CID,
    VOI,
    TokenFactory,
    client_for,
    event_bodies,
    user_with_role,
    wallet,
)
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
Get = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task runs: what a read shows comes from the read alone."""
    monkeypatch.setattr(tasks.recalculate_token_status, "apply_async", lambda *a, **k: None)
    monkeypatch.setattr(tasks.recalculate_due_statuses, "delay", lambda: None)


def bare(owner: User, asset_id: int, **changes: Any) -> Token:
    return metadata_upsert(
        actor=owner,
        asset_id=asset_id,
        network=ARAMID,
        changes={"jurisdiction": "GLOBAL", **changes},
    ).token


def ask(user: User, issuer: Issuer, **headers: Any) -> Any:
    return client_for(user).get(f"/api/v1/issuers/{issuer.pk}/status", **headers)


def read(user: User, issuer: Issuer) -> dict[str, Any]:
    response = ask(user, issuer)
    assert response.status_code == 200, response.content
    status: dict[str, Any] = response.json()["status"]
    return status


class TestTheStatusOfAnIssuer:
    def test_without_tokens_it_is_unknown(self, issuer: Issuer, owner: User) -> None:
        status = read(owner, issuer)
        assert status["issuerId"] == str(issuer.pk)
        assert (status["status"], status["complete"], status["tokens"]) == ("Unknown", True, [])

    def test_it_is_that_of_the_worst_token(
        self, compliant_token: Token, issuer: Issuer, owner: User
    ) -> None:
        assert read(owner, issuer)["status"] == "Compliant"
        bare(owner, 7)
        status = read(owner, issuer)
        assert status["status"] == "NonCompliant"
        assert [(one["assetId"], one["network"], one["status"]) for one in status["tokens"]] == [
            (7, ARAMID, "NonCompliant"),
            (ASSET, VOI, "Compliant"),
        ]
        assert status["counts"] == {
            "Unknown": 0,
            "NonCompliant": 1,
            "PartiallyCompliant": 0,
            "Compliant": 1,
        }

    def test_each_token_has_the_status_of_its_own_read(
        self, compliant_token: Token, issuer: Issuer, owner: User
    ) -> None:
        bare(owner, 7)
        for one in read(owner, issuer)["tokens"]:
            stored = status_get(asset_id=one["assetId"], network=one["network"])
            assert f'"status":"{one["status"]}"' in bytes_of(stored.payload).decode()

    def test_it_is_never_stale(self, compliant_token: Token, issuer: Issuer, owner: User) -> None:
        assert read(owner, issuer)["status"] == "Compliant"
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        assert read(owner, issuer)["status"] == "NonCompliant"
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Mandatory")
        assert read(owner, issuer)["status"] == "Compliant"
        with time_machine.travel(timezone.now() + timedelta(days=301), tick=False):
            assert read(owner, issuer)["status"] == "NonCompliant"

    def test_what_a_read_leaves_is_said_to_be_recalculated(
        self,
        compliant_token: Token,
        issuer: Issuer,
        owner: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        statuses_recalculate(token_ids=[compliant_token.pk])
        for number in (1, 2, 3):
            bare(owner, number)
        monkeypatch.setattr(issuer_status_service, "EVALUATED_IN_A_READ", 0)
        status = read(owner, issuer)
        assert (status["status"], status["complete"], status["recalculating"]) == (
            "Compliant",
            False,
            3,
        )
        assert [one["status"] for one in status["tokens"]] == ["Compliant", None, None, None]
        monkeypatch.setattr(issuer_status_service, "EVALUATED_IN_A_READ", 2)
        assert read(owner, issuer)["recalculating"] == 1
        status = read(owner, issuer)
        assert (status["status"], status["complete"]) == ("NonCompliant", True)

    def test_a_token_without_a_status_row_is_evaluated_too(
        self, baseline: None, issuer: Issuer, owner: User
    ) -> None:
        token = TokenFactory.create(issuer=issuer)
        (one,) = read(owner, issuer)["tokens"]
        assert (one["assetId"], one["status"]) == (token.asset_id, "NonCompliant")

    def test_the_tokens_are_paged_and_the_status_is_of_all(
        self, compliant_token: Token, issuer: Issuer, owner: User
    ) -> None:
        for number in (3, 1, 2):
            bare(owner, number)
        whole = ask(owner, issuer).json()
        assert [one["assetId"] for one in whole["status"]["tokens"]] == [1, 2, 3, ASSET]
        assert (whole["totalCount"], whole["page"], whole["pageSize"]) == (4, 1, 100)
        assert (whole["totalPages"], whole["nextCursor"]) == (1, None)
        pages = [
            client_for(owner)
            .get(f"/api/v1/issuers/{issuer.pk}/status", {"page": number, "pageSize": 3})
            .json()
            for number in (1, 2, 3)
        ]
        listed = [page["status"].pop("tokens") for page in pages]
        assert listed == [whole["status"]["tokens"][:3], whole["status"].pop("tokens")[3:], []]
        assert [page["status"] for page in pages] == [whole["status"]] * 3
        assert [(page["totalCount"], page["totalPages"]) for page in pages] == [(4, 2)] * 3
        assert whole["status"]["counts"]["NonCompliant"] == 3

    def test_a_page_has_an_etag_of_its_own_that_any_token_changes(
        self, compliant_token: Token, issuer: Issuer, owner: User
    ) -> None:
        bare(owner, 1)

        def page(number: int, etag: str = "") -> Any:
            path, query = f"/api/v1/issuers/{issuer.pk}/status", {"page": number, "pageSize": 1}
            return client_for(owner).get(path, query, HTTP_IF_NONE_MATCH=etag)

        first, second = page(1).headers["ETag"], page(2).headers["ETag"]
        assert len({first, second, ask(owner, issuer).headers["ETag"]}) == 3
        assert page(1, first).status_code == page(2, second).status_code == 304
        assert page(2, first).status_code == 200
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        assert page(1, first).status_code == 200  # the counts changed
        assert page(1, page(1).headers["ETag"]).status_code == 304

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("page=0", "page"),
            ("page=1000001", "page"),
            ("page=x", "page"),
            ("pageSize=101", "pageSize"),
            ("pageSize=-1", "pageSize"),
            ("pageSize=1e1", "pageSize"),
            ("page=1&page=2", "page"),
            ("cursor=x", "cursor"),
        ],
    )
    def test_a_page_that_cannot_be_is_refused(
        self, issuer: Issuer, owner: User, query: str, name: str
    ) -> None:
        response = client_for(owner).get(f"/api/v1/issuers/{issuer.pk}/status?{query}")
        assert response.status_code == 400
        assert list(response.json()["details"]) == [name]

    def test_etag_and_304(self, compliant_token: Token, issuer: Issuer, owner: User) -> None:
        etag = ask(owner, issuer).headers["ETag"]
        assert ask(owner, issuer, HTTP_IF_NONE_MATCH=etag).status_code == 304
        bare(owner, 7)
        changed = ask(owner, issuer, HTTP_IF_NONE_MATCH=etag)
        assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)

    def test_who_sees_it(
        self,
        compliant_token: Token,
        issuer: Issuer,
        owner: User,
        member: User,
        outsider: User,
        auditor: User,
    ) -> None:
        assert [ask(user, issuer).status_code for user in (owner, member, auditor)] == [200] * 3
        assert event_bodies("security.access.denied") == []
        refused = ask(outsider, issuer)
        assert (refused.status_code, refused.json()["errorCode"]) == (404, "NOT_FOUND")
        (denied,) = event_bodies("security.access.denied")
        assert denied["actor"] == outsider.label
        missing = client_for(owner).get(f"/api/v1/issuers/{uuid4()}/status")
        assert missing.json()["errorMessage"] == refused.json()["errorMessage"]
        assert len(event_bodies("security.access.denied")) == 1

    def test_it_costs_the_same_with_one_token_and_with_many(
        self, baseline: None, issuer: Issuer, owner: User
    ) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                read(owner, issuer)
            return len(queries)

        bare(owner, 1)
        read(owner, issuer)
        few = cost()
        for number in range(2, 12):
            bare(owner, number)
        read(owner, issuer)
        assert cost() == few


def bytes_of(payload: str | bytes) -> bytes:
    return payload if isinstance(payload, bytes) else payload.encode()


@pytest.fixture
def varied(compliant_token: Token, owner: User, officer: User, issuer: Issuer) -> list[Token]:
    """Tokens of which every kind of record differs."""
    plain, tagged = bare(owner, 1), bare(owner, 2, jurisdiction="US, Narnia, de")
    foreign = TokenFactory.create()
    nobody = TokenFactory.create(issuer=None)
    unnamed = TokenFactory.create(issuer=issuer, network="")
    tag_assign(actor=owner, asset_id=2, network=ARAMID, jurisdiction="US", classification="UTILITY")
    tag_assign(actor=owner, asset_id=2, network=ARAMID, jurisdiction="Atlantis")
    issuer_tag_assign(actor=owner, issuer_id=issuer.pk, jurisdiction="FR", roles=["offered_in"])
    issuer_tag_assign(actor=owner, issuer_id=issuer.pk, jurisdiction="CH", roles=["issuer_home"])
    issuer_tag_assign(actor=owner, issuer_id=issuer.pk, jurisdiction="US", exemption="US_REG_S")
    for value in (10, None, 20):
        facts_record(actor=owner, asset_id=1, network=ARAMID, facts={"offering.lockupDays": value})
    facts_record(
        actor=owner, asset_id=2, network=ARAMID, facts={"offering.startDate": "2026-01-01"}
    )
    issuer_facts_record(actor=owner, issuer_id=issuer.pk, facts={"issuer.website": "https://a.io"})
    attestation_create(
        actor=owner,
        subject_type="Issuer",
        issuer_id=issuer.pk,
        issuer_address="the provider",
        proof_hash=CID,
        attestation_type="License",
        attributes={},
    )
    revoked = attest(owner, officer, "KYC", asset_id=2, network=ARAMID)
    attestation_revoke(actor=officer, attestation_id=revoked.pk, reason="withdrawn")
    whitelist_policy_set(actor=owner, token=tagged, enforcement="Optional")
    for number, status in ((1, "Active"), (2, "Revoked"), (3, "Active")):
        whitelist_entry_upsert(
            actor=owner,
            token=tagged,
            address=wallet(number),
            status=status,
            kyc_verified=True,
            kyc_provider="Sumsub",
        )
    waiver = waiver_request(
        actor=officer,
        asset_id=1,
        network=ARAMID,
        requirement_key="base.max_holders_for_securities",
        reason="not needed for now, as counsel said",
        expires_at=timezone.now() + timedelta(days=30),
    )
    waiver_approve(actor=user_with_role("ComplianceOfficer"), waiver_id=waiver.pk)
    ids = [one.pk for one in (compliant_token, plain, tagged, foreign, nobody, unnamed)]
    return list(Token.objects.select_related("issuer").filter(pk__in=ids).order_by("pk"))


class TestManyAtOnce:
    def test_the_snapshots_are_those_of_each_token(self, varied: list[Token]) -> None:
        now = timezone.now()
        together = token_snapshots(varied, now)
        assert len(together) == len(varied) == 6
        for token in varied:
            assert together[token.pk] == token_snapshot(token, now), token
        tagged = next(together[token.pk] for token in varied if token.asset_id == 2)
        assert len(tagged.tags) == 5
        assert len(tagged.whitelist.entries) == 2
        assert {len(one.waivers) for one in together.values()} == {0, 1}

    def test_the_results_are_those_of_each_token(self, varied: list[Token]) -> None:
        now = timezone.now()
        with time_machine.travel(now, tick=False):
            assert statuses_recalculate(token_ids=[token.pk for token in varied]) == 6
            together = {row.pk: (row.status, row.payload) for row in TokenStatus.objects.all()}
            for token in varied:
                row = status_recalculate(token_id=token.pk)
                assert (row.status, row.payload) == together[token.pk]
        assert due_statuses(limit=10) == []

    def test_changes_are_events(self, compliant_token: Token, owner: User) -> None:
        other = bare(owner, 7)
        assert statuses_recalculate(token_ids=[compliant_token.pk, other.pk]) == 2
        recorded = event_bodies("compliance.status.changed")
        assert {(one["assetId"], one["details"]["to"]) for one in recorded} == {
            (str(ASSET), "Compliant"),
            ("7", "NonCompliant"),
        }
        assert statuses_recalculate(token_ids=[compliant_token.pk, other.pk]) == 2
        assert len(event_bodies("compliance.status.changed")) == len(recorded)

    def test_a_change_meanwhile_is_not_lost(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow(tokens: Any, now: Any) -> Any:
            snapshots = token_snapshots(tokens, now)
            whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
            return snapshots

        monkeypatch.setattr(recalculation, "token_snapshots", slow)
        statuses_recalculate(token_ids=[compliant_token.pk])
        assert TokenStatus.objects.get().status == "Compliant"
        assert due_statuses(limit=10) == [compliant_token.pk]

    def test_a_newer_result_is_not_overwritten(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def overtaken(tokens: Any, now: Any) -> Any:
            snapshots = token_snapshots(tokens, now)
            whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
            status_recalculate(token_id=compliant_token.pk)
            return snapshots

        monkeypatch.setattr(recalculation, "token_snapshots", overtaken)
        assert statuses_recalculate(token_ids=[compliant_token.pk]) == 0
        assert TokenStatus.objects.get().status == "NonCompliant"

    def test_a_batch_that_cannot_be_read_is_done_one_by_one(
        self, compliant_token: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(tokens: Any, now: Any) -> Any:
            raise RuntimeError("cannot be read")

        monkeypatch.setattr(recalculation, "token_snapshots", broken)
        assert tasks.recalculate_due_statuses() == 1
        assert due_statuses(limit=10) == []

    def test_queries_do_not_grow_with_the_tokens(
        self, baseline: None, owner: User, issuer: Issuer
    ) -> None:
        def cost(count: int) -> int:
            TokenStatus.objects.update(evaluated_revision=0)
            ids = list(TokenStatus.objects.order_by("pk").values_list("pk", flat=True)[:count])
            with CaptureQueriesContext(connection) as queries:
                assert statuses_recalculate(token_ids=ids) == count
            return len(queries)

        for number in range(1, 41):
            bare(owner, number)
        statuses_recalculate(token_ids=list(due_statuses(limit=50)))
        issuer_update(actor=owner, issuer=issuer, legal_name="Another name")
        few, many = cost(2), cost(40)
        assert many == few
        assert many <= 3 * 40

    def test_the_sweep_goes_on_where_it_was_stopped(
        self, baseline: None, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_BATCH", 3)
        for number in range(1, 6):
            bare(owner, number)
        record_event("jurisdictions.pack.activated", actor=SYSTEM)
        assert recalculation_progress() == (5, 5)
        assert tasks.recalculate_due_statuses() == 3
        assert recalculation_progress() == (5, 2)
        assert tasks.recalculate_due_statuses() == 2
        assert recalculation_progress() == (5, 0)
        assert tasks.recalculate_due_statuses() == 0


def test_the_admin_shows_how_many_statuses_wait(baseline: None, owner: User, auditor: User) -> None:
    for number in (1, 2, 3):
        bare(owner, number)
    statuses_recalculate(token_ids=due_statuses(limit=1))
    browser = Client()
    browser.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get("/admin/compliance/tokenstatus/")
    assert page.status_code == 200
    assert "2 of 3 statuses wait to be recalculated" in page.content.decode()
