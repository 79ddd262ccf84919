"""Which POSTs take an idempotency key, and that each of them is done once with it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.permissions import IsAuthenticated
from rest_framework.viewsets import ViewSet

from tests.audit.recording import done
from tests.audit.test_everything_recorded import _send
from tests.contract.routes import API, _patterns
from tests.contract.test_openapi import BASELINE
from tests.contract.world import World, contents, make_status_fresh

pytestmark = pytest.mark.django_db

# The POSTs that take no key, each with the reason.
_READS = "changes nothing but the log: the answer is that of the moment"
_SECRET = "its answer holds a secret, which is not kept"
WITHOUT_KEY = {
    "auth/login": _SECRET,
    "auth/refresh": _SECRET,
    "auth/logout": "its credential is refused from then on, so it cannot be sent again",
    "compliance/attestation-packages/verify": _READS,
    "compliance/jurisdiction-rules/evaluate": _READS,
    "compliance/reports/verify": _READS,
    "token/burn/simulate": _READS,
    "token/mint/simulate": _READS,
    "token/transfer/simulate": _READS,
    "webhooks/subscriptions": _SECRET,
    "webhooks/subscriptions/<uuid:subscription_id>/rotate-secret": _SECRET,
    "whitelist/validate-transfer": _READS,
    "whitelist/validate-transfers": _READS,
}


def posts() -> dict[str, tuple[type[ViewSet], Any]]:
    """Return view and action of every POST of the API, by its route."""
    found = {}
    for route, pattern in _patterns("", get_resolver()):
        callback: Any = pattern.callback
        name = (getattr(callback, "actions", None) or {}).get("post")
        if name:
            found[route.removeprefix(API)] = callback.cls, getattr(callback.cls, name)
    return found


def test_every_post_takes_a_key_or_has_a_reason() -> None:
    marked = {
        route
        for route, (_, action) in posts().items()
        if getattr(action, "takes_idempotency_key", False)
    }
    assert posts().keys() - marked == WITHOUT_KEY.keys()


def test_who_may_use_a_key_has_signed_in() -> None:
    for route, (view, _) in posts().items():
        if route not in WITHOUT_KEY:
            assert view.permission_classes == [IsAuthenticated], route


def test_the_document_says_so() -> None:
    document = json.loads(BASELINE.read_text())
    documented = {
        re.sub(r"{.*?}", "{}", path.removeprefix(f"/{API}"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for parameter in operation.get("parameters", [])
        if (parameter["name"], method) == ("Idempotency-Key", "post")
    }
    assert documented == {
        re.sub("<.*?>", "{}", route) for route in posts().keys() - WITHOUT_KEY.keys()
    }


@pytest.mark.parametrize("route", sorted(posts().keys() - WITHOUT_KEY.keys()))
def test_what_is_sent_again_changes_nothing(
    world: World, route: str, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    make_status_fresh(world)
    ask, client = _send(world, "POST", f"{API}{route}")
    with django_capture_on_commit_callbacks(execute=True):
        first = done(ask.send(client, HTTP_IDEMPOTENCY_KEY="a"))
    before = contents(events=True)
    with django_capture_on_commit_callbacks(execute=True):
        again = ask.send(client, HTTP_IDEMPOTENCY_KEY="a")
    assert (first["X-Idempotency-Hit"], again["X-Idempotency-Hit"]) == ("false", "true")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert contents(events=True) == before
    for name in first.headers.keys() - {"X-Correlation-ID", "X-Idempotency-Hit"}:
        assert again[name] == first[name], name
