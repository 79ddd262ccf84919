"""Attestation packages: what they hold, to the letter of seed 1 section 14, and who gets them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.services import token_owner_verify, token_update
from attestations.models import Attestation
from attestations.services import attestation_revoke
from compliance.models import AttestationPackage
from compliance.services.metadata import metadata_upsert
from tests import factories
from tests.compliance.conftest import ASSET, attest
from tests.factories import ARAMID, CID, VOI, client_for, event_bodies, wallet
from whitelist.models import WhitelistEntry, WhitelistPolicy

pytestmark = pytest.mark.django_db
URL = "/api/v1/compliance/attestation"
STORED = "/api/v1/compliance/attestation-packages"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def post(user: User, **body: Any) -> Any:
    return client_for(user).post(URL, {"tokenId": ASSET, **body}, format="json")


def package(user: User, **body: Any) -> dict[str, Any]:
    response = post(user, **body)
    assert response.status_code == 200, response.content
    made: dict[str, Any] = response.json()["package"]
    return made


def stored(user: User, package_id: str) -> dict[str, Any]:
    response = client_for(user).get(f"{STORED}/{package_id}")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()["package"]
    return found


def pdf_text(content: bytes) -> str:
    """Return the text of an uncompressed PDF, as its pages show it."""
    shown = re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", content)
    text = b" ".join(shown).decode("cp1252")
    return re.sub(r"\\([()\\])", r"\1", text)


def many(token: Token, creator: User, count: int, **more: Any) -> list[Attestation]:
    """Make attestations past the services, a microsecond apart."""
    now = timezone.now()
    return Attestation.objects.bulk_create(
        Attestation(
            token=token,
            asset_id=token.asset_id,
            wallet_address=wallet(number),
            network=token.network,
            issuer_address="the provider",
            proof_hash=CID,
            issued_at=now + timedelta(microseconds=number),
            created_by=creator,
            created_by_label=creator.label,
            **more,
        )
        for number in range(count)
    )


class TestContent:
    def test_every_member_of_the_seed_holds_what_is_on_record(
        self, clock: Any, compliant_token: Token, owner: User, officer: User
    ) -> None:
        token = token_update(
            actor=owner,
            token=compliant_token,
            name="RWA Token",
            unit_name="RWAT",
            total=1_000_000,
            decimals=6,
            creator_address=wallet(5),
        )
        token_owner_verify(actor=officer, token=token)
        metadata_upsert(
            actor=owner,
            asset_id=ASSET,
            network=VOI,
            changes={"compliance_status": "Compliant", "last_compliance_review": NOW - DAY},
        )
        response = post(owner, fromDate="2026-03-01", toDate="2026-03-01", format="json")
        body = response.json()
        assert (body["success"], body["format"], body["truncated"]) == (True, "json", False)
        made = body["package"]
        assert response.headers["Location"] == f"{STORED}/{made['packageId']}"
        assert made["tokenId"] == ASSET
        assert (made["network"], made["issuerAddress"]) == (VOI, wallet(5))
        assert made["generatedAt"] == made["signature"]["signedAt"] == "2026-03-01T12:00:00Z"
        assert made["token"] == {
            "assetId": ASSET,
            "name": "RWA Token",
            "unitName": "RWAT",
            "total": 1_000_000,
            "decimals": 6,
            "creator": wallet(5),
            "standard": None,
            "contractAddress": None,
        }
        assert made["issuer"] == {
            "id": str(token.issuer_id),
            "legalName": "Meridian Warehousing GmbH",
            "lei": None,
            "country": "DE",
            "ownershipVerified": True,
        }
        said = made["complianceMetadata"]
        assert (said["assetId"], said["jurisdiction"]) == (ASSET, "GLOBAL")
        assert (said["complianceStatus"], said["verificationStatus"]) == ("Compliant", "Verified")
        assert (said["kycProvider"], said["assetType"]) == ("Sumsub", "Warehouse receipt")
        status = made["complianceStatus"]
        assert (status["status"], status["verificationStatus"]) == ("Compliant", "Verified")
        assert status["lastReviewDate"] == "2026-02-28T12:00:00Z"
        assert status["nextReviewDate"] == "2026-08-18T12:00:00Z"
        assert status["computedStatus"] == "Compliant"
        assert status["computedCounts"]["Pass"] > 5
        assert [one["id"] for one in status["rulePacks"]] == ["engine", "global-baseline"]
        assert made["dateRange"] == {
            "from": "2026-03-01T00:00:00Z",
            "to": "2026-03-01T23:59:59.999999Z",
        }
        assert made["attestationCount"] == len(made["attestations"]) == 2
        one = next(row for row in made["attestations"] if row["attestationType"] == "KYC")
        row = Attestation.objects.get(pk=one["id"])
        assert one == {
            "id": str(row.pk),
            "walletAddress": wallet(900),
            "assetId": ASSET,
            "issuerAddress": "the provider",
            "proofHash": CID,
            "proofType": "IPFS",
            "verificationStatus": "Verified",
            "attestationType": "KYC",
            "network": VOI,
            "jurisdiction": None,
            "regulatoryFramework": None,
            "issuedAt": "2026-03-01T12:00:00Z",
            "expiresAt": "2026-12-26T12:00:00Z",
            "verifiedAt": "2026-03-01T12:00:00Z",
            "subjectType": "Wallet",
            "attributes": {},
        }

    def test_a_declared_status_never_stands_for_the_computed_one(
        self, baseline: None, owner: User
    ) -> None:
        changes = {"compliance_status": "Compliant", "jurisdiction": "GLOBAL"}
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes=changes)
        status = package(owner)["complianceStatus"]
        assert (status["status"], status["computedStatus"]) == ("Compliant", "NonCompliant")
        assert {one["verdict"] for one in status["computedRationale"]} >= {"Fail"}

    def test_the_whitelist_is_counted_as_it_stands(
        self, clock: Any, compliant_token: Token, owner: User
    ) -> None:
        WhitelistEntry.objects.bulk_create(
            WhitelistEntry(token=compliant_token, address=wallet(number), created_by="x", **more)
            for number, more in enumerate(
                [
                    {},
                    {"kyc_verified": True, "expiration_date": NOW + timedelta(microseconds=1)},
                    {"expiration_date": NOW},
                    {"status": "Inactive"},
                    {"status": "Revoked", "expiration_date": NOW - DAY},
                    {"status": "Revoked"},
                ]
            )
        )
        expected = {
            "isEnabled": True,
            "totalWhitelisted": 3,  # and the one of the compliant token
            "enforcementType": "Mandatory",
            "kycVerified": 2,
            "expired": 1,
            "inactive": 1,
            "revoked": 2,
        }
        assert package(owner)["whitelistPolicy"] == expected
        policies = WhitelistPolicy.objects.filter(token=compliant_token)
        for enforcement, enabled in (("Optional", True), ("Off", False)):
            policies.update(enforcement=enforcement)
            said = package(owner)["whitelistPolicy"]
            assert (said["isEnabled"], said["enforcementType"]) == (enabled, enforcement)
        policies.delete()
        said = package(owner)["whitelistPolicy"]
        assert (said["isEnabled"], said["enforcementType"]) == (False, "None")
        assert said["totalWhitelisted"] == 3

    def test_the_range_bounds_the_moment_of_issue_inclusively(
        self, clock: Any, compliant_token: Token, owner: User, officer: User
    ) -> None:
        clock.move_to(NOW + 5 * DAY)
        late = str(attest(owner, officer, "License").pk)
        attest(owner, officer, "KYC", network=ARAMID)  # of another token with the same id

        def ids(**period: str) -> set[str]:
            rows = package(owner, network=VOI, **period)["attestations"]
            return {row["id"] for row in rows}

        everything = ids()
        assert len(everything) == 3
        early = everything - {late}
        assert ids(toDate="2026-03-01T12:00:00Z") == early
        assert ids(toDate="2026-03-01") == early
        assert ids(toDate="2026-03-01T11:59:59Z") == set()
        assert ids(fromDate="2026-03-06T12:00:00Z") == {late}
        assert ids(fromDate="2026-03-01T12:00:01Z", toDate="2026-03-06") == {late}

    def test_the_answer_shows_a_hundred_and_the_stored_package_has_all(
        self, compliant_token: Token, owner: User
    ) -> None:
        rows = many(compliant_token, owner, 250)
        answer = post(owner).json()
        shown = answer["package"]
        assert (len(shown["attestations"]), shown["attestationCount"]) == (100, 252)
        assert answer["truncated"] is True
        newest = [str(row.pk) for row in reversed(rows)]
        assert [row["id"] for row in shown["attestations"]] == newest[:100]
        whole = stored(owner, shown["packageId"])
        assert [row["id"] for row in whole["attestations"]][:250] == newest
        assert len(whole["attestations"]) == 252
        assert {**whole, "attestations": None} == {**shown, "attestations": None}

    def test_without_a_known_creator_the_issuers_first_owner_stands_for_it(
        self, compliant_token: Token, owner: User, officer: User
    ) -> None:
        assert compliant_token.issuer is not None
        factories.member_of(compliant_token.issuer, "Owner")
        for user in (owner, officer):
            made = package(user)
            assert (made["issuerAddress"], made["token"]["creator"]) == (owner.address, None)
        compliant_token.issuer.members.all().delete()
        assert package(officer)["issuerAddress"] is None

    def test_numbers_that_no_double_holds_are_text(self, baseline: None, owner: User) -> None:
        asset = 2**63 - 1
        changes = {"jurisdiction": "GLOBAL"}
        metadata = metadata_upsert(actor=owner, asset_id=asset, network=VOI, changes=changes)
        token_update(actor=owner, token=metadata.token, total=2**64 - 1, decimals=19)
        made = package(owner, tokenId=asset)
        assert (made["tokenId"], made["token"]["total"]) == (str(asset), str(2**64 - 1))
        assert made["complianceMetadata"]["assetId"] == str(asset)

    def test_free_text_that_may_speak_of_people_is_not_in_it(
        self, compliant_token: Token, owner: User, officer: User
    ) -> None:
        row = attest(owner, officer, "AML", notes="Jane Roe, born 1970")
        attestation_revoke(actor=officer, attestation_id=row.pk, reason="Jane Roe left")
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes={"notes": "ask Jane Roe"})
        made = package(owner)
        assert "Revoked" in {one["verificationStatus"] for one in made["attestations"]}
        text = json.dumps(made) + json.dumps(event_bodies("compliance.package.generated"))
        assert "Jane" not in text


class TestPdf:
    def test_it_is_a_file_with_the_same_facts(
        self, clock: Any, compliant_token: Token, owner: User
    ) -> None:
        response = post(owner, format="pdf")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/pdf"
        row = AttestationPackage.objects.get()
        assert response.headers["Location"] == f"{STORED}/{row.pk}"
        assert f"attestation-package-{row.pk}.pdf" in response.headers["Content-Disposition"]
        text = pdf_text(response.content)
        made = stored(owner, str(row.pk))
        facts = [
            f"Attestation package of asset {ASSET}",
            "Meridian Warehousing GmbH",
            "global-baseline",
            "Enforcement type Mandatory",
            "Total whitelisted 1",
            "By the rules Compliant",
            "Attestations: 2",
            "KYC",
            "2026-03-01T12:00:00Z",
            made["contentHash"],
            made["packageId"],
        ]
        joined = text.replace(" ", "")
        assert [fact for fact in facts if fact.replace(" ", "") not in joined] == []
        for attestation in made["attestations"]:
            assert attestation["id"] in joined
            assert attestation["proofHash"] in joined
            assert attestation["walletAddress"][:20] in joined
        again = client_for(owner).get(f"{STORED}/{row.pk}?format=PDF")
        assert again.content == response.content

    def test_a_long_one_says_what_it_leaves_out(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("compliance.packages.pdf.ATTESTATIONS_SHOWN", 1)
        text = pdf_text(post(owner, format="pdf").content)
        assert "The newest 1 are shown; the JSON has all of them." in text
        assert "Attestations: 2" in text

    def test_text_from_callers_is_no_markup_and_without_attestations_it_is_whole(
        self, baseline: None, owner: User
    ) -> None:
        changes = {"jurisdiction": "<b>&amp;</font>", "asset_type": "\u4e2d <para>"}
        metadata_upsert(actor=owner, asset_id=ASSET, network=VOI, changes=changes)
        response = post(owner, format="pdf")
        assert response.status_code == 200
        text = pdf_text(response.content)
        for shown in ("<b>&amp;</font>", "[U+4E2D] <para>", "None were issued in this time."):
            assert shown.replace(" ", "") in text.replace(" ", "")


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"tokenId": 0}, "tokenId"),
            ({"tokenId": None}, "tokenId"),
            ({"tokenId": "x\0"}, "tokenId"),
            ({"tokenId": 1.5}, "tokenId"),
            ({"format": "xml"}, "format"),
            ({"format": ""}, "format"),
            ({"fromDate": "yesterday"}, "fromDate"),
            ({"toDate": 5}, "toDate"),
            ({"fromDate": "2026-02-02", "toDate": "2026-02-01"}, "toDate"),
            ({"network": "\0"}, "network"),
            ({"nonsense": 1}, "nonsense"),
        ],
    )
    def test_bad_input_makes_nothing(
        self, compliant_token: Token, owner: User, body: dict[str, Any], field: str
    ) -> None:
        response = post(owner, **body)
        assert response.status_code == 400
        assert list(response.json()["details"]) == [field]
        assert not AttestationPackage.objects.exists()
        (event,) = event_bodies("compliance.package.generation_failed")
        assert event["success"] is False

    def test_without_a_token_or_its_metadata_there_is_none(
        self, compliant_token: Token, officer: User, issuer: Issuer
    ) -> None:
        unknown = post(officer, tokenId=99)
        assert unknown.status_code == 404
        bare = factories.TokenFactory.create(asset_id=77, network=VOI, issuer=issuer)
        response = post(officer, tokenId=bare.asset_id)
        assert response.status_code == 404
        assert response.json()["errorMessage"] == "Compliance metadata not found for this asset"
        assert post(officer, network=ARAMID).status_code == 404
        assert not AttestationPackage.objects.exists()

    def test_an_asset_id_on_two_networks_is_asked_about(
        self, compliant_token: Token, officer: User
    ) -> None:
        factories.TokenFactory.create(asset_id=ASSET, network=ARAMID)
        response = post(officer)
        assert response.json()["errorCode"] == "AMBIGUOUS_ASSET"
        assert post(officer, network=VOI).status_code == 200

    def test_only_those_who_may_see_the_token_get_one(
        self, compliant_token: Token, owner: User, member: User, outsider: User, auditor: User
    ) -> None:
        made = package(auditor)["packageId"]
        nobody = factories.UserFactory.create()
        for user, status in ((owner, 200), (member, 200), (outsider, 404), (nobody, 404)):
            assert post(user).status_code == status
            assert client_for(user).get(f"{STORED}/{made}").status_code == status
            pdf = client_for(user).get(f"{STORED}/{made}", {"format": "pdf"})
            assert pdf.status_code == status
        assert client_for(None).get(f"{STORED}/{made}").status_code == 401
        assert len(event_bodies("security.access.denied")) == 7

    @pytest.mark.parametrize("form", ["xml", "0", "json\0"])
    def test_another_form_of_a_stored_one_is_refused(
        self, compliant_token: Token, owner: User, form: str
    ) -> None:
        made = package(owner)["packageId"]
        response = client_for(owner).get(f"{STORED}/{made}", {"format": form})
        assert response.status_code == 400

    def test_more_than_a_package_takes_is_refused_with_advice(
        self, compliant_token: Token, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, most in (("MAX_ATTESTATIONS", 1), ("MAX_BYTES", 100)):
            with monkeypatch.context() as patched:
                patched.setattr(f"compliance.services.packages.{name}", most)
                response = post(owner)
            assert response.status_code == 422
            assert "narrow it with fromDate and toDate" in response.json()["errorMessage"]
        assert not AttestationPackage.objects.exists()

    @override_settings(RATE_LIMIT_EXPORT="2/m")
    def test_packages_are_limited_as_exports(self, compliant_token: Token, owner: User) -> None:
        statuses = [post(owner).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]


class TestRecord:
    def test_making_and_reading_are_events_of_the_token(
        self, compliant_token: Token, owner: User, auditor: User
    ) -> None:
        made = package(owner, fromDate="2026-01-01")
        client_for(auditor).get(f"{STORED}/{made['packageId']}", {"format": "pdf"})
        (generated,) = event_bodies("compliance.package.generated")
        (read,) = event_bodies("compliance.package.read")
        for event, user, form in ((generated, owner, "json"), (read, auditor, "pdf")):
            assert (event["assetId"], event["network"]) == (str(ASSET), VOI)
            assert event["issuerId"] == str(compliant_token.issuer_id)
            assert (event["referenceType"], event["referenceId"]) == ("package", made["packageId"])
            assert (event["actor"], event["itemCount"]) == (user.label, 2)
            assert event["details"]["format"] == form
            assert event["details"]["contentHash"] == made["contentHash"]
        assert generated["actionType"] == "Export"
        assert generated["details"]["from"] == "2026-01-01T00:00:00Z"
        assert generated["details"]["to"] is None

    def test_a_stored_package_never_changes(self, compliant_token: Token, owner: User) -> None:
        made = package(owner)
        row = AttestationPackage.objects.get()
        attempts = (
            lambda: AttestationPackage.objects.update(content="{}"),
            row.delete,
        )
        for attempt in attempts:
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()
        assert stored(owner, made["packageId"]) == made

    def test_whoever_holds_it_is_told_so(self, compliant_token: Token, owner: User) -> None:
        url = f"{STORED}/{package(owner)['packageId']}"
        etag = client_for(owner).get(url).headers["ETag"]
        assert client_for(owner).get(url, HTTP_IF_NONE_MATCH=etag).status_code == 304
        pdf = client_for(owner).get(url, {"format": "pdf"}, HTTP_IF_NONE_MATCH=etag)
        assert pdf.status_code == 200

    def test_the_cost_does_not_grow_with_what_it_holds(
        self, compliant_token: Token, owner: User
    ) -> None:
        package(owner)
        with CaptureQueriesContext(connection) as few:
            package(owner)
        many(compliant_token, owner, 300)
        WhitelistEntry.objects.bulk_create(
            WhitelistEntry(token=compliant_token, address=wallet(number), created_by="x")
            for number in range(300)
        )
        package(owner)  # the status that they change is an event once
        with CaptureQueriesContext(connection) as more:
            package(owner)
        assert len(more) == len(few)
