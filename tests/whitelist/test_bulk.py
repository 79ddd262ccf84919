"""Many addresses in one request: all or none, or the good ones; at a constant cost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import IssuerMember, Token
from audit.models import AuditEvent
from compliance.models import TokenStatus
from config.api.errors import PermissionRefused, ValidationFailed
from tests import factories
from tests.contract.world import undone
from tests.factories import ARAMID, VOI, TokenFactory, client_for, event_bodies, wallet
from whitelist.models import WhitelistEntry
from whitelist.services.bulk import (
    MAX_ADDRESSES,
    WantedEntry,
    whitelist_bulk_write,
    whitelist_entries_upsert,
)
from whitelist.services.entries import whitelist_entry_upsert

pytestmark = pytest.mark.django_db

URL = "/api/v1/whitelist/bulk"
CREATED, UPDATED = "whitelist.entry.created", "whitelist.entry.updated"
CHECKSUM = "The checksum of this Algorand address is wrong; check it for typos."
LENGTH = "An Algorand address has 58 characters."
SEED = {
    "status": "Active",
    "reason": "Batch KYC verification",
    "kycVerified": True,
    "kycVerificationDate": "2026-01-15T00:00:00Z",
    "kycProvider": "Onfido",
}


def mistyped(number):
    """Return a wallet's address with another last letter."""
    good = wallet(number)
    return good[:-1] + ("A" if good[-1] != "A" else "B")


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


@pytest.fixture
def send(owner, token):
    def send(addresses, *, query="", user=owner, **content):
        body = {"assetId": token.asset_id, "addresses": addresses, **content}
        return client_for(user).post(URL + query, body, format="json")

    return send


def stored():
    return list(WhitelistEntry.objects.order_by("address").values())


def listed():
    return set(WhitelistEntry.objects.values_list("address", flat=True))


class TestShape:
    def test_the_seeds_request(self, send, owner, token):
        addresses = [wallet(number) for number in range(3)]
        response = send(addresses, **SEED)
        assert response.status_code == 200, response.content
        body = response.json()
        entries = body.pop("successfulEntries")
        assert body == {
            "success": True,
            "failedAddresses": [],
            "successCount": 3,
            "failedCount": 0,
            "createdCount": 3,
            "updatedCount": 0,
            "unchangedCount": 0,
            "validationErrors": [],
            "errors": [],
            "duplicates": [],
            "warnings": [],
        }
        assert [one["address"] for one in entries] == addresses
        rows = {str(row["id"]): row for row in stored()}
        for entry in entries:
            row = rows.pop(entry["id"])
            assert (entry["address"], row["reason"]) == (row["address"], SEED["reason"])
            assert {name: entry[name] for name in SEED} == SEED
            assert entry["assetId"] == token.asset_id
            assert (entry["network"], entry["createdBy"]) == (VOI, owner.label)
        assert rows == {}

    def test_one_event_for_each_that_changed(self, send, owner):
        send([wallet(1)], **SEED)
        send([wallet(2)])
        count = AuditEvent.objects.count()
        body = send([wallet(1), wallet(2), wallet(3)], **SEED).json()
        assert (body["createdCount"], body["updatedCount"], body["unchangedCount"]) == (1, 1, 1)
        assert body["successCount"] == 3
        assert AuditEvent.objects.count() == count + 2
        created, updated = event_bodies(CREATED)[-1], event_bodies(UPDATED)[-1]
        assert created["affectedAddress"] == wallet(3)
        assert updated["affectedAddress"] == wallet(2)
        assert updated["details"]["was"] == {
            "kyc_verification_date": None,
            "kyc_verified": False,
        }
        assert created["notes"] == updated["notes"] == "Bulk operation"
        assert created["actor"] == owner.label
        assert AuditEvent.objects.filter(body__contains="Batch KYC").count() == 0

    def test_the_same_again_writes_nothing(self, send, officer):
        addresses = [wallet(number) for number in range(5)]
        send(addresses, **SEED)
        before, count = stored(), AuditEvent.objects.count()
        revision = TokenStatus.objects.get().revision
        body = send(addresses, user=officer, **SEED).json()
        assert (body["successCount"], body["unchangedCount"]) == (5, 5)
        assert stored() == before
        assert AuditEvent.objects.count() == count
        assert TokenStatus.objects.get().revision == revision

    def test_fields_that_are_not_given_stay(self, send, officer):
        send([wallet(1)], **SEED)
        send([wallet(2)], kycProvider="Sumsub", investorCategory="Professional")
        send([wallet(1), wallet(2)], user=officer, status="Inactive", kycProvider=None)
        rows = {row["address"]: row for row in stored()}
        for number, reason, category in ((1, SEED["reason"], None), (2, None, "Professional")):
            row = rows[wallet(number)]
            assert (row["status"], row["kyc_provider"]) == ("Inactive", None)
            assert (row["reason"], row["investor_category"]) == (reason, category)
            assert row["updated_by"] == officer.label

    def test_a_token_nobody_recorded_is_claimed(self):
        newcomer = factories.UserFactory.create()
        body = {"assetId": 77, "network": "voi", "addresses": [wallet(1)]}
        response = client_for(newcomer).post(URL, body, format="json")
        assert response.status_code == 200
        token = Token.objects.get()
        assert (token.network, IssuerMember.objects.get().issuer_id) == (VOI, token.issuer_id)


