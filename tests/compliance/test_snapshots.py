"""Tags, facts and waivers reach the status: at once, and by the clock."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Token, User
from audit.models import AuditEvent
from compliance import tasks
from compliance.results import check_document
from compliance.services.metadata import metadata_delete, metadata_upsert
from compliance.services.status import token_evaluate
from compliance.snapshots import token_snapshot
from jurisdictions.engine import CheckResult, Verdict
from jurisdictions.models import RulePack
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.facts import facts_record, issuer_facts_record
from jurisdictions.services.lifecycle import pack_submit
from jurisdictions.services.requirements import requirement_create
from jurisdictions.services.tags import issuer_tag_assign, tag_assign, tag_remove
from jurisdictions.services.waivers import waiver_approve, waiver_request, waiver_revoke
from tests.compliance.conftest import ASSET
from tests.factories import VOI, user_with_role
from tests.jurisdictions.rules import RULE, activate
from whitelist.services.policies import whitelist_policy_set

Read = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.django_db
KEY = "base.whitelist_enforced"


@pytest.fixture(autouse=True)
def _no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here: what a read shows comes from the read alone."""
    monkeypatch.setattr(tasks.recalculate_token_status, "apply_async", lambda *a, **k: None)
    monkeypatch.setattr(tasks.recalculate_due_statuses, "delay", lambda *a, **k: None)


def failing(status: dict[str, Any]) -> list[str]:
    return [item["key"] for item in status["rationale"] if item["verdict"] != "Pass"]


def checks(token: Token) -> dict[tuple[str, str], CheckResult]:
    token = Token.objects.select_related("issuer").get(pk=token.pk)
    results = token_evaluate(token, timezone.now()).results
    return {(one.key, one.jurisdiction): one for one in results}


def tag(actor: User, jurisdiction: str, **content: Any) -> None:
    tag_assign(actor=actor, asset_id=ASSET, network=VOI, jurisdiction=jurisdiction, **content)


def waive(officer: User, second: User, days: int = 30, **more: Any) -> Any:
    waiver = waiver_request(
        actor=officer,
        asset_id=ASSET,
        network=VOI,
        requirement_key=KEY,
        reason="the board accepted it",
        expires_at=timezone.now() + timedelta(days=days),
        **more,
    )
    return waiver_approve(actor=second, waiver_id=waiver.pk)


