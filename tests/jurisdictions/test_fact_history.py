"""The history of facts: who recorded which value when, for those who see the facts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Issuer, Token, User
from jurisdictions.models import FactValue
from jurisdictions.services.facts import facts_record, issuer_facts_record
from tests import factories
from tests.contract.world import assert_envelope
from tests.factories import ARAMID, VOI, client_for
from tests.jurisdictions import rules

pytestmark = pytest.mark.django_db
ASSET = 50001
PATH = f"/api/v1/compliance/{ASSET}/facts/history"
DAYS = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (1, 2, 3, 4)]


@pytest.fixture
def token(issuer: Issuer) -> Token:
    rules.load()
    return factories.TokenFactory.create(asset_id=ASSET, network=VOI, issuer=issuer)


@pytest.fixture
def recorded(token: Token, owner: User, officer: User) -> list[tuple[str, Any, str, datetime]]:
    """Four days of changes: path, value, by whom and when, the last first."""
    changes = [
        ("token.isin", "A", owner, DAYS[0]),
        ("token.holderCount", 5, owner, DAYS[1]),
        ("token.isin", "B", officer, DAYS[2]),
        ("token.isin", None, owner, DAYS[3]),
    ]
    for path, value, actor, moment in changes:
        with time_machine.travel(moment, tick=False):
            facts_record(actor=actor, asset_id=ASSET, network=VOI, facts={path: value})
    return [(path, value, actor.label, moment) for path, value, actor, moment in changes[::-1]]


def history(user: User, url: str = PATH, /, **query: Any) -> dict[str, Any]:
    response = client_for(user).get(url, query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def shown(answer: dict[str, Any]) -> list[tuple[str, Any, str, datetime]]:
    for one in answer["facts"]:
        assert set(one) == {"path", "value", "recordedBy", "recordedAt"}
    return [
        (one["path"], one["value"], one["recordedBy"], datetime.fromisoformat(one["recordedAt"]))
        for one in answer["facts"]
    ]


def test_every_value_with_who_recorded_it_when(recorded: Any, owner: User) -> None:
    answer = history(owner)
    assert shown(answer) == recorded
    assert (answer["totalCount"], answer["nextCursor"]) == (4, None)


def test_by_path_and_by_day(recorded: Any, owner: User) -> None:
    assert shown(history(owner, path="TOKEN.isin")) == [recorded[0], recorded[1], recorded[3]]
    assert shown(history(owner, path="token")) == []
    assert shown(history(owner, fromDate="2026-11-02", toDate="2026-11-03")) == recorded[1:3]
    assert shown(history(owner, toDate="2026-11-01T12:00:00Z")) == recorded[3:]
    assert shown(history(owner, toDate="2026-11-01T11:59:59Z")) == []
    assert shown(history(owner, path="token.isin", fromDate="2026-11-04")) == recorded[:1]


def test_a_page_at_a_time(token: Token, recorded: Any, owner: User) -> None:
    first = history(owner, pageSize=3)
    assert shown(first) == recorded[:3]
    # What is recorded meanwhile moves nothing on the pages after.
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts={"token.isin": "C"})
    rest = history(owner, pageSize=3, cursor=first["nextCursor"])
    assert (shown(rest), rest["nextCursor"]) == (recorded[3:], None)
    assert shown(history(owner, pageSize=3, page=2))[-1] == recorded[3]


def test_values_of_one_moment_are_all_paged(token: Token, owner: User) -> None:
    facts = {"token.isin": "A", "token.holderCount": 3, "token.lastMaterialChangeAt": "2026-01-01"}
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts=facts)
    seen, cursor = [], None
    for _ in facts:
        answer = history(owner, pageSize=1, **({"cursor": cursor} if cursor else {}))
        seen += [one["path"] for one in answer["facts"]]
        cursor = answer["nextCursor"]
    assert (sorted(seen), cursor) == (sorted(facts), None)


def test_of_an_issuer_and_of_it_alone(token: Token, issuer: Issuer, owner: User) -> None:
    path = f"/api/v1/issuers/{issuer.pk}/facts/history"
    for value in ("https://a.test", None):
        issuer_facts_record(actor=owner, issuer_id=issuer.pk, facts={"issuer.website": value})
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts={"token.isin": "A"})
    other = factories.IssuerFactory.create()
    FactValue.objects.create(issuer=other, path="issuer.website", value="https://b.test")
    assert [one[1] for one in shown(history(owner, path))] == [None, "https://a.test"]
    assert [one[1] for one in shown(history(owner))] == ["A"]
    assert shown(history(owner, path, path="issuer.website", toDate="2020-01-01")) == []


def test_who_sees_the_facts_sees_their_history(
    recorded: Any,
    issuer: Issuer,
    owner: User,
    member: User,
    officer: User,
    auditor: User,
    administrator: User,
    outsider: User,
) -> None:
    paths = (PATH, f"/api/v1/issuers/{issuer.pk}/facts/history")
    for path in paths:
        for user in (owner, member, officer, auditor, administrator):
            assert client_for(user).get(path).status_code == 200
        assert_envelope(client_for(outsider).get(path), 404)
        assert_envelope(client_for(None).get(path), 401)


def test_an_asset_on_two_networks_has_to_be_named(recorded: Any, owner: User) -> None:
    factories.TokenFactory.create(network=ARAMID, asset_id=ASSET)
    assert_envelope(client_for(owner).get(PATH), 409)
    assert shown(history(owner, network="voimain")) == recorded


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("fromDate=soon", "fromDate"),
        ("toDate=2026-13-01", "toDate"),
        ("fromDate=2026-11-02&toDate=2026-11-01", "toDate"),
        ("path=a%00b", "path"),
        (f"path={'a' * 101}", "path"),
        ("path=a&path=b", "path"),
        ("value=A", "value"),
        ("network=no%20such", "network"),
        ("pageSize=0", "pageSize"),
        ("pageSize=101", "pageSize"),
        ("page=1e3", "page"),
        ("cursor=x", "cursor"),
        ("cursor=WyIyMDI2LTExLTAxVDAwOjAwOjAwWiIsIDkyMjMzNzIwMzY4NTQ3NzU4MDhd", "cursor"),
    ],
)
def test_what_is_wrong_is_named(recorded: Any, owner: User, query: str, name: str) -> None:
    body = assert_envelope(client_for(owner).get(f"{PATH}?{query}"), 400)
    assert list(body["details"]) == [name]


def test_an_issuer_has_no_network(issuer: Issuer, owner: User) -> None:
    path = f"/api/v1/issuers/{issuer.pk}/facts/history?network=voimain"
    assert list(assert_envelope(client_for(owner).get(path), 400)["details"]) == ["network"]


def test_it_costs_the_same_with_many_values(token: Token, owner: User) -> None:
    facts_record(actor=owner, asset_id=ASSET, network=VOI, facts={"token.isin": "A"})
    client = client_for(owner)
    with CaptureQueriesContext(connection) as few:
        client.get(PATH)
    FactValue.objects.bulk_create(
        FactValue(token=token, path="token.holderCount", value=one, recorded_by="x")
        for one in range(60)
    )
    with CaptureQueriesContext(connection) as many:
        answer = client.get(PATH, {"pageSize": 60}).json()
    assert (len(answer["facts"]), answer["totalCount"]) == (60, 61)
    assert len(many) == len(few)


def test_nothing_is_recorded_or_changed_by_reading(recorded: Any, owner: User) -> None:
    before = list(FactValue.objects.order_by("pk").values())
    with time_machine.travel(DAYS[3] + timedelta(days=1)):
        history(owner)
    assert list(FactValue.objects.order_by("pk").values()) == before