class TestAllOrNothing:
    @pytest.mark.parametrize("how", [{}, {"mode": "All"}, {"mode": "all"}, {"query": "?mode=All"}])
    def test_one_bad_address_refuses_the_whole(self, send, how):
        send([wallet(1)])
        before, count = stored(), AuditEvent.objects.count()
        response = send([wallet(1), "ADDR2", wallet(3), mistyped(4)], reason="changed", **how)
        body = response.json()
        assert response.status_code == 400
        assert body["errorCode"] == "VALIDATION_ERROR"
        assert body["errorMessage"] == (
            "2 of 4 addresses cannot be listed, so none was; the first, at index 1: " + LENGTH
        )
        assert body["details"] == {"addresses.1": [LENGTH], "addresses.3": [CHECKSUM]}
        assert stored() == before
        assert AuditEvent.objects.count() == count + 1
        (event,) = event_bodies("whitelist.entry.write_failed")
        assert event["success"] is False

    def test_every_bad_address_is_named(self, send):
        bad = [mistyped(number) for number in range(2_000)]
        details = send([*bad, wallet(1)]).json()["details"]
        assert details == {f"addresses.{index}": [CHECKSUM] for index in range(2_000)}
        assert stored() == []

    def test_a_token_that_was_registered_for_nothing_is_not(self):
        newcomer = factories.UserFactory.create()
        for mode in ("All", "Partial"):
            body = {"assetId": 77, "addresses": ["ADDR1"], "mode": mode}
            response = client_for(newcomer).post(URL, body, format="json")
            assert response.status_code == {"All": 400, "Partial": 200}[mode]
            assert Token.objects.count() == IssuerMember.objects.count() == 0

    def test_rules_of_the_network_refuse_too(self, issuer, owner):
        token = TokenFactory.create(issuer=issuer, network=ARAMID)
        verified = {"kyc_verified": True, "kyc_provider": "Sumsub"}
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), **verified)
        body = {"assetId": token.asset_id, "addresses": [wallet(1), wallet(2)], "reason": "x"}
        response = client_for(owner).post(URL, body, format="json")
        message = (
            "Aramid network requires KYC verification for Active whitelist entries. "
            f"Address: {wallet(2)}"
        )
        assert response.status_code == 400
        assert response.json()["errorCode"] == "NETWORK_RULE_VIOLATION"
        assert response.json()["details"] == {"addresses.1": [message]}
        assert [row["reason"] for row in stored()] == [None]
        partial = client_for(owner).post(URL, {**body, "mode": "Partial"}, format="json").json()
        assert [one["address"] for one in partial["successfulEntries"]] == [wallet(1)]
        assert partial["errors"] == [{"index": 1, "address": wallet(2), "messages": [message]}]

    def test_entries_and_events_stand_or_fall_together(self, send, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError("no event")

        monkeypatch.setattr("whitelist.services.bulk.record_events", broken)
        assert send([wallet(1), wallet(2)]).status_code == 500
        assert stored() == []


class TestPartial:
    @pytest.mark.parametrize("how", [{"mode": "Partial"}, {"mode": 1}, {"query": "?mode=partial"}])
    def test_the_good_ones_are_kept_and_the_others_named(self, send, how):
        response = send(["ADDR0", wallet(1), mistyped(2), wallet(3), ""], **how)
        body = response.json()
        assert response.status_code == 200
        assert listed() == {wallet(1), wallet(3)}
        assert [one["address"] for one in body["successfulEntries"]] == [wallet(1), wallet(3)]
        assert (body["success"], body["successCount"], body["failedCount"]) == (True, 2, 3)
        assert body["failedAddresses"] == ["ADDR0", mistyped(2), ""]
        assert body["validationErrors"] == [
            f"ADDR0: {LENGTH}",
            f"{mistyped(2)}: {CHECKSUM}",
            f": {LENGTH}",
        ]
        assert body["errors"] == [
            {"index": 0, "address": "ADDR0", "messages": [LENGTH]},
            {"index": 2, "address": mistyped(2), "messages": [CHECKSUM]},
            {"index": 4, "address": "", "messages": [LENGTH]},
        ]
        assert len(event_bodies(CREATED)) == 2

    def test_none_that_can_be_listed_writes_nothing(self, send):
        count = AuditEvent.objects.count()
        body = send(["ADDR0", mistyped(1)], mode="Partial").json()
        assert (body["successCount"], body["failedCount"]) == (0, 2)
        assert stored() == []
        assert AuditEvent.objects.count() == count

    def test_a_long_text_is_shown_short(self, send):
        body = send(["x" * 5_000, wallet(1)], mode="Partial").json()
        assert body["failedAddresses"] == ["x" * 100]
        assert listed() == {wallet(1)}

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            ({"status": "Expired"}, "status"),
            ({"jurisdictionCode": "DEU"}, "jurisdictionCode"),
            ({"jurisdictionCode": "D1"}, "jurisdictionCode"),
            ({"mode": "Some"}, "mode"),
            ({"mode": 2}, "mode"),
            ({"role": "Operator"}, "role"),
            ({"address": wallet(1)}, "address"),
        ],
    )
    def test_what_is_wrong_for_all_is_wrong(self, send, content, field):
        response = send([wallet(1)], **{"mode": "Partial", **content})
        assert response.status_code == 400
        assert list(response.json()["details"]) == [field]
        assert stored() == []

    def test_the_mode_is_said_once(self, send):
        response = send([wallet(1)], query="?mode=Partial", mode="Partial")
        assert list(response.json()["details"]) == ["mode"]
        assert stored() == []


