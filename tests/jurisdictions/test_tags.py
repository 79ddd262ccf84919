"""Explicit and derived jurisdiction tags of tokens and issuers."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Issuer, Token, User
from accounts.services import issuer_update
from compliance.services.metadata import metadata_upsert
from config.api.errors import (
    NotFound,
    NotVisible,
    PermissionRefused,
    PreconditionFailed,
    ValidationFailed,
)
from jurisdictions.models import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.services.tags import (
    issuer_tag_assign,
    issuer_tag_remove,
    tag_assign,
    tag_remove,
)
from jurisdictions.tags import offers_there, token_tags
from tests import factories
from tests.factories import ARAMID, VOI, client_for, event_bodies
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db
ASSET = 50001
ASSIGN = "/api/v1/compliance/jurisdiction-rules/assign"
TAGS = "/api/v1/compliance/token-jurisdictions"


@pytest.fixture(autouse=True)
def _directory(db: None) -> None:
    rules.load()


@pytest.fixture
def token(issuer: Issuer) -> Token:
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


def assign(actor: User, jurisdiction: str = "DE", **more: Any) -> TokenJurisdiction:
    given = {"asset_id": ASSET, "network": VOI, **more}
    return tag_assign(actor=actor, jurisdiction=jurisdiction, **given)


def remove(actor: User, jurisdiction: str = "DE", **more: Any) -> Token:
    return tag_remove(actor=actor, asset_id=ASSET, network=VOI, jurisdiction=jurisdiction, **more)


def shown(token: Token) -> list[tuple[str | None, str, str, bool]]:
    token = Token.objects.select_related("issuer").get(pk=token.pk)
    return [(tag.code, str(tag.source), tag.origin, tag.counts) for tag in token_tags(token)]


class TestAssigning:
    def test_a_tag_says_what_the_token_is_there_and_who_said_so(
        self, token: Token, owner: User
    ) -> None:
        row = assign(
            owner,
            "Germany",
            roles=["offered_in", "issuer_home", "offered_in"],
            classification="FINANCIAL_INSTRUMENT",
            offering_kind="PRIVATE_PLACEMENT",
            exemption="EU_PR_1_4_QUALIFIED",
            note="told by Jane Roe",
        )
        row.refresh_from_db()
        assert (row.code, row.recognized, row.raw_text) == ("DE", True, "Germany")
        assert row.roles == ["issuer_home", "offered_in"]
        assert (row.classification, row.offering_kind, row.exemption) == (
            "FINANCIAL_INSTRUMENT",
            "PRIVATE_PLACEMENT",
            "EU_PR_1_4_QUALIFIED",
        )
        assert (row.assigned_by, row.assigned_by_id) == (owner.label, owner.principal_id)
        assert (row.is_primary, row.lock_version) == (True, 1)
        (event,) = event_bodies("jurisdictions.token_tag.assigned")
        assert (event["assetId"], event["network"]) == (str(ASSET), VOI)
        assert event["referenceId"] == str(row.pk)
        assert event["details"]["code"] == "DE"
        assert event["details"]["classification"] == "FINANCIAL_INSTRUMENT"
        assert "Jane" not in str(event)

    def test_fields_not_given_stay_and_none_clears(self, token: Token, owner: User) -> None:
        first = assign(owner, roles=["offered_in"], classification="UTILITY", note="x")
        second = assign(owner, "de", exemption="NONE", classification=None)
        assert second.pk == first.pk
        assert (second.roles, second.classification) == (["offered_in"], None)
        assert (second.exemption, second.note, second.lock_version) == ("NONE", "x", 2)
        assert (second.updated_by, second.is_primary) == (owner.label, True)
        (event,) = event_bodies("jurisdictions.token_tag.updated")
        assert event["details"]["fields"] == ["classification", "exemption"]

    def test_the_same_again_changes_nothing_and_records_nothing(
        self, token: Token, owner: User
    ) -> None:
        assign(owner, classification="UTILITY")
        again = assign(owner, classification="UTILITY")
        assert again.lock_version == 1
        assert event_bodies("jurisdictions.token_tag.updated") == []

    def test_a_text_that_names_nothing_is_kept_and_flagged(self, token: Token, owner: User) -> None:
        row = assign(owner, " Jane Roe's  farm ")
        assert (row.code, row.recognized, row.raw_text) == (
            "JANE ROE'S FARM",
            False,
            "Jane Roe's  farm",
        )
        (tag,) = [one for one in token_tags(token) if one.origin == "token"]
        assert (tag.code, tag.recognized, tag.counts) == (None, False, True)
        (event,) = event_bodies("jurisdictions.token_tag.assigned")
        assert (event["details"]["code"], event["details"]["recognized"]) == (None, False)
        assert "jane" not in str(event).lower()
        assert assign(owner, "jane roe's farm").pk == row.pk

    def test_an_ambiguous_spelling_is_not_guessed(self, token: Token, owner: User) -> None:
        assert assign(owner, "Europe").recognized is False

    @pytest.mark.parametrize(
        ("jurisdiction", "content", "field"),
        [
            ("", {}, "jurisdictionCode"),
            ("  , ;", {}, "jurisdictionCode"),
            ("US,EU", {}, "jurisdictionCode"),
            ("x" * 201, {}, "jurisdictionCode"),
            ("DE", {"roles": ["offered_in", "boss"]}, "roles"),
            ("DE", {"classification": "SECURITY"}, "classification"),
            ("DE", {"offering_kind": "PUBLIC"}, "offeringKind"),
            ("DE", {"exemption": "REG_D"}, "exemption"),
        ],
    )
    def test_what_the_catalogue_lacks_is_refused_by_name(
        self, token: Token, owner: User, jurisdiction: str, content: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            assign(owner, jurisdiction, **content)
        assert list(refusal.value.details) == [field]
        assert not TokenJurisdiction.objects.exists()
        assert event_bodies("jurisdictions.token_tag.assigned") == []

    def test_one_tag_is_primary(self, token: Token, owner: User) -> None:
        first = assign(owner, "DE")
        second = assign(owner, "US")
        third = assign(owner, "FR", is_primary=False)
        primary = dict(TokenJurisdiction.objects.values_list("code", "is_primary"))
        assert primary == {"DE": False, "US": True, "FR": False}
        assert (first.code, second.is_primary, third.is_primary) == ("DE", True, False)
        remove(owner, "US")
        assert not TokenJurisdiction.objects.filter(is_primary=True).exists()

    def test_the_database_keeps_codes_unique_and_one_primary(
        self, token: Token, owner: User
    ) -> None:
        assign(owner, "DE")
        for clash in ({"code": "DE"}, {"code": "US", "is_primary": True}, {"code": ""}):
            with pytest.raises(IntegrityError), transaction.atomic():
                TokenJurisdiction.objects.create(token=token, raw_text="x", **clash)

    def test_a_new_token_goes_to_its_first_writer(self, owner: User, issuer: Issuer) -> None:
        row = assign(owner, asset_id=777)
        assert row.token.issuer_id == issuer.pk
        assert len(event_bodies("accounts.token.registered")) == 1

    def test_others_are_refused(
        self, token: Token, member: User, outsider: User, auditor: User, officer: User
    ) -> None:
        for actor in (member, outsider, auditor):
            with pytest.raises(PermissionRefused):
                assign(actor)
            with pytest.raises(PermissionRefused):
                remove(actor)
        assert not TokenJurisdiction.objects.exists()
        assert assign(officer).code == "DE"

    def test_a_change_made_meanwhile_is_not_lost(self, token: Token, owner: User) -> None:
        assign(owner)
        assign(owner, exemption="NONE")
        for change in (
            lambda: assign(owner, lock_version=1, exemption="REGISTERED"),
            lambda: assign(owner, if_match='"stale"', exemption="REGISTERED"),
            lambda: remove(owner, lock_version=1),
            lambda: remove(owner, if_match='"stale"'),
        ):
            with pytest.raises(PreconditionFailed):
                change()
        assert TokenJurisdiction.objects.get().exemption == "NONE"
        assert assign(owner, lock_version=2, exemption="REGISTERED").lock_version == 3


class TestRemoving:
    def test_it_is_gone_and_recorded(self, token: Token, owner: User) -> None:
        row = assign(owner)
        remove(owner, "Germany")
        assert not TokenJurisdiction.objects.exists()
        (event,) = event_bodies("jurisdictions.token_tag.removed")
        assert (event["referenceId"], event["details"]["code"]) == (str(row.pk), "DE")

    def test_what_is_not_there_is_a_404(self, token: Token, owner: User) -> None:
        with pytest.raises(NotFound, match="Jurisdiction assignment not found"):
            remove(owner)


class TestOfIssuers:
    def test_owners_and_officers_write_and_nobody_else(
        self, issuer: Issuer, owner: User, officer: User, member: User, auditor: User
    ) -> None:
        outsider = factories.member_of(factories.IssuerFactory.create(), "Owner")
        for actor, error in (
            (member, PermissionRefused),
            (auditor, PermissionRefused),
            (outsider, NotVisible),
        ):
            with pytest.raises(error):
                issuer_tag_assign(actor=actor, issuer_id=issuer.pk, jurisdiction="US")
        row = issuer_tag_assign(
            actor=owner, issuer_id=issuer.pk, jurisdiction="US", roles=["offered_in"]
        )
        assert (row.code, row.roles, row.assigned_by) == ("US", ["offered_in"], owner.label)
        issuer_tag_assign(actor=officer, issuer_id=issuer.pk, jurisdiction="US", note="checked")
        (assigned,) = event_bodies("jurisdictions.issuer_tag.assigned")
        (updated,) = event_bodies("jurisdictions.issuer_tag.updated")
        assert assigned["issuerId"] == updated["issuerId"] == str(issuer.pk)
        assert updated["details"]["fields"] == ["notes"]
        issuer_tag_remove(actor=officer, issuer_id=issuer.pk, jurisdiction="us")
        assert not IssuerJurisdiction.objects.exists()
        assert len(event_bodies("jurisdictions.issuer_tag.removed")) == 1
        with pytest.raises(NotFound):
            issuer_tag_remove(actor=officer, issuer_id=issuer.pk, jurisdiction="us")

    @pytest.mark.parametrize(
        ("roles", "expected"),
        [
            ([], True),
            (["offered_in"], True),
            (["issuer_home", "admitted_to_trading_in"], True),
            (["platform_location"], True),
            (["issuer_home"], False),
            (["holder_residence"], False),
            (["holder_residence", "issuer_home"], False),
        ],
    )
    def test_where_an_issuer_lives_brings_no_rules(self, roles: list[str], expected: bool) -> None:
        assert offers_there(roles) is expected


class TestWhatCounts:
    def test_the_text_of_the_record_and_the_country_of_the_issuer(
        self, token: Token, owner: User
    ) -> None:
        metadata_upsert(
            actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "US, Narnia"}
        )
        assert shown(token) == [
            ("US", "Derived", "metadata.jurisdiction", True),
            (None, "Derived", "metadata.jurisdiction", True),
            ("DE", "Derived", "issuer.country", False),
        ]

    def test_an_explicit_tag_beats_a_derived_one_of_its_code_alone(
        self, token: Token, owner: User
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "US,FR"})
        assign(owner, "US", classification="UTILITY")
        assert shown(token) == [
            ("US", "Explicit", "token", True),
            ("US", "Derived", "metadata.jurisdiction", False),
            ("FR", "Derived", "metadata.jurisdiction", True),
            ("DE", "Derived", "issuer.country", False),
        ]

    def test_tags_of_the_issuer_count_for_codes_that_the_token_has_none_for(
        self, token: Token, owner: User, issuer: Issuer
    ) -> None:
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"jurisdiction": "FR"})
        assign(owner, "US")
        for code, roles in (("US", []), ("FR", ["offered_in"]), ("CH", ["issuer_home"])):
            issuer_tag_assign(actor=owner, issuer_id=issuer.pk, jurisdiction=code, roles=roles)
        assert shown(token) == [
            ("US", "Explicit", "token", True),
            ("CH", "Explicit", "issuer", False),
            ("FR", "Explicit", "issuer", True),
            ("US", "Explicit", "issuer", False),
            ("FR", "Derived", "metadata.jurisdiction", False),
            ("DE", "Derived", "issuer.country", False),
        ]

    def test_a_token_that_nobody_owns_has_its_own(self, officer: User) -> None:
        row = assign(officer)
        assert shown(row.token) == [("DE", "Explicit", "token", True)]

    def test_an_issuer_without_a_country_has_no_derived_tag(
        self, token: Token, issuer: Issuer, officer: User
    ) -> None:
        issuer_update(actor=officer, issuer=issuer, country="")
        assert shown(token) == []


class TestTheWire:
    def test_assign_by_json(self, token: Token, owner: User) -> None:
        body = {
            "assetId": ASSET,
            "network": "voimain",
            "jurisdictionCode": "us",
            "roles": ["offered_in"],
            "classification": "FINANCIAL_INSTRUMENT",
            "offeringKind": "PRIVATE_PLACEMENT",
            "exemption": "US_REG_D_506C",
            "notes": "by counsel",
        }
        response = client_for(owner).post(ASSIGN, body, format="json")
        assert response.status_code == 200, response.content
        us, de = response.json()["jurisdictions"]
        assert us.pop("assignedAt").endswith("Z")
        assert us == {
            "assetId": ASSET,
            "network": VOI,
            "jurisdictionCode": "US",
            "jurisdictionName": "United States",
            "recognized": True,
            "rawText": "us",
            "source": "Explicit",
            "origin": "token",
            "roles": ["offered_in"],
            "classification": "FINANCIAL_INSTRUMENT",
            "offeringKind": "PRIVATE_PLACEMENT",
            "exemption": "US_REG_D_506C",
            "isPrimary": True,
            "isEvaluated": True,
            "notes": "by counsel",
            "assignedBy": owner.label,
        }
        assert (de["jurisdictionCode"], de["origin"], de["isEvaluated"]) == (
            "DE",
            "issuer.country",
            False,
        )
        assert (de["roles"], de["assignedBy"], de["assignedAt"]) == (["issuer_home"], None, None)

    def test_assign_by_query_as_the_incumbents_clients_do(self, token: Token, owner: User) -> None:
        client = client_for(owner)
        query = f"?assetId={ASSET}&network={VOI}&jurisdictionCode=EU&isPrimary=true&notes=old"
        response = client.post(ASSIGN + query)
        assert response.status_code == 200, response.content
        row = TokenJurisdiction.objects.get()
        assert (row.code, row.is_primary, row.note) == ("EU", True, "old")
        query = f"?assetId={ASSET}&jurisdictionCode=EU&isPrimary=False&roles=offered_in,issuer_home"
        assert client.post(ASSIGN + query).status_code == 200
        row.refresh_from_db()
        assert (row.is_primary, row.roles) == (False, ["issuer_home", "offered_in"])

    def test_query_and_body_may_share_the_fields_but_none_twice(
        self, token: Token, owner: User
    ) -> None:
        client = client_for(owner)
        body = {"jurisdictionCode": "EU"}
        path = f"{ASSIGN}?assetId={ASSET}"
        assert client.post(path, body, format="json").status_code == 200
        again = client.post(path, {**body, "assetId": ASSET}, format="json")
        assert (again.status_code, list(again.json()["details"])) == (400, ["assetId"])
        wrong = client.post(f"{path}&isPrimary=maybe", body, format="json")
        assert (wrong.status_code, list(wrong.json()["details"])) == (400, ["isPrimary"])

    def test_reading_is_open_and_tagged(
        self, token: Token, owner: User, outsider: User, auditor: User
    ) -> None:
        assign(owner)
        query = {"assetId": ASSET, "network": VOI}
        for reader in (owner, outsider, auditor):
            response = client_for(reader).get(TAGS, query)
            assert response.status_code == 200
            assert [one["jurisdictionCode"] for one in response.json()["jurisdictions"]] == [
                "DE",
                "DE",
            ]
        client, etag = client_for(owner), response.headers["ETag"]
        assert client.get(TAGS, query, HTTP_IF_NONE_MATCH=etag).status_code == 304
        stale = client.delete(f"{TAGS}?assetId={ASSET}&jurisdictionCode=DE", HTTP_IF_MATCH='"x"')
        assert (stale.status_code, TokenJurisdiction.objects.count()) == (412, 1)
        gone = client.delete(f"{TAGS}?assetId={ASSET}&jurisdictionCode=DE", HTTP_IF_MATCH=etag)
        assert gone.status_code == 200
        assert gone.headers["ETag"] != etag
        assert client.get(TAGS, query, HTTP_IF_NONE_MATCH=etag).status_code == 200
        missing = client.delete(TAGS, {"assetId": ASSET, "jurisdictionCode": "DE"}, format="json")
        assert missing.status_code == 404
        assert missing.json()["errorMessage"] == "Jurisdiction assignment not found"

    def test_an_asset_on_two_networks_has_to_be_named(self, token: Token, owner: User) -> None:
        factories.TokenFactory.create(asset_id=ASSET, network=ARAMID, issuer=token.issuer)
        client = client_for(owner)
        assert client.get(TAGS, {"assetId": ASSET}).status_code == 409
        assert client.get(TAGS, {"assetId": ASSET, "network": "aramidmain"}).status_code == 200
        assert client.get(TAGS).json()["details"] == {"assetId": ["This field is required."]}
        assert client.get(TAGS, {"assetId": 99}).status_code == 404

    def test_a_refused_write_is_recorded_without_what_was_sent(
        self, token: Token, owner: User
    ) -> None:
        body = {"assetId": ASSET, "jurisdictionCode": "Jane Roe,DE"}
        assert client_for(owner).post(ASSIGN, body, format="json").status_code == 400
        (event,) = event_bodies("jurisdictions.tag.write_failed")
        assert (event["success"], event["assetId"]) == (False, str(ASSET))
        assert "Jane" not in str(event)

    def test_issuers(
        self, issuer: Issuer, owner: User, member: User, outsider: User, auditor: User
    ) -> None:
        path = f"/api/v1/issuers/{issuer.pk}/jurisdictions"
        body = {"jurisdictionCode": "CH", "roles": ["issuer_home"]}
        response = client_for(owner).post(path, body, format="json")
        assert response.status_code == 200, response.content
        listed = [
            (one["jurisdictionCode"], one["origin"], one["isEvaluated"])
            for one in response.json()["jurisdictions"]
        ]
        assert listed == [("CH", "issuer", False), ("DE", "issuer.country", False)]
        for reader, status in ((member, 200), (auditor, 200), (outsider, 404)):
            assert client_for(reader).get(path).status_code == status
            refused = client_for(reader).post(path, body, format="json")
            assert refused.status_code == (404 if reader is outsider else 403)
            removed = client_for(reader).delete(f"{path}?jurisdictionCode=CH")
            assert removed.status_code == (404 if reader is outsider else 403)
        etag = client_for(member).get(path).headers["ETag"]
        assert client_for(member).get(path, HTTP_IF_NONE_MATCH=etag).status_code == 304
        gone = client_for(owner).delete(f"{path}?jurisdictionCode=ch", HTTP_IF_MATCH=etag)
        assert [one["jurisdictionCode"] for one in gone.json()["jurisdictions"]] == ["DE"]
