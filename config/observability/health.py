"""Liveness and readiness: each dependency by name, none of them telling anything of itself."""

import logging
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from config.api.json import dumps

logger = logging.getLogger("assayer.health")

Check = Callable[[], str | None]
"""Answers `ok`, another word, or `failed`; None where nothing is to be watched."""


def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer at all."""
    return _json({"status": "ok"}, 200)


def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every dependency works, else 503; each is named with `ok` or `failed`."""
    states = {name: _state(name, check) for name, check in _CHECKS.items()}
    checks = {name: state for name, state in states.items() if state is not None}
    good = all(state != "failed" for state in checks.values())
    return _json({"status": "ok" if good else "failed", "checks": checks}, 200 if good else 503)


def add_check(name: str, check: Check) -> None:
    """Let readiness depend on something more, which an app knows of."""
    _CHECKS[name] = check


def _state(name: str, check: Check) -> str | None:
    try:
        return check()
    except Exception:
        logger.exception("health check failed", extra={"check": name})
        return "failed"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "failed" if pending else "ok"


def _cache() -> str:
    key = f"health:{uuid4().hex}"
    cache.set(key, "1", timeout=5)
    return "ok" if cache.get(key) == "1" else "failed"


def _broker() -> str:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return "in process"
    from celery import current_app

    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0, timeout=2)
    return "ok"


_CHECKS: dict[str, Check] = {
    "database": _database,
    "migrations": _migrations,
    "cache": _cache,
    "broker": _broker,
}


def _json(body: object, status: int) -> HttpResponse:
    return HttpResponse(dumps(body), status=status, content_type="application/json")
