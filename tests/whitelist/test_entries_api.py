"""The whitelist API: one entry, the list, removal and the policy."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import IssuerMember, Token
from audit.models import AuditEvent
from tests import factories
from tests.contract.test_openapi import BASELINE
from tests.factories import VOI, TokenFactory, client_for, event_bodies, wallet
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.services.entries import whitelist_entry_upsert

pytestmark = pytest.mark.django_db

URL = "/api/v1/whitelist"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVM_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
# Seed 1, "Enhanced Whitelist Entries", to the letter but for the address.
SEED = {
    "assetId": 12345,
    "address": wallet(1),
    "status": "Active",
    "reason": "KYC verified via Sumsub",
    "expirationDate": "2027-01-21T00:00:00Z",
    "kycVerified": True,
    "kycVerificationDate": "2026-01-15T00:00:00Z",
    "kycProvider": "Sumsub",
}


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


def post(user, body, url=URL):
    return client_for(user).post(url, body, format="json")


def delete(user, body, query=""):
    return client_for(user).delete(URL + query, body, format="json")


def contents():
    return (
        list(WhitelistEntry.objects.order_by("pk").values()),
        list(WhitelistPolicy.objects.values()),
        list(Token.objects.order_by("pk").values()),
    )


class TestUpsert:
    def test_the_seeds_request_on_a_token_nobody_recorded(self):
        newcomer = factories.UserFactory.create()
        with time_machine.travel(NOW, tick=False):
            response = post(newcomer, SEED)
        assert response.status_code == 200, response.content
        entry = WhitelistEntry.objects.get()
        assert response.json() == {
            "success": True,
            "entry": {
                "id": str(entry.pk),
                **SEED,
                "network": None,
                "isExpired": False,
                "investorCategory": None,
                "jurisdictionCode": None,
                "createdBy": newcomer.label,
                "createdAt": "2026-06-01T12:00:00Z",
                "updatedBy": None,
                "updatedAt": None,
                "role": "Admin",
            },
            "warnings": [],
        }
        token = Token.objects.get()
        assert (token.asset_id, token.network) == (12345, "")
        assert IssuerMember.objects.get(user=newcomer).issuer_id == token.issuer_id
        assert [one["assetId"] for one in event_bodies("accounts.token.claimed")] == ["12345"]

    def test_every_field_of_both_documents(self, owner, token):
        more = {
            "network": VOI,
            "role": "Admin",
            "investorCategory": "AccreditedInvestor",
            "jurisdictionCode": "us-ny",
        }
        response = post(owner, {**SEED, "assetId": token.asset_id, **more})
        entry = response.json()["entry"]
        assert entry["network"] == VOI
        assert entry["investorCategory"] == "AccreditedInvestor"
        assert entry["jurisdictionCode"] == "US-NY"
        with time_machine.travel(NOW):
            again = post(owner, {"assetId": token.asset_id, "address": wallet(1), "status": 1})
        entry.update(status="Inactive", updatedBy=owner.label)
        answered = again.json()["entry"]
        assert answered.pop("updatedAt").startswith("2026-06-01T12:00")
        del entry["updatedAt"]
        assert answered == entry

    @pytest.mark.parametrize(
        ("field", "sent", "answered"),
        [
            ("status", 0, "Active"),
            ("status", 1, "Inactive"),
            ("status", 2, "Revoked"),
            ("status", "revoked", "Revoked"),
            ("investorCategory", 0, "AccreditedInvestor"),
            ("investorCategory", 5, "NonEligible"),
            ("investorCategory", "institutional", "Institutional"),
            ("jurisdictionCode", "de", "DE"),
            ("jurisdictionCode", "", None),
            ("reason", None, None),
            ("kycVerified", None, False),
            ("expirationDate", "2027-01-21", "2027-01-21T00:00:00Z"),
            ("expirationDate", "2027-01-21T02:00:00+02:00", "2027-01-21T00:00:00Z"),
        ],
    )
    def test_what_older_clients_send_is_read(self, owner, token, field, sent, answered):
        body = {"assetId": str(token.asset_id), "address": wallet(1), field: sent}
        assert post(owner, body).json()["entry"][field] == answered

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("address", wallet(1)[:-1] + ("A" if wallet(1)[-1] != "A" else "B")),
            ("address", EVM_ADDRESS),
            ("address", ""),
            ("status", 3),
            ("status", "Expired"),
            ("investorCategory", 6),
            ("jurisdictionCode", "DEU"),
            ("jurisdictionCode", "D1"),
            ("jurisdictionCode", "US-"),
            ("kycVerified", "true"),
            ("expirationDate", "soon"),
            ("reason", "x" * 501),
            ("reason", "a\x00b"),
            ("kycProvider", "x" * 201),
            ("role", 2),
            ("isExpired", True),
            ("createdBy", "me"),
        ],
    )
    def test_what_is_wrong_is_named_and_changes_nothing(self, owner, token, field, value):
        before = contents()
        response = post(owner, {"assetId": token.asset_id, "address": wallet(1), field: value})
        assert response.status_code == 400
        assert list(response.json()["details"]) == [field]
        assert contents() == before
        (event,) = event_bodies("whitelist.entry.write_failed")
        assert event["success"] is False

    def test_a_refused_address_leaves_no_token_behind(self):
        newcomer = factories.UserFactory.create()
        assert post(newcomer, {**SEED, "address": "ADDR1"}).status_code == 400
        assert Token.objects.count() == IssuerMember.objects.count() == 0

    def test_an_address_has_the_spelling_of_its_network(self, owner, issuer):
        base = TokenFactory.create(issuer=issuer, network="base-mainnet")
        body = {"assetId": base.asset_id, "network": "base", "address": EVM_ADDRESS.lower()}
        assert post(owner, body).json()["entry"]["address"] == EVM_ADDRESS
        again = post(owner, {**body, "address": "0x" + EVM_ADDRESS[2:].upper()})
        assert again.status_code == 200
        assert WhitelistEntry.objects.count() == 1
        wrong = post(owner, {**body, "address": "0x" + EVM_ADDRESS[2:].swapcase()})
        assert wrong.status_code == 400

    def test_an_asset_id_on_two_networks_must_be_told_apart(self, owner, issuer):
        for network in (VOI, "mainnet-v1.0"):
            TokenFactory.create(issuer=issuer, asset_id=5, network=network)
        for response in (
            post(owner, {"assetId": 5, "address": wallet(1)}),
            post(owner, {"assetId": 5, "addresses": [wallet(1)]}, f"{URL}/bulk"),
            delete(owner, {"assetId": 5, "address": wallet(1)}),
            client_for(owner).get(f"{URL}/5"),
            client_for(owner).get(f"{URL}/5/policy"),
            client_for(owner).put(f"{URL}/5/policy", {"enforcement": "Off"}, format="json"),
        ):
            assert response.status_code == 409
            assert response.json()["errorCode"] == "AMBIGUOUS_ASSET"
        assert WhitelistEntry.objects.count() == 0
        response = post(owner, {"assetId": 5, "network": "voi", "address": wallet(1)})
        assert response.json()["entry"]["network"] == VOI
        listed = client_for(owner).get(f"{URL}/5", {"network": "voimain"}).json()
        assert listed["totalCount"] == 1
        other = client_for(owner).get(f"{URL}/5", {"network": "mainnet"}).json()
        assert other["totalCount"] == 0

    def test_the_same_again_writes_nothing(self, owner, token):
        body = {**SEED, "assetId": token.asset_id}
        first = post(owner, body).json()["entry"]
        count = AuditEvent.objects.count()
        again = post(owner, body).json()["entry"]
        assert again == first
        assert AuditEvent.objects.count() == count

    def test_a_change_is_one_event_that_says_what_was(self, owner, token):
        post(owner, {**SEED, "assetId": token.asset_id, "jurisdictionCode": "DE"})
        change = {
            "status": "Inactive",
            "kycVerified": False,
            "expirationDate": None,
            "reason": "asked",
            "jurisdictionCode": "FR",
        }
        post(owner, {"assetId": token.asset_id, "address": wallet(1), **change})
        (event,) = event_bodies("whitelist.entry.updated")
        assert (event["oldStatus"], event["newStatus"]) == ("Active", "Inactive")
        assert event["details"] == {
            "fields": [
                "expiration_date",
                "jurisdiction_code",
                "kyc_verified",
                "reason",
                "status",
            ],
            "role": "Admin",
            "was": {
                "expiration_date": "2027-01-21T00:00:00.000000Z",
                "jurisdiction_code": "DE",
                "kyc_verified": True,
            },
        }
        text = AuditEvent.objects.get(name="whitelist.entry.updated").body
        assert "Sumsub" not in text
        assert "asked" not in text


class TestRemove:
    @pytest.fixture
    def entry(self, owner, token):
        return whitelist_entry_upsert(
            actor=owner,
            token=token,
            address=wallet(1),
            status="Revoked",
            reason="A private matter",
            kyc_provider="Sumsub",
            kyc_verified=True,
            kyc_verification_date=NOW,
            investor_category="Professional",
        )

    @pytest.mark.parametrize("by_query", [False, True])
    def test_it_is_gone_and_the_log_says_who_removed_what(
        self, owner, officer, token, entry, by_query
    ):
        named = {"assetId": token.asset_id, "network": "voi", "address": wallet(1).lower()}
        query = f"?assetId={token.asset_id}&network=voi&address={wallet(1).lower()}"
        response = delete(officer, None, query) if by_query else delete(officer, named)
        assert response.status_code == 200, response.content
        assert response.json() == {"success": True, "entry": None}
        assert WhitelistEntry.objects.count() == 0
        (event,) = event_bodies("whitelist.entry.removed")
        assert event["actor"] == officer.label
        assert event["actorId"] == str(officer.pk)
        assert event["actionType"] == "Delete"
        assert (event["assetId"], event["network"]) == (str(token.asset_id), VOI)
        assert event["affectedAddress"] == wallet(1)
        assert event["oldStatus"] == "Revoked"
        assert "newStatus" not in event
        assert event["details"] == {
            "fields": [
                "investor_category",
                "kyc_provider",
                "kyc_verification_date",
                "kyc_verified",
                "reason",
                "status",
            ],
            "role": "Admin",
            "was": {
                "expiration_date": None,
                "investor_category": "Professional",
                "jurisdiction_code": None,
                "kyc_verification_date": "2026-06-01T12:00:00.000000Z",
                "kyc_verified": True,
            },
        }
        body = AuditEvent.objects.get(name="whitelist.entry.removed").body
        assert "A private matter" not in body

    def test_a_removed_address_can_be_listed_again(self, owner, officer, token, entry):
        named = {"assetId": token.asset_id, "address": wallet(1)}
        assert delete(owner, named).status_code == 200
        again = post(officer, named).json()["entry"]
        assert again["id"] != str(entry.pk)
        assert (again["status"], again["createdBy"]) == ("Active", officer.label)
        assert again["reason"] is None
        assert len(event_bodies("whitelist.entry.created")) == 2

    @pytest.mark.parametrize(
        "named",
        [
            {"assetId": 0, "address": wallet(2)},
            {"assetId": 999_999, "address": wallet(1)},
            {"assetId": 0, "network": "base", "address": EVM_ADDRESS},
        ],
    )
    def test_what_is_not_listed_is_not_found(self, owner, token, entry, named):
        before = contents()
        response = delete(owner, {**named, "assetId": named["assetId"] or token.asset_id})
        assert response.status_code == 404
        assert response.json()["errorMessage"] == "Whitelist entry not found"
        assert contents() == before
        (event,) = event_bodies("whitelist.entry.remove_failed")
        assert event["errorMessage"] == "Whitelist entry not found"

    def test_a_second_removal_is_not_found(self, owner, token, entry):
        named = {"assetId": token.asset_id, "address": wallet(1)}
        assert [delete(owner, named).status_code for _ in range(2)] == [200, 404]
        assert len(event_bodies("whitelist.entry.removed")) == 1

    @pytest.mark.parametrize("persona", ["member", "outsider", "auditor"])
    @pytest.mark.parametrize("address", [wallet(1), wallet(2), "nonsense"])
    def test_who_may_not_write_learns_nothing(self, request, token, entry, persona, address):
        before = contents()
        user = request.getfixturevalue(persona)
        response = delete(user, {"assetId": token.asset_id, "address": address})
        assert response.status_code == 403
        assert contents() == before

    @pytest.mark.parametrize(
        ("body", "query", "field"),
        [
            ({"assetId": 1}, "", "address"),
            ({"address": wallet(1)}, "", "assetId"),
            ({"assetId": 1, "address": wallet(1)}, "?assetId=1", "assetId"),
            ({"assetId": 1, "address": wallet(1), "status": "Active"}, "", "status"),
            ({"assetId": "x", "address": wallet(1)}, "", "assetId"),
            (None, f"?assetId=1&address={wallet(1)}&address={wallet(2)}", "address"),
            (None, f"?assetId=1&address={wallet(1)}&force=1", "force"),
        ],
    )
    def test_a_request_that_is_no_request(self, owner, entry, body, query, field):
        response = delete(owner, body, query)
        assert response.status_code == 400
        assert field in response.json()["details"]
        assert WhitelistEntry.objects.count() == 1

    def test_an_address_that_is_none_is_a_400(self, owner, token, entry):
        response = delete(owner, {"assetId": token.asset_id, "address": "nonsense"})
        assert response.status_code == 400
        assert list(response.json()["details"]) == ["address"]

    def test_an_entry_and_its_event_stand_or_fall_together(self, owner, token, entry, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError("no event")

        monkeypatch.setattr("whitelist.services.entries.record_event", broken)
        response = delete(owner, {"assetId": token.asset_id, "address": wallet(1)})
        assert response.status_code == 500
        assert WhitelistEntry.objects.count() == 1


class TestList:
    @pytest.fixture
    def entries(self, owner, token):
        contents = (
            {"kyc_verified": True},
            {"expiration_date": NOW},
            {"expiration_date": NOW + timedelta(seconds=1), "kyc_verified": True},
            {"status": "Inactive"},
            {"status": "Revoked", "expiration_date": NOW - timedelta(days=1)},
        )
        other = TokenFactory.create(issuer=token.issuer)
        whitelist_entry_upsert(actor=owner, token=other, address=wallet(0))
        rows = []
        for number, content in enumerate(contents):
            with time_machine.travel(NOW - timedelta(days=10) + timedelta(hours=number)):
                row = whitelist_entry_upsert(
                    actor=owner, token=token, address=wallet(number), **content
                )
            rows.append(row)
        return rows

    @pytest.fixture
    def get(self, owner, token):
        def get(**query):
            with time_machine.travel(NOW, tick=False):
                return client_for(owner).get(f"{URL}/{token.asset_id}", query)

        return get

    def test_the_newest_comes_first_in_the_shape_of_the_upsert(self, get, entries, owner, token):
        body = get().json()
        assert [one["address"] for one in body["entries"]] == [
            wallet(number) for number in (4, 3, 2, 1, 0)
        ]
        assert {name: body[name] for name in body if name != "entries"} == {
            "success": True,
            "totalCount": 5,
            "page": 1,
            "pageSize": 20,
            "totalPages": 1,
            "nextCursor": None,
        }
        with time_machine.travel(NOW, tick=False):
            same = post(owner, {"assetId": token.asset_id, "address": wallet(0)})
        assert same.json()["entry"] == body["entries"][-1]

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ({"status": "Active"}, {0, 1, 2}),
            ({"status": "2"}, {4}),
            ({"expired": "true"}, {1, 4}),
            ({"expired": "false"}, {0, 2, 3}),
            ({"kycVerified": "true"}, {0, 2}),
            ({"kycVerified": "false"}, {1, 3, 4}),
            ({"address": wallet(3)}, {3}),
            ({"address": wallet(3).lower()}, {3}),
            ({"address": wallet(9)}, set()),
            ({"address": "nonsense"}, set()),
            ({"status": "Active", "expired": "false", "kycVerified": "true"}, {0, 2}),
        ],
    )
    def test_each_filter(self, get, entries, query, numbers):
        body = get(**query).json()
        assert {one["address"] for one in body["entries"]} == {wallet(one) for one in numbers}
        assert body["totalCount"] == len(numbers)

    def test_expiry_is_of_the_moment(self, get, entries):
        expired = {one["address"]: one["isExpired"] for one in get().json()["entries"]}
        assert expired == {wallet(number): number in (1, 4) for number in range(5)}

    def test_an_evm_address_is_found_in_any_spelling(self, owner, issuer):
        token = TokenFactory.create(issuer=issuer, network="base-mainnet")
        whitelist_entry_upsert(actor=owner, token=token, address=EVM_ADDRESS)
        for spelling in (EVM_ADDRESS, EVM_ADDRESS.lower(), f" {EVM_ADDRESS} "):
            response = client_for(owner).get(f"{URL}/{token.asset_id}", {"address": spelling})
            assert response.json()["totalCount"] == 1

    @pytest.mark.parametrize("by_cursor", [False, True])
    def test_pages_cover_every_entry_once(self, get, entries, by_cursor):
        seen, query = [], {"pageSize": 2}
        for page in (1, 2, 3):
            body = get(**query).json()
            seen += [one["address"] for one in body["entries"]]
            assert (body["totalCount"], body["totalPages"]) == (5, 3)
            query = {"pageSize": 2}
            query |= {"cursor": body["nextCursor"]} if by_cursor else {"page": page + 1}
        assert seen == [wallet(number) for number in (4, 3, 2, 1, 0)]

    @pytest.mark.parametrize("path", ["", "/policy"])
    def test_whose_token_it_is_reads_it(self, request, token, entries, path):
        for persona, status in {
            "owner": 200,
            "member": 200,
            "officer": 200,
            "auditor": 200,
            "outsider": 404,
        }.items():
            client = client_for(request.getfixturevalue(persona))
            assert client.get(f"{URL}/{token.asset_id}{path}").status_code == status, persona
            assert client.get(f"{URL}/999999{path}").status_code == 404

    def test_reading_writes_nothing(self, get, entries):
        before, count = contents(), AuditEvent.objects.count()
        get(expired="true")
        assert (contents(), AuditEvent.objects.count()) == (before, count)


class TestPolicy:
    def put(self, user, token, body):
        url = f"{URL}/{token if isinstance(token, int) else token.asset_id}/policy"
        return client_for(user).put(url, body, format="json")

    def test_a_policy_that_nobody_set_says_so(self, owner, token):
        response = client_for(owner).get(f"{URL}/{token.asset_id}/policy")
        assert response.json() == {
            "success": True,
            "policy": {
                "assetId": token.asset_id,
                "network": VOI,
                "enforcement": None,
                "setBy": None,
                "setAt": None,
            },
        }
        assert WhitelistPolicy.objects.count() == 0

    @pytest.mark.parametrize("sent", ["Mandatory", "Optional", "Off", "off", 0, 1, 2])
    def test_it_is_set_with_who_and_when(self, owner, officer, token, sent):
        with time_machine.travel(NOW, tick=False):
            response = self.put(officer, token, {"enforcement": sent})
        names = ["Mandatory", "Optional", "Off"]
        name = names[sent] if isinstance(sent, int) else sent.capitalize()
        expected = {
            "assetId": token.asset_id,
            "network": VOI,
            "enforcement": name,
            "setBy": officer.label,
            "setAt": "2026-06-01T12:00:00Z",
        }
        assert response.json() == {"success": True, "policy": expected}
        read = client_for(owner).get(f"{URL}/{token.asset_id}/policy")
        assert read.json()["policy"] == expected

    def test_a_change_is_one_event_and_the_same_again_none(self, owner, officer, token):
        self.put(owner, token, {"enforcement": "Mandatory"})
        self.put(officer, token, {"enforcement": "Mandatory"})
        assert WhitelistPolicy.objects.get().set_by == owner.label
        self.put(officer, token, {"enforcement": "Off"})
        first, second = event_bodies("whitelist.policy.changed")
        assert "oldStatus" not in first
        assert first["newStatus"] == "Mandatory"
        assert (second["oldStatus"], second["newStatus"]) == ("Mandatory", "Off")
        assert second["actor"] == officer.label

    def test_a_token_nobody_recorded_is_claimed(self):
        newcomer = factories.UserFactory.create()
        response = self.put(newcomer, 77, {"network": VOI, "enforcement": "Mandatory"})
        assert response.status_code == 200
        assert Token.objects.get().issuer_id == IssuerMember.objects.get(user=newcomer).issuer_id

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "enforcement"),
            ({"enforcement": None}, "enforcement"),
            ({"enforcement": "Always"}, "enforcement"),
            ({"enforcement": 3}, "enforcement"),
            ({"enforcement": "Off", "setBy": "me"}, "setBy"),
            ({"enforcement": "Off", "network": "no such!"}, "network"),
        ],
    )
    def test_what_is_wrong_changes_nothing(self, owner, token, body, field):
        before = contents()
        response = self.put(owner, token, body)
        assert response.status_code == 400
        assert list(response.json()["details"]) == [field]
        assert contents() == before
        assert len(event_bodies("whitelist.policy.write_failed")) == 1


def test_the_documented_entry_is_the_answered_one(owner, token):
    document = json.loads(BASELINE.read_text())
    answered = post(owner, {"assetId": token.asset_id, "address": wallet(1)}).json()["entry"]
    assert set(document["components"]["schemas"]["Entry"]["properties"]) == set(answered)