class TestDuplicates:
    def test_each_is_listed_once_and_reported_once(self, send):
        spellings = [wallet(1), wallet(2), wallet(1).lower(), f" {wallet(1)}", wallet(2)]
        body = send(spellings).json()
        assert [one["address"] for one in body["successfulEntries"]] == [wallet(1), wallet(2)]
        assert (body["successCount"], body["createdCount"], body["failedCount"]) == (2, 2, 0)
        assert body["duplicates"] == [
            {"address": wallet(1), "indexes": [0, 2, 3]},
            {"address": wallet(2), "indexes": [1, 4]},
        ]
        assert len(event_bodies(CREATED)) == 2

    def test_a_bad_one_fails_once(self, send):
        body = send(["ADDR", wallet(1), " ADDR"], mode="Partial").json()
        assert body["failedAddresses"] == ["ADDR"]
        assert [one["index"] for one in body["errors"]] == [0]
        assert body["duplicates"] == [{"address": "ADDR", "indexes": [0, 2]}]


class TestSize:
    def test_ten_thousand_at_once_at_the_cost_of_one(self, owner, issuer):
        costs = {}
        for number in (1, 100, MAX_ADDRESSES):
            token = TokenFactory.create(issuer=issuer)
            addresses = [wallet(index) for index in range(number)]
            body = {"assetId": token.asset_id, "network": VOI, "addresses": addresses}
            for step, content, wanted in (
                ("new", SEED, "createdCount"),
                ("same", SEED, "unchangedCount"),
                ("changed", {"status": "Inactive"}, "updatedCount"),
            ):
                client, before = client_for(owner), AuditEvent.objects.count()
                with CaptureQueriesContext(connection) as queries:
                    response = client.post(URL, {**body, **content}, format="json")
                assert response.status_code == 200, response.content[:500]
                answer = response.json()
                assert answer["successCount"] == answer[wanted] == number
                assert len({one["id"] for one in answer["successfulEntries"]}) == number
                written = 0 if step == "same" else number
                assert AuditEvent.objects.count() == before + written
                sent = [query["sql"] for query in queries.captured_queries]
                counted = [one for one in sent if "SAVEPOINT" not in one]
                costs[step, number] = len(counted)
            assert WhitelistEntry.objects.filter(token=token, status="Inactive").count() == number
        assert {costs["same", number] for number in (1, 100, MAX_ADDRESSES)} == {6}
        assert costs["new", 1] == 11  # the token's status is made
        assert costs["changed", 1] == 10
        if connection.vendor == "postgresql":  # SQLite takes so many parameters at a time
            assert {costs["new", number] for number in (100, MAX_ADDRESSES)} == {11}
            assert {costs["changed", number] for number in (100, MAX_ADDRESSES)} == {10}

    def test_one_more_is_refused(self, send):
        response = send([wallet(1)] * (MAX_ADDRESSES + 1))
        assert response.status_code == 400
        assert list(response.json()["details"]) == ["addresses"]
        assert stored() == []

    def test_none_is_refused(self, send, owner, token):
        assert list(send([]).json()["details"]) == ["addresses"]
        for addresses in ([], [wallet(1)] * (MAX_ADDRESSES + 1)):
            with pytest.raises(ValidationFailed):
                whitelist_bulk_write(
                    actor=owner,
                    asset_id=token.asset_id,
                    network=None,
                    addresses=addresses,
                    content={},
                )

    def test_a_body_of_a_million_bytes_is_too_large(self, send):
        response = send(["x" * 100] * MAX_ADDRESSES)
        assert response.status_code == 413
        assert response.json()["errorCode"] == "PAYLOAD_TOO_LARGE"
        assert stored() == []

    @pytest.mark.parametrize("bad", [1, None, ["x"], {"a": 1}, True, "a\x00b"])
    def test_what_is_no_text_is_a_malformed_request(self, send, bad):
        response = send([wallet(1), bad], mode="Partial")
        assert response.status_code == 400
        assert list(response.json()["details"]) == ["addresses.1"]
        assert stored() == []


