"""Tags, facts and waivers in the admin: by role, out of the catalogue, through the services."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Issuer, Token, User
from jurisdictions.facts import current_facts
from jurisdictions.models import FactDefinition, FactValue, TokenJurisdiction, Waiver
from jurisdictions.services.facts import facts_record
from jurisdictions.services.tags import issuer_tag_assign, tag_assign
from jurisdictions.services.waivers import waiver_approve, waiver_request
from tests import factories
from tests.factories import VOI, event_bodies
from tests.jurisdictions import rules
from tests.jurisdictions.browsing import browser, errors, form_data, page, texts

pytestmark = pytest.mark.django_db
ASSET = 50001
KEY = "base.whitelist_enforced"


@pytest.fixture(autouse=True)
def _rules(db: None) -> None:
    rules.baseline()


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


def tagged(actor: User, jurisdiction: str = "DE", **more: Any) -> TokenJurisdiction:
    return tag_assign(actor=actor, asset_id=ASSET, network=VOI, jurisdiction=jurisdiction, **more)


def requested(actor: User) -> Waiver:
    return waiver_request(
        actor=actor,
        asset_id=ASSET,
        network=VOI,
        requirement_key=KEY,
        reason="opinion",
        expires_at=timezone.now() + timedelta(days=30),
    )


class TestReading:
    def test_by_role(
        self, token: Token, officer: User, auditor: User, administrator: User, owner: User
    ) -> None:
        tag = tagged(officer)
        issuer_tag = issuer_tag_assign(actor=officer, issuer_id=token.issuer_id, jurisdiction="FR")
        facts_record(actor=officer, asset_id=ASSET, network=VOI, facts={"token.isin": "A"})
        waiver = requested(officer)
        urls = [
            page("tokenjurisdiction_changelist") + "?q=DE",
            page("tokenjurisdiction_change", tag.pk),
            page("issuerjurisdiction_changelist") + "?recognized__exact=1",
            page("issuerjurisdiction_change", issuer_tag.pk),
            page("factvalue_changelist") + f"?time=now&q={ASSET}",
            page("factvalue_changelist") + "?time=past",
            page("factvalue_change", FactValue.objects.get().pk),
            page("waiver_changelist") + "?status=Requested",
            page("waiver_change", waiver.pk),
        ]
        for user in (officer, auditor, administrator):
            client = browser(user)
            assert [client.get(url).status_code for url in urls] == [200] * len(urls)
        assert [browser(owner).get(url).status_code for url in urls] == [302] * len(urls)

    def test_an_auditor_changes_nothing(self, token: Token, officer: User, auditor: User) -> None:
        tag, waiver = tagged(officer), requested(officer)
        client = browser(auditor)
        for name in ("tokenjurisdiction", "issuerjurisdiction", "factvalue", "waiver"):
            assert client.get(page(f"{name}_add")).status_code == 403
        for url in (
            page("tokenjurisdiction_change", tag.pk),
            page("tokenjurisdiction_delete", tag.pk),
            page("waiver_change", waiver.pk),
        ):
            assert client.post(url, {"post": "yes", "decision": "approve"}).status_code == 403
        waiver.refresh_from_db()
        assert (TokenJurisdiction.objects.count(), waiver.approved_at) == (1, None)

    def test_filters_of_waivers_and_of_facts(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        for value in ("first", "second", None):
            facts_record(actor=officer, asset_id=ASSET, network=VOI, facts={"token.isin": value})
        waiver_approve(actor=administrator, waiver_id=requested(officer).pk)
        client = browser(officer)

        def count(url: str) -> int:
            return int(client.get(url).context["cl"].result_count)

        assert count(page("factvalue_changelist")) == 3
        assert count(page("factvalue_changelist") + "?time=now") == 0
        assert count(page("factvalue_changelist") + "?time=past") == 2
        assert count(page("waiver_changelist") + "?status=Approved") == 1
        assert count(page("waiver_changelist") + "?status=Expired") == 0


class TestTags:
    def test_added_changed_and_removed(self, token: Token, officer: User) -> None:
        client = browser(officer)
        url = page("tokenjurisdiction_add")
        form = client.get(url)
        assert "DE Germany" in texts(form)
        assert "FINANCIAL_INSTRUMENT" in texts(form)
        data = {
            **form_data(form),
            "token": token.pk,
            "jurisdiction_code": "DE",
            "roles": ["offered_in"],
            "classification": "FINANCIAL_INSTRUMENT",
            "note": "by counsel",
        }
        assert client.post(url, data).status_code == 302
        row = TokenJurisdiction.objects.get()
        assert (row.code, row.roles, row.classification) == (
            "DE",
            ["offered_in"],
            "FINANCIAL_INSTRUMENT",
        )
        assert (row.exemption, row.is_primary, row.assigned_by) == (None, False, officer.label)

        again = client.post(url, data)
        assert "jurisdiction_code" in errors(again)
        assert TokenJurisdiction.objects.count() == 1

        change = page("tokenjurisdiction_change", row.pk)
        data = {**form_data(client.get(change)), "classification": "", "exemption": "NONE"}
        assert client.post(change, data).status_code == 302
        row.refresh_from_db()
        assert (row.classification, row.exemption, row.lock_version) == (None, "NONE", 2)
        assert row.roles == ["offered_in"]
        (event,) = event_bodies("jurisdictions.token_tag.updated")
        assert event["details"]["fields"] == ["classification", "exemption"]

        stale = client.post(change, {**data, "exemption": "REGISTERED"})
        assert "changed since you read it" in texts(stale)
        assert client.post(page("tokenjurisdiction_delete", row.pk), {"post": "yes"}).status_code
        assert not TokenJurisdiction.objects.exists()
        assert len(event_bodies("jurisdictions.token_tag.removed")) == 1

    def test_a_text_that_names_nothing_can_only_be_removed(
        self, token: Token, officer: User
    ) -> None:
        row = tagged(officer, "Narnia")
        client = browser(officer)
        url = page("tokenjurisdiction_change", row.pk)
        assert "Narnia" in texts(client.get(url))
        assert client.post(url, {"note": "x"}).status_code == 403
        client.post(page("tokenjurisdiction_delete", row.pk), {"post": "yes"})
        assert not TokenJurisdiction.objects.exists()

    def test_of_an_issuer(self, issuer: Issuer, officer: User) -> None:
        client = browser(officer)
        url = page("issuerjurisdiction_add")
        data = {
            **form_data(client.get(url)),
            "issuer": str(issuer.pk),
            "jurisdiction_code": "CH",
            "roles": ["issuer_home"],
        }
        assert client.post(url, data).status_code == 302
        (row,) = issuer.jurisdiction_tags.all()
        assert (row.code, row.roles) == ("CH", ["issuer_home"])
        change = page("issuerjurisdiction_change", row.pk)
        data = {**form_data(client.get(change)), "note": "seat"}
        assert client.post(change, data).status_code == 302
        row.refresh_from_db()
        assert row.note == "seat"
        client.post(page("issuerjurisdiction_delete", row.pk), {"post": "yes"})
        assert not issuer.jurisdiction_tags.exists()


class TestFacts:
    def record(self, officer: User, path: str, subject: dict[str, Any], **data: Any) -> Any:
        client = browser(officer)
        url = page("factvalue_add")
        chosen = client.post(url, {"path": path, **subject})
        assert chosen.status_code == 302, errors(chosen)
        form = client.get(chosen.url)
        assert path in texts(form)
        return client.post(chosen.url, {**form_data(form), **data})

    @pytest.mark.parametrize(
        ("path", "given", "kept"),
        [
            ("token.isin", "DE000BASF111", "DE000BASF111"),
            ("whitePaper.format", "PDF", "PDF"),
            ("offering.timeLimited", "no", False),
            ("offering.timeLimited", "yes", True),
            ("token.holderCount", "0", 0),
            ("reserve.valueEur", "12.50", 12.5),
            ("reserve.valueEur", "12", 12),
            ("offering.startDate", "2026-09-01", "2026-09-01"),
        ],
    )
    def test_a_field_of_its_type(
        self, token: Token, officer: User, path: str, given: str, kept: Any
    ) -> None:
        assert self.record(officer, path, {"token": token.pk}, value=given).status_code == 302
        (row,) = current_facts(token=token)
        assert (row.path, row.value, row.recorded_by) == (path, kept, officer.label)
        assert type(row.value) is type(kept)

    def test_lists(self, token: Token, officer: User) -> None:
        FactDefinition.objects.create(path="token.venues", type="list")
        FactDefinition.objects.create(path="token.uses", type="list", enum=["a", "b"])
        self.record(officer, "token.venues", {"token": token.pk}, value="one\n\n two ")
        self.record(officer, "token.uses", {"token": token.pk}, value=["b"])
        values = {row.path: row.value for row in current_facts(token=token)}
        assert values == {"token.venues": ["one", "two"], "token.uses": ["b"]}

    @pytest.mark.parametrize(
        ("path", "data"),
        [
            ("offering.startDate", {"value": "soon"}),
            ("token.holderCount", {"value": "many"}),
            ("token.holderCount", {"value": str(2**60)}),
            ("whitePaper.format", {"value": "DOC"}),
            ("token.isin", {"value": ""}),
            ("token.isin", {"value": "A", "withdraw": "on"}),
        ],
    )
    def test_a_wrong_value_comes_back_with_the_reason(
        self, token: Token, officer: User, path: str, data: dict[str, Any]
    ) -> None:
        assert errors(self.record(officer, path, {"token": token.pk}, **data))
        assert not FactValue.objects.exists()

    def test_of_an_issuer_and_withdrawn(self, issuer: Issuer, officer: User) -> None:
        subject = {"issuer": str(issuer.pk)}
        self.record(officer, "issuer.website", subject, value="https://example.com")
        (row,) = current_facts(issuer=issuer)
        assert row.value == "https://example.com"
        self.record(officer, "issuer.website", subject, withdraw="on")
        assert current_facts(issuer=issuer) == []
        assert FactValue.objects.count() == 2

    def test_the_choice_has_to_fit(self, token: Token, officer: User) -> None:
        client = browser(officer)
        url = page("factvalue_add")
        form = client.get(url)
        assert "offering.startDate" in texts(form)
        assert "metadata.assetType" not in texts(form)
        issuer = str(token.issuer_id)
        for data, field in (
            ({"path": "issuer.website", "token": token.pk}, "issuer"),
            ({"path": "token.isin", "issuer": issuer}, "token"),
            ({"path": "token.isin", "token": token.pk, "issuer": issuer}, "issuer"),
            ({"path": "metadata.assetType", "token": token.pk}, "path"),
            ({"token": token.pk}, "path"),
        ):
            assert field in errors(client.post(url, data))
        for query in (
            "path=metadata.assetType&token=1",
            "path=token.isin&token=x",
            "path=token.isin&issuer=x",
        ):
            assert "which one?" in texts(client.get(f"{url}?{query}"))

    def test_the_value_before_is_there_to_read(self, token: Token, officer: User) -> None:
        for value in ("first", "second"):
            self.record(officer, "token.isin", {"token": token.pk}, value=value)
        shown = texts(browser(officer).get(page("factvalue_changelist")))
        assert "first" in shown
        assert "second" in shown


class TestWaivers:
    def test_requested_and_approved_by_another(
        self, token: Token, officer: User, administrator: User
    ) -> None:
        client = browser(officer)
        url = page("waiver_add")
        form = client.get(url)
        assert f"{KEY}: " in texts(form)
        end = timezone.now() + timedelta(days=30)
        data = {
            **form_data(form),
            "token": token.pk,
            "requirement_key": KEY,
            "type": "legal_opinion",
            "reason": "opinion of May",
            "expires_at_0": end.date().isoformat(),
            "expires_at_1": "12:00:00",
        }
        assert client.post(url, data).status_code == 302
        waiver = Waiver.objects.get()
        assert (waiver.requested_by, waiver.type) == (officer.label, "legal_opinion")

        change = page("waiver_change", waiver.pk)
        data = {**form_data(client.get(change)), "decision": "approve"}
        own = client.post(change, data)
        assert "Somebody else" in texts(own)
        waiver.refresh_from_db()
        assert waiver.approved_at is None

        other = browser(administrator)
        data = {**form_data(other.get(change)), "decision": "approve"}
        assert other.post(change, data).status_code == 302
        waiver.refresh_from_db()
        assert waiver.approved_by == administrator.label
        assert "Approved" in texts(other.get(change))
        stale = other.post(change, {**data, "decision": "revoke", "decision_reason": "x"})
        assert "changed since you read it" in texts(stale)

    def test_revoked_for_a_reason_and_then_closed(self, token: Token, officer: User) -> None:
        waiver = requested(officer)
        client = browser(officer)
        change = page("waiver_change", waiver.pk)
        data = {**form_data(client.get(change)), "decision": "revoke"}
        assert "decision_reason" in errors(client.post(change, data))
        assert client.post(change, {**data, "decision_reason": "mistake"}).status_code == 302
        waiver.refresh_from_db()
        assert (waiver.revoked_by, waiver.revocation_reason) == (officer.label, "mistake")
        assert client.post(change, {**data, "decision_reason": "again"}).status_code == 403

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"reason": ""}, "reason"),
            ({"expires_at_0": "2020-01-01"}, "expires_at"),
            ({"expires_at_0": "2999-01-01"}, "expires_at"),
            ({"requirement_key": "base.nothing"}, "requirement_key"),
            ({"version_from": "2026.11.1"}, "version_from"),
            ({"pack_id": "global-baseline", "version_to": "x"}, "version_to"),
        ],
    )
    def test_what_is_wrong_comes_back_at_its_field(
        self, token: Token, officer: User, change: dict[str, str], field: str
    ) -> None:
        data = {
            "token": token.pk,
            "requirement_key": KEY,
            "reason": "opinion",
            "expires_at_0": (timezone.now() + timedelta(days=30)).date().isoformat(),
            "expires_at_1": "12:00:00",
            **change,
        }
        found = errors(browser(officer).post(page("waiver_add"), data))
        assert found
        assert field in found or "__all__" in found
        assert not Waiver.objects.exists()