class TestTags:
    def test_a_classification_on_an_explicit_tag_answers_the_engines_question(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "BR"})
        assert "engine.classification_recorded" in failing(status_of(owner))
        tag(owner, "BR", classification="OTHER_FUNGIBLE")
        assert failing(status_of(owner)) == ["engine.rule_pack_available"]
        recorded = checks(compliant_token)["engine.classification_recorded", "BR"]
        assert recorded.verdict == Verdict.PASS
        assert "OTHER_FUNGIBLE" in recorded.reason
        tag_remove(actor=owner, asset_id=ASSET, network=VOI, jurisdiction="BR")
        assert "engine.classification_recorded" in failing(status_of(owner))

    def test_an_explicit_tag_is_enough(self, baseline: None, owner: User, status_of: Read) -> None:
        tag(owner, "GLOBAL")
        assert "engine.jurisdiction_tagged" not in failing(status_of(owner))

    def test_the_country_of_the_issuer_is_not(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        assert compliant_token.issuer is not None
        assert compliant_token.issuer.country == "DE"
        assert [one["jurisdiction"] for one in status_of(owner)["jurisdictions"]] == ["GLOBAL"]
        metadata_delete(actor=owner, asset_id=ASSET, network=VOI)
        assert "engine.jurisdiction_tagged" in failing(status_of(owner))

    def test_a_text_that_names_nothing_fails_until_it_is_removed(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        tag(owner, "Narnia")
        status = status_of(owner)
        assert (status["status"], failing(status)) == ("NonCompliant", ["engine.tags_recognised"])
        tag_remove(actor=owner, asset_id=ASSET, network=VOI, jurisdiction="narnia")
        assert status_of(owner)["status"] == "Compliant"

    def test_a_tag_of_the_issuer_brings_rules_where_it_offers(
        self, compliant_token: Token, owner: User, status_of: Read
    ) -> None:
        assign = {"actor": owner, "issuer_id": compliant_token.issuer_id, "jurisdiction": "BR"}
        issuer_tag_assign(**assign, roles=["issuer_home"])
        assert status_of(owner)["status"] == "Compliant"
        issuer_tag_assign(**assign, roles=["issuer_home", "offered_in"])
        assert "engine.rule_pack_available" in failing(status_of(owner))

    def test_a_tag_of_the_token_replaces_one_of_its_issuer(
        self, compliant_token: Token, owner: User
    ) -> None:
        issuer_tag_assign(
            actor=owner,
            issuer_id=compliant_token.issuer_id,
            jurisdiction="BR",
            classification="UTILITY",
        )
        tag(owner, "BR", roles=["offered_in"])
        token = Token.objects.select_related("issuer").get(pk=compliant_token.pk)
        tags = token_snapshot(token, timezone.now()).tags
        assert [(one.jurisdiction, one.roles, one.classification) for one in tags] == [
            ("BR", ("offered_in",), None),
            ("GLOBAL", (), None),
        ]


class TestFacts:
    @pytest.fixture
    def asks_for_a_date(self, compliant_token: Token, officer: User, administrator: User) -> str:
        """The baseline with one more rule: the white paper was published before today."""
        pack = pack_draft_from(actor=officer, pack=RulePack.objects.get(status="Active"))
        rule = {
            **RULE,
            "key": "base.published",
            "check_kind": "date_within",
            "params": {"field": "whitePaper.publishedAt", "notAfter": "now"},
            "on_missing": "unknown",
        }
        requirement_create(actor=officer, pack=pack, **rule)
        pack.refresh_from_db()
        activate(actor=administrator, pack=pack_submit(actor=officer, pack=pack))
        return "base.published"

    def test_a_fact_unlocks_a_check(
        self, asks_for_a_date: str, owner: User, status_of: Read
    ) -> None:
        status = status_of(owner)
        assert (status["status"], failing(status)) == ("PartiallyCompliant", [asks_for_a_date])
        assert [one["fact"] for one in status["missingFacts"]] == ["whitePaper.publishedAt"]

        def record(value: str | None) -> dict[str, Any]:
            facts = {"whitePaper.publishedAt": value}
            facts_record(actor=owner, asset_id=ASSET, network=VOI, facts=facts)
            return status_of(owner)

        assert record("2026-01-05")["status"] == "Compliant"
        assert record("2999-01-05")["status"] == "NonCompliant"
        assert record(None)["status"] == "PartiallyCompliant"

    def test_the_token_has_its_own_and_its_issuers(
        self, compliant_token: Token, owner: User
    ) -> None:
        facts_record(
            actor=owner,
            asset_id=ASSET,
            network=VOI,
            facts={"offering.startDate": "2026-09-01", "offering.timeLimited": False},
        )
        issuer_facts_record(
            actor=owner,
            issuer_id=compliant_token.issuer_id,
            facts={"issuer.homeMemberState": "DE"},
        )
        token = Token.objects.select_related("issuer").get(pk=compliant_token.pk)
        facts = token_snapshot(token, timezone.now()).facts
        assert facts["offering.startDate"] == date(2026, 9, 1)
        assert facts["offering.timeLimited"] is False
        assert facts["issuer.homeMemberState"] == "DE"
        assert facts["issuer.legalName"] == "Meridian Warehousing GmbH"


class TestWaivers:
    @pytest.fixture
    def failing_token(self, compliant_token: Token, owner: User) -> Token:
        whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
        return compliant_token

    def test_a_failure_becomes_waived_and_the_status_partial(
        self,
        failing_token: Token,
        owner: User,
        officer: User,
        administrator: User,
        status_of: Read,
    ) -> None:
        assert status_of(owner)["status"] == "NonCompliant"
        waiver = waive(officer, administrator, type="risk_acceptance")
        status = status_of(owner)
        assert (status["status"], failing(status)) == ("PartiallyCompliant", [KEY])
        assert status["counts"]["Waived"] == 1
        shown = check_document(checks(failing_token)[KEY, "GLOBAL"])
        assert (shown["verdict"], shown["underlyingVerdict"]) == ("Waived", "Fail")
        assert shown["waiver"] == {
            "id": str(waiver.pk),
            "type": "risk_acceptance",
            "reason": "the board accepted it",
            "approvedBy": administrator.label,
            "expiresAt": status["nextEvaluationAt"],
        }
        waiver_revoke(actor=officer, waiver_id=waiver.pk, reason="the board changed its mind")
        assert status_of(owner)["status"] == "NonCompliant"

    def test_a_request_alone_changes_nothing(
        self, failing_token: Token, owner: User, officer: User, status_of: Read
    ) -> None:
        waiver_request(
            actor=officer,
            asset_id=ASSET,
            network=VOI,
            requirement_key=KEY,
            reason="please",
            expires_at=timezone.now() + timedelta(days=1),
        )
        assert status_of(owner)["status"] == "NonCompliant"

    def test_it_ends_by_the_clock_without_any_worker(
        self,
        failing_token: Token,
        owner: User,
        officer: User,
        administrator: User,
        status_of: Read,
    ) -> None:
        waiver = waive(officer, administrator, days=5)
        assert status_of(owner)["status"] == "PartiallyCompliant"
        events = AuditEvent.objects.filter(name__startswith="jurisdictions.").count()
        with time_machine.travel(waiver.expires_at - timedelta(minutes=1)):
            assert status_of(owner)["status"] == "PartiallyCompliant"
        with time_machine.travel(waiver.expires_at):
            assert status_of(owner)["status"] == "NonCompliant"
        assert AuditEvent.objects.filter(name__startswith="jurisdictions.").count() == events

    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            ({}, Verdict.WAIVED),
            ({"pack_id": "global-baseline"}, Verdict.WAIVED),
            (
                {"pack_id": "global-baseline", "version_from": "2026.11.1"},
                Verdict.WAIVED,
            ),
            (
                {
                    "pack_id": "global-baseline",
                    "version_from": "2026.01.1",
                    "version_to": "2026.11.1",
                },
                Verdict.WAIVED,
            ),
            ({"pack_id": "global-baseline", "version_from": "2026.11.2"}, Verdict.FAIL),
            ({"pack_id": "global-baseline", "version_to": "2026.10.9"}, Verdict.FAIL),
        ],
    )
    def test_it_covers_the_versions_that_it_names(
        self,
        failing_token: Token,
        officer: User,
        administrator: User,
        scope: dict[str, str],
        expected: Verdict,
    ) -> None:
        waive(officer, administrator, **scope)
        assert checks(failing_token)[KEY, "GLOBAL"].verdict == expected

    def test_a_passing_check_stays_as_it_is(
        self,
        compliant_token: Token,
        owner: User,
        officer: User,
        administrator: User,
        status_of: Read,
    ) -> None:
        waive(officer, administrator)
        assert status_of(owner)["status"] == "Compliant"
        assert check_document(checks(compliant_token)[KEY, "GLOBAL"])["waiver"] is None


