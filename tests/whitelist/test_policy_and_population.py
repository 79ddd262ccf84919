"""The whitelist policy of a token, and what the rules are told of its whitelist."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from config.api.errors import PermissionRefused, ValidationFailed
from tests.factories import TokenFactory, wallet
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.selectors import PopulationEntry, WhitelistPopulation, whitelist_population
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db

CHANGED = "whitelist.policy.changed"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def token(issuer):
    return TokenFactory.create(issuer=issuer)


def test_setting_a_policy_says_who_and_when(owner, officer, token, events):
    first = whitelist_policy_set(actor=owner, token=token, enforcement="Optional")
    set_at = first.set_at
    whitelist_policy_set(actor=officer, token=token, enforcement="Mandatory")
    policy = WhitelistPolicy.objects.get()
    assert (policy.token, policy.enforcement, policy.set_by) == (token, "Mandatory", officer.label)
    assert policy.set_at > set_at
    before, after = events(CHANGED)
    assert (before["actor"], before["newStatus"]) == (owner.label, "Optional")
    assert "oldStatus" not in before
    assert (after["actor"], after["oldStatus"], after["newStatus"]) == (
        officer.label,
        "Optional",
        "Mandatory",
    )
    assert after["assetId"] == str(token.asset_id)
    assert after["network"] == token.network
    assert after["issuerId"] == str(token.issuer_id)


def test_setting_what_is_set_already_writes_nothing(owner, officer, token):
    whitelist_policy_set(actor=owner, token=token, enforcement="Off")
    before = list(WhitelistPolicy.objects.values())
    whitelist_policy_set(actor=officer, token=token, enforcement="Off")
    assert list(WhitelistPolicy.objects.values()) == before
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("persona", ["member", "outsider", "auditor"])
def test_who_may_not_set_a_policy(request, owner, token, persona):
    whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
    with pytest.raises(PermissionRefused):
        whitelist_policy_set(actor=request.getfixturevalue(persona), token=token, enforcement="Off")
    assert WhitelistPolicy.objects.get().enforcement == "Mandatory"
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("enforcement", ["mandatory", "", "Always"])
def test_an_unknown_enforcement_is_refused(owner, token, enforcement):
    with pytest.raises(ValidationFailed) as refusal:
        whitelist_policy_set(actor=owner, token=token, enforcement=enforcement)
    assert list(refusal.value.details) == ["enforcement"]
    assert WhitelistPolicy.objects.count() == 0
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize("enforcement", ["Mandatory", "Sometimes"])
def test_the_database_keeps_one_known_policy_a_token(owner, token, enforcement):
    if enforcement == "Mandatory":
        whitelist_policy_set(actor=owner, token=token, enforcement="Off")
    count = WhitelistPolicy.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        WhitelistPolicy.objects.create(token=token, enforcement=enforcement, set_by="somebody")
    assert WhitelistPolicy.objects.count() == count


def test_who_sees_policies(owner, member, outsider, officer, auditor, token):
    policy = whitelist_policy_set(actor=owner, token=token, enforcement="Off")
    for actor in (owner, member, officer, auditor):
        assert list(WhitelistPolicy.objects.visible_to(actor)) == [policy]
    assert list(WhitelistPolicy.objects.visible_to(outsider)) == []


def test_the_population_is_the_active_entries_by_address(owner, token):
    first, second, third, fourth = sorted(wallet(number) for number in range(4))
    whitelist_entry_upsert(
        actor=owner,
        token=token,
        address=second,
        kyc_verified=True,
        kyc_verification_date=NOW,
        expiration_date=NOW - timedelta(days=1),
        jurisdiction_code="DE",
    )
    whitelist_entry_upsert(actor=owner, token=token, address=first)
    whitelist_entry_upsert(actor=owner, token=token, address=third, status="Inactive")
    whitelist_entry_upsert(actor=owner, token=token, address=fourth, status="Revoked")
    other = TokenFactory.create(issuer=token.issuer)
    whitelist_entry_upsert(actor=owner, token=other, address=fourth)
    whitelist_policy_set(actor=owner, token=other, enforcement="Off")
    assert whitelist_population(token=token) == WhitelistPopulation(
        enforcement=None,
        entries=(
            PopulationEntry(first, False, None, None, None, "Active"),
            PopulationEntry(second, True, NOW, NOW - timedelta(days=1), "DE", "Active"),
        ),
    )


def test_the_population_names_the_policy(owner, token):
    whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
    assert whitelist_population(token=token) == WhitelistPopulation("Mandatory", ())


def test_the_population_takes_two_queries_whatever_its_size(
    owner, token, django_assert_num_queries
):
    whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
    WhitelistEntry.objects.bulk_create(
        WhitelistEntry(token=token, address=wallet(number), created_by="somebody")
        for number in range(300)
    )
    with django_assert_num_queries(2):
        population = whitelist_population(token=token)
    assert len(population.entries) == 300
