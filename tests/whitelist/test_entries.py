"""Putting addresses on a whitelist: who may, what is stored, and what is remembered."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from audit.models import AuditEvent
from config.api.errors import PermissionRefused, ValidationFailed
from tests import factories
from tests.factories import TokenFactory, wallet
from whitelist.models import WhitelistEntry
from whitelist.services.entries import whitelist_entry_upsert

pytestmark = pytest.mark.django_db

EVM_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CREATED, UPDATED = "whitelist.entry.created", "whitelist.entry.updated"
FIRST = datetime(2026, 1, 15, tzinfo=UTC)
LATER = datetime(2027, 1, 21, tzinfo=UTC)


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


def stored():
    return list(WhitelistEntry.objects.order_by("address").values())


def test_an_entry_stores_every_field(owner, token):
    entry = whitelist_entry_upsert(
        actor=owner,
        token=token,
        address=wallet(1),
        status="Inactive",
        reason="KYC verified via Sumsub",
        expiration_date=LATER,
        kyc_verified=True,
        kyc_verification_date=FIRST,
        kyc_provider="Sumsub",
        investor_category="AccreditedInvestor",
        jurisdiction_code=" us-ny ",
    )
    row = stored()[0]
    created_at = row.pop("created_at")
    assert created_at == entry.created_at
    assert row == {
        "id": entry.pk,
        "token_id": token.pk,
        "address": wallet(1),
        "status": "Inactive",
        "reason": "KYC verified via Sumsub",
        "expiration_date": LATER,
        "kyc_verified": True,
        "kyc_verification_date": FIRST,
        "kyc_provider": "Sumsub",
        "investor_category": "AccreditedInvestor",
        "jurisdiction_code": "US-NY",
        "created_by": owner.label,
        "updated_by": None,
        "updated_at": None,
        "role": "Admin",
    }


def test_an_entry_without_more_is_active_and_states_nothing(owner, token):
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
    row = stored()[0]
    assert row["status"] == "Active"
    assert row["kyc_verified"] is False
    for name in (
        "reason",
        "expiration_date",
        "kyc_verification_date",
        "kyc_provider",
        "investor_category",
        "jurisdiction_code",
    ):
        assert row[name] is None


def test_a_new_entry_is_one_event(owner, token, events):
    whitelist_entry_upsert(
        actor=owner, token=token, address=wallet(1), reason="Known to us", kyc_verified=True
    )
    assert AuditEvent.objects.count() == 1
    (event,) = events(CREATED)
    assert event["actor"] == owner.label
    assert event["actorId"] == str(owner.pk)
    assert event["network"] == token.network
    assert event["assetId"] == str(token.asset_id)
    assert event["issuerId"] == str(token.issuer_id)
    assert event["affectedAddress"] == wallet(1)
    assert event["newStatus"] == "Active"
    assert "oldStatus" not in event
    assert event["details"] == {"fields": ["kyc_verified", "reason"], "role": "Admin"}
    assert "Known to us" not in AuditEvent.objects.get().body


def test_an_update_changes_the_given_fields_alone(owner, officer, token, events):
    first = whitelist_entry_upsert(
        actor=owner, token=token, address=wallet(1), reason="First", kyc_provider="Onfido"
    )
    second = whitelist_entry_upsert(
        actor=officer, token=token, address=wallet(1), status="Revoked", reason=None
    )
    assert second.pk == first.pk
    row = stored()[0]
    assert (row["status"], row["reason"], row["kyc_provider"]) == ("Revoked", None, "Onfido")
    assert (row["created_by"], row["updated_by"]) == (owner.label, officer.label)
    assert row["updated_at"] > row["created_at"]
    (event,) = events(UPDATED)
    assert event["actor"] == officer.label
    assert (event["oldStatus"], event["newStatus"]) == ("Active", "Revoked")
    assert event["affectedAddress"] == wallet(1)
    assert event["details"] == {"fields": ["reason", "status"], "role": "Admin"}


def test_none_clears_each_field_to_its_default(owner, token):
    whitelist_entry_upsert(
        actor=owner,
        token=token,
        address=wallet(1),
        status="Revoked",
        kyc_verified=True,
        expiration_date=LATER,
        investor_category="Institutional",
    )
    whitelist_entry_upsert(
        actor=owner,
        token=token,
        address=wallet(1),
        status=None,
        kyc_verified=None,
        expiration_date=None,
        investor_category="",
    )
    row = stored()[0]
    assert row["status"] == "Active"
    assert row["kyc_verified"] is False
    assert row["expiration_date"] is None
    assert row["investor_category"] is None


def test_an_upsert_that_changes_nothing_writes_nothing(owner, officer, token):
    content = {"reason": "Same", "kyc_verified": True, "expiration_date": LATER}
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), **content)
    before, count = stored(), AuditEvent.objects.count()
    whitelist_entry_upsert(actor=officer, token=token, address=wallet(1), **content)
    whitelist_entry_upsert(actor=officer, token=token, address=wallet(1))
    assert stored() == before
    assert AuditEvent.objects.count() == count == 1


@pytest.mark.parametrize(
    ("network", "typed", "canonical"),
    [
        ("voimain-v1.0", f"  {wallet(1).lower()}\n", wallet(1)),
        ("base-mainnet", EVM_ADDRESS.lower(), EVM_ADDRESS),
        ("base-mainnet", "0x" + EVM_ADDRESS[2:].upper(), EVM_ADDRESS),
        ("cardano", " addr1xyz ", "addr1xyz"),
        ("", wallet(1).lower(), wallet(1)),
        ("", EVM_ADDRESS.lower(), EVM_ADDRESS),
    ],
)
def test_one_address_has_one_entry_in_whatever_spelling(owner, issuer, network, typed, canonical):
    token = TokenFactory.create(issuer=issuer, network=network)
    first = whitelist_entry_upsert(actor=owner, token=token, address=typed)
    second = whitelist_entry_upsert(actor=owner, token=token, address=canonical)
    assert first.address == canonical
    assert second.pk == first.pk
    assert WhitelistEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("voimain-v1.0", wallet(1)[:-1] + ("A" if wallet(1)[-1] != "A" else "B")),
        ("voimain-v1.0", EVM_ADDRESS),
        ("base-mainnet", wallet(1)),
        ("base-mainnet", "0x" + EVM_ADDRESS[2:].swapcase()),
        ("", "ADDR1"),
        ("", "0x1234"),
        ("cardano", "   "),
        ("cardano", "a" * 101),
        ("cardano", "addr\x00"),
    ],
)
def test_an_address_that_is_none_on_the_network_is_refused(owner, issuer, network, address):
    token = TokenFactory.create(issuer=issuer, network=network)
    with pytest.raises(ValidationFailed) as refusal:
        whitelist_entry_upsert(actor=owner, token=token, address=address)
    assert list(refusal.value.details) == ["address"]
    assert WhitelistEntry.objects.count() == 0
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"status": "Expired"}, "status"),
        ({"investor_category": "Whale"}, "investorCategory"),
        ({"jurisdiction_code": "Germany"}, "jurisdictionCode"),
        ({"jurisdiction_code": "D1"}, "jurisdictionCode"),
        ({"reason": "x" * 501}, "reason"),
        ({"kyc_provider": "x" * 201}, "kycProvider"),
    ],
)
def test_content_that_is_wrong_is_refused(owner, token, content, field):
    entry = whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), reason="Before")
    before, count = stored(), AuditEvent.objects.count()
    with pytest.raises(ValidationFailed) as refusal:
        whitelist_entry_upsert(actor=owner, token=token, address=entry.address, **content)
    assert list(refusal.value.details) == [field]
    assert stored() == before
    assert AuditEvent.objects.count() == count


def test_every_problem_of_the_content_is_named(owner, token):
    with pytest.raises(ValidationFailed) as refusal:
        whitelist_entry_upsert(
            actor=owner, token=token, address=wallet(1), status="?", jurisdiction_code="?"
        )
    assert set(refusal.value.details) == {"status", "jurisdictionCode"}


@pytest.mark.parametrize(
    ("persona", "allowed"),
    [
        ("owner", True),
        ("operator", True),
        ("officer", True),
        ("administrator", True),
        ("member", False),
        ("outsider", False),
        ("auditor", False),
    ],
)
def test_who_may_write(request, issuer, token, persona, allowed):
    actor = (
        factories.member_of(issuer, "Operator")
        if persona == "operator"
        else request.getfixturevalue(persona)
    )
    if allowed:
        whitelist_entry_upsert(actor=actor, token=token, address=wallet(1))
        assert WhitelistEntry.objects.get().created_by == actor.label
        return
    with pytest.raises(PermissionRefused):
        whitelist_entry_upsert(actor=actor, token=token, address=wallet(1))
    assert WhitelistEntry.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_who_sees_entries(issuer, owner, member, outsider, officer, auditor, token):
    mine = whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
    other = whitelist_entry_upsert(actor=officer, token=TokenFactory.create(), address=wallet(2))

    def seen(actor):
        return set(WhitelistEntry.objects.visible_to(actor).values_list("pk", flat=True))

    assert seen(owner) == seen(member) == {mine.pk}
    assert seen(outsider) == set()
    assert seen(officer) == seen(auditor) == {mine.pk, other.pk}


def test_an_entry_and_its_event_stand_or_fall_together(owner, token, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no event")

    monkeypatch.setattr("whitelist.services.bulk.record_events", broken)
    with pytest.raises(RuntimeError):
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
    assert WhitelistEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("expires", "expired"),
    [
        (None, False),
        (datetime(2026, 6, 1, 12, 0, 0, 1, tzinfo=UTC), False),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), True),
        (datetime(2026, 6, 1, 11, 59, tzinfo=UTC), True),
    ],
)
def test_expiry_is_computed_from_the_moment(expires, expired):
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert WhitelistEntry(expiration_date=expires).is_expired(now) is expired


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": wallet(1)},
        {"address": wallet(2), "status": "Expired"},
        {"address": wallet(2), "investor_category": "Whale"},
        {"address": ""},
    ],
)
def test_the_database_refuses(owner, token, wrong):
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        WhitelistEntry.objects.create(token=token, created_by="somebody", **wrong)
    assert WhitelistEntry.objects.count() == 1


def test_a_token_with_a_whitelist_stays(owner, token):
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1))
    with pytest.raises(ProtectedError):
        token.delete()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_simultaneous_upserts_of_one_address_follow_one_another(owner, token):
    writers = 12
    together = threading.Barrier(writers)

    def write(number):
        try:
            together.wait(timeout=30)
            status = ("Active", "Inactive", "Revoked")[number % 3]
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), status=status)
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    rows = AuditEvent.objects.filter(name__in=(CREATED, UPDATED)).order_by("seq")
    bodies = [json.loads(row.body) for row in rows]
    assert AuditEvent.objects.filter(name=CREATED).count() == 1
    assert "oldStatus" not in bodies[0]
    for earlier, later in pairwise(bodies):
        assert later["oldStatus"] == earlier["newStatus"] != later["newStatus"]
    assert WhitelistEntry.objects.get().status == bodies[-1]["newStatus"]