def test_a_snapshot_costs_the_same_with_one_row_and_with_many(
    compliant_token: Token, owner: User, officer: User, administrator: User
) -> None:
    token = Token.objects.select_related("issuer").get(pk=compliant_token.pk)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            token_snapshot(token, timezone.now())
        return len(queries)

    token_snapshot(token, timezone.now())
    few = cost()
    for code in ("DE", "FR", "US", "CH"):
        tag(owner, code)
        issuer_tag_assign(actor=owner, issuer_id=token.issuer_id, jurisdiction=code)
        waive(officer, administrator)
    facts = {f"offering.raised{one}12m": 1 for one in ("Eur", "Usd", "Sgd", "Chf")}
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts=facts)
    assert cost() == few


def test_nothing_that_people_wrote_reaches_the_log(
    compliant_token: Token, owner: User, officer: User
) -> None:
    second = user_with_role("ComplianceOfficer")
    secret = "Jane Roe, +49 30 123456"
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    tag(owner, "Janeland", note=secret)
    issuer_tag_assign(
        actor=owner, issuer_id=compliant_token.issuer_id, jurisdiction="FR", note=secret
    )
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts={"token.isin": secret})
    issuer_facts_record(
        actor=owner,
        issuer_id=compliant_token.issuer_id,
        facts={"issuer.contactPhone": secret},
    )
    waiver = waive(officer, second, evidence_reference=secret)
    waiver_revoke(actor=officer, waiver_id=waiver.pk, reason=secret)
    names = set(AuditEvent.objects.values_list("name", flat=True))
    assert {
        "jurisdictions.token_tag.assigned",
        "jurisdictions.issuer_tag.assigned",
        "jurisdictions.facts.recorded",
        "jurisdictions.waiver.approved",
        "jurisdictions.waiver.revoked",
    } <= names
    text = "".join(AuditEvent.objects.values_list("body", flat=True))
    assert "Jane" not in text
    assert "123456" not in text
    assert "the board accepted it" not in text
