"""Reading the rules: what is in force, from a cache that is never older than the last commit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import psycopg
import pytest
import time_machine
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from config.api.errors import NotFound
from jurisdictions.models import FactDefinition, Jurisdiction, RulePack
from jurisdictions.selectors import (
    active_packs,
    fact_catalogue,
    jurisdiction_directory,
    pack_get,
)
from jurisdictions.services.lifecycle import pack_retire
from tests.jurisdictions import rules

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def versions(now: datetime = NOW) -> list[tuple[str, str]]:
    return [(pack.version, str(pack.status)) for pack in active_packs(now=now)]


def test_nothing_is_in_force_before_anything_was_loaded():
    assert active_packs(now=NOW) == ()
    assert dict(fact_catalogue().definitions) == {}
    assert dict(jurisdiction_directory().entries) == {}


def test_drafts_are_not_in_force():
    rules.load()
    assert active_packs(now=NOW) == ()


def test_each_call_costs_one_query_once_it_is_warm(
    django_assert_num_queries: DjangoAssertNumQueries,
):
    rules.load(rules.BASELINE)
    for read in (lambda: active_packs(now=NOW), fact_catalogue, jurisdiction_directory):
        first = read()
        with django_assert_num_queries(1):
            again = read()
        assert again == first
    assert active_packs(now=NOW)[0] is active_packs(now=NOW)[0]
    assert fact_catalogue() is fact_catalogue()


def test_an_activation_shows_in_the_next_call(officer: User, administrator: User):
    rules.load(rules.BASELINE)
    assert versions() == [("2026.11.1", "Active")]
    rules.activated(officer, administrator)
    # The old one ended yesterday, so it is not in force today, nor will it be.
    assert versions() == [("2026.11.2", "Active")]
    assert versions(datetime(2026, 11, 21, tzinfo=UTC)) == [
        ("2026.11.1", "Superseded"),
        ("2026.11.2", "Active"),
    ]


def test_a_retired_pack_is_gone_from_the_next_call(administrator: User):
    pack = rules.baseline()
    assert versions() == [("2026.11.1", "Active")]
    pack_retire(actor=administrator, pack=pack, reason="Repealed.")
    assert active_packs(now=NOW) == ()


def test_what_a_rollback_took_back_is_not_served(officer: User, administrator: User):
    pack = rules.reviewed(officer)
    assert versions() == [("2026.11.1", "Active")]
    for _ in range(2):
        # Twice: a counter would come to the same number again.
        with transaction.atomic():
            rules.activate(actor=administrator, pack=pack)
            assert versions() == [("2026.11.2", "Active")]
            transaction.set_rollback(True)
        assert versions() == [("2026.11.1", "Active")]


def test_facts_and_jurisdictions_follow_any_write():
    rules.load()
    assert "issuer.legalName" in fact_catalogue()
    assert jurisdiction_directory().spellings["UK"] == "GB"
    FactDefinition.objects.filter(path="issuer.legalName").delete()
    Jurisdiction.objects.filter(code="GB").update(aliases=["BRITAIN"])
    assert "issuer.legalName" not in fact_catalogue()
    assert "UK" not in jurisdiction_directory().spellings
    assert jurisdiction_directory().spellings["BRITAIN"] == "GB"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_another_process_commits_shows_in_the_next_call():
    rules.load(rules.BASELINE)
    assert versions() == [("2026.11.1", "Active")]
    settings = connection.settings_dict
    other = psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    )
    with other, other.cursor() as cursor:
        cursor.execute("UPDATE jurisdictions_rulepack SET status = 'Retired'")
        assert versions() == [("2026.11.1", "Active")]  # not committed yet
        other.commit()
        assert active_packs(now=NOW) == ()
    other.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_readers_in_threads_see_one_whole_state_or_the_other(officer: User, administrator: User):
    pack = rules.reviewed(officer)
    seen: set[tuple[tuple[str, str], ...]] = set()

    def read() -> None:
        for _ in range(50):
            seen.add(tuple(versions()))
        connection.close()

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    rules.activate(actor=administrator, pack=pack)
    for thread in threads:
        thread.join()
    assert seen <= {(("2026.11.1", "Active"),), (("2026.11.2", "Active"),)}
    assert versions() == [("2026.11.2", "Active")]


def test_a_version_is_found_by_number_or_as_the_active_or_newest(officer: User):
    copy = rules.draft(officer)
    assert pack_get(pack_id=rules.BASELINE).version == "2026.11.1"
    assert pack_get(pack_id=rules.BASELINE, version=copy.version) == copy
    RulePack.objects.filter(status="Active").update(status="Retired")
    assert pack_get(pack_id=rules.BASELINE) == copy
    with pytest.raises(NotFound, match=r"There is no rule pack global-baseline 2020.01.1\."):
        pack_get(pack_id=rules.BASELINE, version="2020.01.1")
    with pytest.raises(NotFound, match=r"There is no rule pack other\."):
        pack_get(pack_id="other")
