"""Limits: per principal, else per address; 429 with `Retry-After`; nothing happens beyond them."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.contract.world import (
    ASSET,
    EMAIL,
    PASSWORD,
    Ask,
    World,
    assert_envelope,
    contents,
    make_world,
)
from tests.factories import VOI, event_bodies

pytestmark = pytest.mark.django_db
LOGIN = Ask("POST", "auth/login", {"email": EMAIL, "password": PASSWORD})


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def _limited(response: Any) -> None:
    body = assert_envelope(response, 429)
    assert body["errorCode"] == "RATE_LIMITED"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_ordinary_requests_are_counted_per_principal(world: World, settings: Settings) -> None:
    settings.RATE_LIMIT_ORDINARY = "3/min"
    ask = Ask("GET", f"compliance/{ASSET}")
    owner = world.client("owner")
    assert [ask.send(owner).status_code for _ in range(3)] == [200, 200, 200]
    before = contents(events=True)
    _limited(ask.send(owner))
    _limited(Ask("POST", "compliance", {"assetId": 5}).send(owner))
    _limited(ask.send(owner, REMOTE_ADDR="10.0.0.9"))  # the same person elsewhere
    assert contents(events=True) == before
    assert ask.send(world.client("auditor")).status_code == 200


def test_without_a_principal_the_address_counts(world: World, settings: Settings) -> None:
    settings.RATE_LIMIT_ORDINARY = "2/min"
    ask, nobody = Ask("GET", "compliance"), world.client("anonymous")
    forged = {"HTTP_AUTHORIZATION": "Bearer a.b.c"}
    assert_envelope(ask.send(nobody), 401)
    assert_envelope(ask.send(nobody, **forged), 401)
    before = contents(events=True)
    for extra in ({}, forged):
        _limited(ask.send(nobody, **extra))
    assert contents(events=True) == before  # a flood leaves no flood of events
    assert_envelope(ask.send(nobody, REMOTE_ADDR="10.0.0.9"), 401)
    assert Ask("GET", f"compliance/{ASSET}").send(world.client("owner")).status_code == 200


EXPORTS: list[Callable[[World], Ask]] = [
    lambda w: Ask("GET", "compliance/audit-log/export/csv"),
    lambda w: Ask("GET", "compliance/audit-log/export/json"),
    lambda w: Ask("POST", "compliance/reports", {"assetId": ASSET, "network": VOI}),
]


def test_exports_and_reports_share_one_limit(world: World, settings: Settings) -> None:
    settings.RATE_LIMIT_EXPORT = "2/m"
    officer = world.client("officer")
    for make in EXPORTS[:2]:
        response = make(world).send(officer)
        assert (response.status_code, len(b"".join(response)) > 0) == (200, True)
    before = contents(events=True)
    for make in EXPORTS:
        _limited(make(world).send(officer))
    assert contents(events=True) == before
    assert Ask("GET", "compliance/reports").send(officer).status_code == 200
    assert EXPORTS[2](world).send(world.client("administrator")).status_code == 200


def test_log_ins_are_counted_per_address_whoever_they_name(
    world: World, settings: Settings
) -> None:
    settings.RATE_LIMIT_LOGIN = "2/m"
    nobody = world.client("anonymous")
    assert LOGIN.send(nobody).status_code == 200
    other = Ask("POST", "auth/login", {"email": "x@example.com", "password": "wrong"})
    assert_envelope(other.send(nobody), 401)
    before, seen = contents(), len(event_bodies("accounts.user.logged_in"))
    _limited(LOGIN.send(nobody))  # the right password too
    _limited(Ask("POST", "auth/refresh", {"refreshToken": "a.b.c"}).send(nobody))
    _limited(LOGIN.send(nobody, HTTP_X_FORWARDED_FOR="10.0.0.7"))  # nobody vouches for it
    assert contents() == before
    assert len(event_bodies("accounts.user.logged_in")) == seen
    assert LOGIN.send(nobody, REMOTE_ADDR="10.0.0.8").status_code == 200


def test_behind_a_proxy_the_callers_own_address_counts(world: World, settings: Settings) -> None:
    settings.RATE_LIMIT_LOGIN, settings.TRUSTED_PROXIES = "1/m", 1
    nobody = world.client("anonymous")
    assert LOGIN.send(nobody, HTTP_X_FORWARDED_FOR="10.0.0.1").status_code == 200
    assert LOGIN.send(nobody, HTTP_X_FORWARDED_FOR="10.0.0.2").status_code == 200
    # What the caller writes in front of the proxy's own entry does not make another caller.
    _limited(LOGIN.send(nobody, HTTP_X_FORWARDED_FOR="1.2.3.4, 10.0.0.1"))


@pytest.mark.parametrize("make", EXPORTS)
def test_a_broken_shared_cache_refuses_exports_and_log_in_and_nothing_else(
    world: World,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[World], Ask],
) -> None:
    settings.RATE_LIMIT_ORDINARY = "600/min"
    settings.RATE_LIMIT_EXPORT = settings.RATE_LIMIT_LOGIN = "30/m"

    def broken(*args: object, **kwargs: object) -> Any:
        raise ConnectionError("redis.internal refused")

    monkeypatch.setattr("config.api.throttling.get_usage", broken)
    before = contents(events=True)
    for response in (
        make(world).send(world.client("officer")),
        LOGIN.send(world.client("anonymous")),
    ):
        assert response.status_code in (429, 503)
        assert_envelope(response, response.status_code)
        assert b"redis" not in response.content
    assert contents(events=True) == before
    assert Ask("GET", f"compliance/{ASSET}").send(world.client("owner")).status_code == 200
