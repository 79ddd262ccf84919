"""Facts of tokens and issuers: typed by the catalogue, append-only, one home each."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import Issuer, Token, User
from config.api.errors import (
    NotVisible,
    PermissionRefused,
    PreconditionFailed,
    ValidationFailed,
)
from jurisdictions.facts import current_facts, facts_etag, facts_for_engine, home_of, recordable
from jurisdictions.models import FactDefinition, FactValue
from jurisdictions.selectors import fact_catalogue
from jurisdictions.services.facts import facts_record, issuer_facts_record
from tests import factories
from tests.factories import ARAMID, VOI, client_for, event_bodies
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db
ASSET = 50001
PATH = f"/api/v1/compliance/{ASSET}/facts"
RECORDED = "jurisdictions.facts.recorded"


@pytest.fixture(autouse=True)
def _catalogue(db: None) -> None:
    rules.load()


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


def record(actor: User, facts: dict[str, Any], **more: Any) -> Token:
    return facts_record(actor=actor, asset_id=ASSET, network=VOI, facts=facts, **more)


def values(**subject: Any) -> dict[str, Any]:
    return {row.path: row.value for row in current_facts(**subject)}


class TestRecording:
    def test_every_type(self, token: Token, owner: User) -> None:
        FactDefinition.objects.create(path="token.nicknames", type="list")
        facts = {
            "token.isin": "DE000BASF111",
            "whitePaper.format": "PDF",
            "offering.timeLimited": False,
            "token.holderCount": 0,
            "reserve.valueEur": 12.5,
            "offering.startDate": "2026-09-01",
            "whitePaper.publishedAt": "2026-09-01T23:30:00-02:00",
            "token.nicknames": ["a", "b"],
        }
        record(owner, facts)
        kept = {**facts, "whitePaper.publishedAt": "2026-09-02"}
        assert values(token=token) == kept
        assert facts_for_engine(token, fact_catalogue()) == {
            **kept,
            "offering.startDate": date(2026, 9, 1),
            "whitePaper.publishedAt": date(2026, 9, 2),
            "token.nicknames": ("a", "b"),
        }
        (event,) = event_bodies(RECORDED)
        assert event["details"] == {"recorded": sorted(facts), "withdrawn": []}
        assert (event["assetId"], event["itemCount"]) == (str(ASSET), len(facts))
        assert "BASF" not in str(event)

    def test_a_new_value_is_a_new_row_and_null_withdraws(self, token: Token, owner: User) -> None:
        for value in ("A", "B", None, "A"):
            record(owner, {"token.isin": value})
        rows = FactValue.objects.order_by("pk").values_list("value", flat=True)
        assert list(rows) == ["A", "B", None, "A"]
        assert values(token=token) == {"token.isin": "A"}
        record(owner, {"token.isin": None})
        assert values(token=token) == {}
        assert event_bodies(RECORDED)[-1]["details"] == {
            "recorded": [],
            "withdrawn": ["token.isin"],
        }

    def test_what_holds_already_makes_no_row_and_no_event(self, token: Token, owner: User) -> None:
        record(owner, {"token.isin": "A", "token.holderCount": 1})
        record(owner, {"token.isin": "A", "token.holderCount": 1, "token.dti": None})
        record(owner, {})
        assert FactValue.objects.count() == 2
        assert len(event_bodies(RECORDED)) == 1

    @pytest.mark.parametrize(
        ("path", "value", "hint"),
        [
            ("token.colour", "red", "no such fact"),
            ("", "x", "no such fact"),
            ("token.holderCount", "12", "takes a whole number"),
            ("token.holderCount", 1.5, "takes a whole number"),
            ("token.holderCount", True, "takes a whole number"),
            ("token.holderCount", 2**53, "either side of zero"),
            ("offering.timeLimited", 1, "takes true or false"),
            ("offering.startDate", "soon", "takes an ISO 8601 date"),
            ("offering.startDate", 20260901, "takes an ISO 8601 date"),
            ("whitePaper.format", "pdf", "it takes iXBRL, PDF, HTML"),
            ("reserve.valueEur", "1", "takes a number"),
            ("token.isin", " ", "takes a text"),
            ("token.isin", "x" * 2001, "At most 2000 characters"),
            ("token.isin", "a\x00", "Null characters"),
            ("token.isin", {"a": 1}, "object"),
            ("token.isin", [["x"]], "list"),
            ("metadata.assetType", "x", "POST /api/v1/compliance."),
            ("tag.classification", "UTILITY", "jurisdiction-rules/assign"),
            ("token.deploymentStatus", "Completed", "deployment record"),
            ("issuer.lei", "x", "issuer's profile"),
            ("issuer.website", "https://example.com", "/api/v1/issuers/{id}/facts"),
        ],
    )
    def test_what_cannot_be_recorded_is_named_with_a_hint(
        self, token: Token, owner: User, path: str, value: Any, hint: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            record(owner, {"token.dti": "X", path: value})
        ((name, (message,)),) = refusal.value.details.items()
        assert name == f"facts.{path}"
        assert hint in message
        assert "x" * 301 not in str(refusal.value.details)
        assert FactValue.objects.count() == 0
        assert event_bodies(RECORDED) == []

    def test_deep_and_many_values_are_refused(self, token: Token, owner: User) -> None:
        deep: Any = "x"
        for _ in range(900):
            deep = [deep]
        with pytest.raises(ValidationFailed):
            record(owner, {"token.isin": deep})
        with pytest.raises(ValidationFailed) as refusal:
            record(owner, {f"token.x{number}": 1 for number in range(150)})
        assert len(refusal.value.details) == 20
        with pytest.raises(ValidationFailed, match="Too many"):
            record(owner, {f"token.x{number}": 1 for number in range(201)})

    def test_every_fact_has_one_home(self) -> None:
        paths = {one.path for one in recordable(fact_catalogue())}
        elsewhere = set(fact_catalogue().definitions) - paths
        assert {path.partition(".")[0] for path in elsewhere} == {
            "metadata",
            "tag",
            "token",
            "issuer",
        }
        assert all(home_of(path) for path in elsewhere)
        assert "issuer.homeMemberState" in paths
        columns = {path for path in elsewhere if path.startswith("issuer.")}
        assert columns == {
            "issuer.legalName",
            "issuer.entityType",
            "issuer.lei",
            "issuer.registrationNumber",
            "issuer.country",
            "issuer.roles",
        }

    def test_a_fact_that_left_the_catalogue_reaches_no_rule(
        self, token: Token, owner: User
    ) -> None:
        record(owner, {"token.isin": "A"})
        FactDefinition.objects.filter(path="token.isin").delete()
        assert facts_for_engine(token, fact_catalogue()) == {}

    def test_permissions(
        self, token: Token, member: User, outsider: User, auditor: User, officer: User
    ) -> None:
        for actor in (member, outsider, auditor):
            with pytest.raises(PermissionRefused):
                record(actor, {"token.isin": "A"})
        assert FactValue.objects.count() == 0
        record(officer, {"token.isin": "A"})
        assert FactValue.objects.get().recorded_by == officer.label

    def test_a_change_made_meanwhile_is_not_lost(self, token: Token, owner: User) -> None:
        record(owner, {"token.isin": "A"})
        seen = f'"{facts_etag(current_facts(token=token))}"'
        record(owner, {"token.isin": "B"})
        with pytest.raises(PreconditionFailed):
            record(owner, {"token.isin": "C"}, if_match=seen)
        assert values(token=token) == {"token.isin": "B"}


class TestHistory:
    def test_the_database_refuses_to_change_it(self, token: Token, owner: User) -> None:
        record(owner, {"token.isin": "A"})
        for change in (
            lambda: FactValue.objects.update(value="B"),
            lambda: FactValue.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        assert FactValue.objects.get().value == "A"

    def test_a_row_has_one_subject(self, token: Token) -> None:
        for subject in ({}, {"token": token, "issuer": token.issuer}):
            with pytest.raises(IntegrityError), transaction.atomic():
                FactValue.objects.create(path="token.isin", value="A", **subject)


class TestOfIssuers:
    def test_they_hold_for_every_token(self, token: Token, owner: User, issuer: Issuer) -> None:
        issuer_facts_record(
            actor=owner, issuer_id=issuer.pk, facts={"issuer.homeMemberState": "DE"}
        )
        record(owner, {"token.isin": "A"})
        assert facts_for_engine(token, fact_catalogue()) == {
            "issuer.homeMemberState": "DE",
            "token.isin": "A",
        }
        assert values(issuer=issuer) == {"issuer.homeMemberState": "DE"}
        event = event_bodies(RECORDED)[0]
        assert event["issuerId"] == str(issuer.pk)
        assert "assetId" not in event

    def test_who_may(
        self, issuer: Issuer, member: User, outsider: User, auditor: User, officer: User
    ) -> None:
        facts = {"issuer.website": "https://example.com"}
        for actor, error in (
            (member, PermissionRefused),
            (auditor, PermissionRefused),
            (outsider, NotVisible),
        ):
            with pytest.raises(error):
                issuer_facts_record(actor=actor, issuer_id=issuer.pk, facts=facts)
        issuer_facts_record(actor=officer, issuer_id=issuer.pk, facts=facts)
        assert values(issuer=issuer) == facts

    @pytest.mark.parametrize("path", ["token.isin", "issuer.country"])
    def test_other_facts_are_refused_with_a_hint(
        self, issuer: Issuer, owner: User, path: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            issuer_facts_record(actor=owner, issuer_id=issuer.pk, facts={path: "X"})
        assert list(refusal.value.details) == [f"facts.{path}"]


class TestTheWire:
    def test_of_a_token(self, token: Token, owner: User, member: User) -> None:
        client = client_for(owner)
        body = {"network": "voimain", "facts": {"offering.startDate": "2026-09-01"}}
        response = client.post(PATH, body, format="json")
        assert response.status_code == 200, response.content
        facts = response.json()["facts"]
        assert facts["records"][0].pop("recordedAt").endswith("Z")
        assert facts == {
            "assetId": ASSET,
            "network": VOI,
            "values": {"offering.startDate": "2026-09-01"},
            "records": [
                {
                    "path": "offering.startDate",
                    "value": "2026-09-01",
                    "recordedBy": owner.label,
                }
            ],
        }
        etag = response.headers["ETag"]
        read = client_for(member).get(PATH)
        assert (read.json()["facts"]["values"], read.headers["ETag"]) == (facts["values"], etag)
        assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 304
        body = {"facts": {"offering.startDate": None}}
        stale = client.post(PATH, body, format="json", HTTP_IF_MATCH='"facts-0-0"')
        assert stale.status_code == 412
        cleared = client.post(f"{PATH}?network={VOI}", body, format="json", HTTP_IF_MATCH=etag)
        assert cleared.json()["facts"]["values"] == {}
        assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 200

    def test_readers(
        self, token: Token, owner: User, member: User, outsider: User, officer: User, auditor: User
    ) -> None:
        record(owner, {"token.isin": "A"})
        statuses = [
            client_for(user).get(PATH).status_code
            for user in (owner, member, outsider, officer, auditor)
        ]
        assert statuses == [200, 200, 404, 200, 200]
        assert len(event_bodies("security.access.denied")) == 1

    def test_a_refusal_names_the_path_and_records_no_value(self, token: Token, owner: User) -> None:
        body = {"facts": {"issuer.contactEmail": "jane@example.com", "token.holderCount": "many"}}
        response = client_for(owner).post(PATH, body, format="json")
        assert response.status_code == 400
        assert set(response.json()["details"]) == {
            "facts.issuer.contactEmail",
            "facts.token.holderCount",
        }
        (event,) = event_bodies("jurisdictions.facts.write_failed")
        assert "jane" not in str(event)
        assert "many" not in str(event)

    def test_an_asset_on_two_networks_has_to_be_named(self, token: Token, owner: User) -> None:
        factories.TokenFactory.create(asset_id=ASSET, network=ARAMID, issuer=token.issuer)
        client = client_for(owner)
        body = {"facts": {"token.isin": "A"}}
        assert client.get(PATH).status_code == 409
        assert client.post(PATH, body, format="json").status_code == 409
        assert client.post(f"{PATH}?network=voimain", body, format="json").status_code == 200
        assert values(token=token) == {"token.isin": "A"}

    def test_of_an_issuer(self, issuer: Issuer, owner: User, outsider: User) -> None:
        path = f"/api/v1/issuers/{issuer.pk}/facts"
        body = {"facts": {"issuer.isSignificant": False}}
        response = client_for(owner).post(path, body, format="json")
        assert response.status_code == 200, response.content
        assert response.json()["facts"]["issuerId"] == str(issuer.pk)
        read = client_for(owner).get(path)
        assert read.json()["facts"]["values"] == {"issuer.isSignificant": False}
        assert client_for(outsider).get(path).status_code == 404
        assert client_for(outsider).post(path, body, format="json").status_code == 404
