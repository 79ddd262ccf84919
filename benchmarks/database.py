"""The database of a benchmark: made for it, never one that exists already, dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from django.core.cache import caches
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql


class NotThrowAway(Exception):
    """The database exists already or is no PostgreSQL; the message says what to do."""


@contextmanager
def database_url() -> Iterator[str]:
    """Give the URL of a database that is to be made.

    The one that BENCHMARK_DATABASE_URL names, else one on the PostgreSQL that the tests bring
    along, else the one that DATABASE_URL names.
    """
    given = os.environ.get("BENCHMARK_DATABASE_URL")
    try:
        from tests.services.postgres import embedded_postgres, postgres_package

        postgres_package()
    except Exception:  # noqa: BLE001 - not installed, or not importable: whatever the reason
        given = given or os.environ.get("DATABASE_URL")
        if not given:
            raise NotThrowAway("Set BENCHMARK_DATABASE_URL to a PostgreSQL URL.") from None
    if not given:
        with embedded_postgres() as url:
            yield url.rpartition("/")[0] + "/benchmark"
        return
    if urlsplit(given).scheme not in ("postgres", "postgresql"):
        raise NotThrowAway("The benchmarks need PostgreSQL: set BENCHMARK_DATABASE_URL.")
    yield given


@contextmanager
def throw_away(suffix: str = "") -> Iterator[BaseDatabaseWrapper]:
    """Make and migrate the database, use it until the block ends, and drop it."""
    before = connections[DEFAULT_DB_ALIAS]
    settings = dict(before.settings_dict)
    settings["NAME"] += suffix
    _create(settings)
    wrapper = type(before)(settings, DEFAULT_DB_ALIAS)
    for cache in caches.all():
        cache.clear()
    try:
        with using(wrapper):
            call_command("migrate", verbosity=0)
            yield wrapper
    finally:
        wrapper.close()
        _server(settings, "DROP DATABASE {} WITH (FORCE)")


@contextmanager
def using(wrapper: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the default database be this one."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = wrapper
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before


def plain_connection(wrapper: BaseDatabaseWrapper) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection of psycopg alone to the same database, without Django's adapters."""
    return psycopg.connect(**_parameters(wrapper.settings_dict), autocommit=True)


def _parameters(settings: dict[str, str]) -> dict[str, str]:
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    given = {**names, "PORT": "port"}
    return {name: settings[key] for key, name in given.items() if settings.get(key)}


def _server(settings: dict[str, str], statement: str) -> None:
    parameters = {**_parameters(settings), "dbname": "postgres"}
    with psycopg.connect(**parameters, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(settings["NAME"])))


def _create(settings: dict[str, str]) -> None:
    try:
        _server(settings, "CREATE DATABASE {}")
    except psycopg.errors.DuplicateDatabase:
        raise NotThrowAway(
            f"The database {settings['NAME']} exists, and the benchmarks would drop it: "
            "name one in BENCHMARK_DATABASE_URL that does not exist."
        ) from None