class TestService:
    """Each address with its own content, as an import has it."""

    def wanted(self, *rows):
        return [WantedEntry(index, *row) for index, row in enumerate(rows)]

    def test_each_has_its_own_content(self, owner, token):
        outcome = whitelist_entries_upsert(
            actor=owner,
            token=token,
            wanted=self.wanted(
                (wallet(1), {"reason": "one"}),
                (wallet(2), {"status": "Revoked", "kyc_verified": True}),
                (wallet(3), {"status": "Nonsense"}),
                ("nonsense", {}),
                (wallet(1), {"reason": "other"}),
                (wallet(2), {"status": "Revoked", "kyc_verified": True}),
            ),
        )
        assert [one.address for one in outcome.entries] == [wallet(1), wallet(2)]
        assert [(one.index, list(one.problem.details)) for one in outcome.refused] == [
            (2, ["status"]),
            (3, ["address"]),
            (4, ["address"]),
        ]
        rows = {row["address"]: row for row in stored()}
        assert rows[wallet(1)]["reason"] == "one"
        assert (rows[wallet(2)]["status"], rows[wallet(2)]["kyc_verified"]) == ("Revoked", True)
        assert len(rows) == 2

    def test_a_change_touches_its_own_fields_alone(self, owner, officer, token):
        for number in (1, 2):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(number), reason="first")
        created = {row["address"]: row["created_at"] for row in stored()}
        outcome = whitelist_entries_upsert(
            actor=officer,
            token=token,
            wanted=self.wanted((wallet(1), {"status": "Inactive"}), (wallet(2), {"reason": "b"})),
        )
        assert outcome.updated == 2
        rows = [
            (row["status"], row["reason"], row["created_by"], row["updated_by"], row["created_at"])
            for row in sorted(stored(), key=lambda row: row["reason"])
        ]
        assert rows == [
            ("Active", "b", owner.label, officer.label, created[wallet(2)]),
            ("Inactive", "first", owner.label, officer.label, created[wallet(1)]),
        ]

    def test_a_dry_run_says_what_would_be_and_writes_nothing(self, owner, token):
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
        before, count = stored(), AuditEvent.objects.count()
        outcome = whitelist_entries_upsert(
            actor=owner,
            token=token,
            wanted=self.wanted((wallet(1), {"reason": "x"}), (wallet(2), {}), ("x", {})),
            dry_run=True,
        )
        assert (outcome.created, outcome.updated, len(outcome.refused)) == (1, 1, 1)
        assert stored() == before
        assert AuditEvent.objects.count() == count

    @pytest.mark.parametrize("persona", ["member", "outsider", "auditor"])
    def test_who_may_not_write(self, request, token, persona):
        with pytest.raises(PermissionRefused):
            whitelist_entries_upsert(
                actor=request.getfixturevalue(persona),
                token=token,
                wanted=self.wanted((wallet(1), {})),
            )
        assert stored() == []


