"""Shared fixtures: the five personas, clients that really authenticate, a clean slate per test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from rest_framework.test import APIClient

from accounts import signatures
from accounts.models import Issuer, User
from tests import factories


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, by name, what the services at hand cannot run."""
    postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    missing = {
        "postgres": None if postgres else "needs PostgreSQL",
        "redis": None if settings.TEST_REDIS_URL else "needs Redis (TEST_REDIS_URL)",
        "worker": None if settings.TEST_REDIS_URL else "needs Redis for a Celery worker",
    }
    for item in items:
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _clean_slate() -> None:
    """Forget what a process remembers between requests."""
    for cache in caches.all():
        cache.clear()
    signatures.memory.forget_all()


@pytest.fixture(scope="session", autouse=True)
def _flush_past_append_only() -> Iterator[None]:
    """Let the flush after transactional tests empty the append-only tables too."""
    patcher = pytest.MonkeyPatch()
    original = BaseDatabaseOperations.execute_sql_flush

    def flush(self: BaseDatabaseOperations, statements: list[str]) -> None:
        with self.connection.cursor() as cursor:
            if self.connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = replica")
                try:
                    original(self, statements)
                finally:
                    cursor.execute("SET session_replication_role = DEFAULT")
                return
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            original(self, statements)
            for _, sql in triggers:
                cursor.execute(sql)

    patcher.setattr(type(connection.ops), "execute_sql_flush", flush)
    yield
    patcher.undo()


@pytest.fixture
def issuer(db: None) -> Issuer:
    return factories.IssuerFactory.create()


@pytest.fixture
def owner(issuer: Issuer) -> User:
    """An Owner of `issuer`."""
    return factories.member_of(issuer, "Owner")


@pytest.fixture
def member(issuer: Issuer) -> User:
    """A Viewer of `issuer`: sees its records, writes nothing."""
    return factories.member_of(issuer, "Viewer")


@pytest.fixture
def outsider(db: None) -> User:
    """Someone signed in who belongs to another issuer."""
    return factories.member_of(factories.IssuerFactory.create(), "Owner")


@pytest.fixture
def officer(db: None) -> User:
    return factories.user_with_role("ComplianceOfficer")


@pytest.fixture
def auditor(db: None) -> User:
    return factories.user_with_role("Auditor")


@pytest.fixture
def administrator(db: None) -> User:
    return factories.user_with_role("Administrator")


@pytest.fixture
def client_for() -> Callable[..., APIClient]:
    """Return a client that sends a real access token of the user; None sends nothing."""
    return factories.client_for


@pytest.fixture
def anonymous() -> APIClient:
    return factories.client_for(None)


@pytest.fixture
def events() -> Callable[..., list[dict[str, Any]]]:
    """Return the bodies of the recorded events with this name, oldest first."""
    return factories.event_bodies