GOOD = st.integers(0, 12).map(wallet)
SPELLED = GOOD.flatmap(lambda one: st.sampled_from([one, one.lower(), f" {one}\t"]))
BAD = st.one_of(
    st.integers(0, 12).map(mistyped),
    st.text(alphabet=st.characters(codec="ascii", exclude_characters="\x00"), max_size=70),
    st.just("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
)
MIXES = st.lists(st.one_of(SPELLED, SPELLED, BAD), min_size=1, max_size=30)


@given(
    mix=MIXES,
    already=st.sets(st.integers(0, 12)),
    status=st.sampled_from(["Active", "Inactive", None]),
    partial=st.booleans(),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_mix_is_listed_whole_or_not_at_all(owner, token, mix, already, status, partial):
    with undone():
        for number in sorted(already):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(number), reason="was")
        before, count = stored(), AuditEvent.objects.count()
        known = {wallet(number) for number in range(13)}
        good = {one.strip().upper() for one in mix} & known
        bad = {one.strip() for one in mix if one.strip().upper() not in known}
        content = {} if status is None else {"status": status}
        call = {
            "actor": owner,
            "asset_id": token.asset_id,
            "network": VOI,
            "addresses": mix,
            "content": content,
            "mode": "Partial" if partial else "All",
        }
        if bad and not partial:
            with pytest.raises(ValidationFailed) as refusal:
                whitelist_bulk_write(**call)
            named = {int(name.removeprefix("addresses.")) for name in refusal.value.details}
            assert {mix[index].strip() for index in named} == bad
            assert len(named) == len(bad)
            assert stored() == before
            assert AuditEvent.objects.count() == count
            return
        outcome = whitelist_bulk_write(**call)
        assert {one.address for one in outcome.entries} == good
        assert {one.address.strip() for one in outcome.refused} == bad
        assert (
            len(outcome.entries)
            == len(good)
            == sum((outcome.created, outcome.updated, outcome.unchanged))
        )
        rows = {row["address"]: row for row in stored()}
        old = {row["address"]: row for row in before}
        assert rows.keys() == old.keys() | good
        changed = set()
        for address, row in rows.items():
            expected = status or "Active" if address in good else old[address]["status"]
            assert row["status"] == expected
            assert row["reason"] == ("was" if address in old else None)
            if row != old.get(address):
                changed.add(address)
        assert changed <= good
        assert AuditEvent.objects.count() == count + len(changed)
        assert outcome.created == len(rows.keys() - old.keys())


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_bulks_that_overlap_wait_for_one_another(owner, officer, token):
    """The same addresses in opposite orders, with single writes and a removal between them."""
    from whitelist.services.entries import whitelist_entry_remove

    numbers = list(range(60))
    orders = [numbers, numbers[::-1], numbers[30:] + numbers[:30], numbers[::-2] + numbers[::2]]
    together = threading.Barrier(len(orders) * 2 + 2)
    problems = []

    def bulk(number, status):
        write(
            lambda: whitelist_bulk_write(
                actor=(owner, officer)[number % 2],
                asset_id=token.asset_id,
                network=VOI,
                addresses=[wallet(one) for one in orders[number]],
                content={"status": status, "reason": f"{number} {status}"},
            )
        )

    def write(call):
        try:
            together.wait(timeout=30)
            call()
        except OperationalError as problem:
            problems.append(problem)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(orders) * 2 + 2) as pool:
        done = [
            pool.submit(bulk, number, status)
            for number in range(len(orders))
            for status in ("Active", "Inactive")
        ]
        done.append(
            pool.submit(
                write,
                lambda: whitelist_entry_upsert(
                    actor=owner, token=token, address=wallet(99), status="Revoked"
                ),
            )
        )
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(98))
        done.append(
            pool.submit(
                write,
                lambda: whitelist_entry_remove(
                    actor=owner, asset_id=token.asset_id, network=VOI, address=wallet(98)
                ),
            )
        )
        for one in done:
            one.result()
    assert problems == []
    rows = {row["address"]: row for row in stored()}
    assert rows.keys() == {wallet(number) for number in (*numbers, 99)}
    # Each bulk was there whole: all entries are as the last one left them.
    assert len({rows[wallet(number)]["reason"] for number in numbers}) == 1
    created = [event["affectedAddress"] for event in event_bodies(CREATED)]
    assert sorted(created) == sorted(wallet(number) for number in (*numbers, 98, 99))
    by_address = {}
    for event in event_bodies(UPDATED):
        by_address.setdefault(event["affectedAddress"], []).append(event)
    # Seven of the eight changed what the one before had left, for every address alike.
    assert {len(events) for events in by_address.values()} == {7}


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_simultaneous_first_bulks_of_a_new_token_make_one(db):
    newcomer = factories.UserFactory.create()
    together = threading.Barrier(4)

    def write(number):
        try:
            together.wait(timeout=30)
            body = {"assetId": 77, "network": VOI, "addresses": [wallet(1), wallet(number)]}
            return client_for(newcomer).post(URL, body, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(2, 6))) == [200] * 4
    assert Token.objects.count() == IssuerMember.objects.count() == 1
    assert listed() == {wallet(number) for number in range(1, 6)}
    assert len(event_bodies(CREATED)) == 5
