"""No event repeats what somebody wrote: names, e-mail, numbers of documents, telephones, free text.

Every operation with a body is sent with distinctive words in every text that it takes, one field at
a time, so that each is accepted or refused by itself. The label of a caller may be their e-mail.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit.models import AuditEvent
from tests.contract.test_bad_input import BODIES, _fields, _kind
from tests.contract.world import Ask, World, undone

pytestmark = pytest.mark.django_db

MARKS = ("Erika Mustermann-Zq7", "erika.zq7@private.example", "L01X00T47-Zq7", "+49 30 1234567-Zq7")
# A name of a network is half of a token's identity: any well-formed one is in the event.
IDENTIFIERS = {"network"}
# What an event repeats by design, by the field that says it: (event, field) to the reason.
_FILTER = "an export says what it was asked for, as the seeds want: FilterCriteria"
_RULES = "about rules, not persons; the page that asks for it says that it goes into the log"
REPEATED = {
    ("audit.export.requested", "filters"): _FILTER,
    ("deployments.deployment.exported", "deployedBy"): _FILTER,
    ("deployments.deployment.exported", "tokenType"): _FILTER,
    ("jurisdictions.pack.retired", "reason"): _RULES,
    ("jurisdictions.pack.returned", "reason"): _RULES,
}


def _texts(value: Any, mark: str) -> Iterator[Any]:
    """Yield the value with the mark in one place at a time, wherever there is text or an object."""
    if isinstance(value, str):
        yield mark
        yield f"{value} {mark}"
    elif isinstance(value, dict):
        yield {**value, "note": mark}
        yield {**value, mark: "x"}
        for name, inner in value.items():
            for one in _texts(inner, mark):
                yield {**value, name: one}
    elif isinstance(value, list):
        for one in _texts(value[0], mark) if value else [mark]:
            yield [one, *value[1:]]


def _spoiled(good: dict[str, Any], fields: dict[str, Any], mark: str) -> Iterator[dict[str, Any]]:
    yield {**good, "nonsense": mark}
    yield {**good, mark: mark}
    for name, schema in fields.items():
        if name in good and isinstance(good[name], (str, dict, list)):
            for value in _texts(good[name], mark):
                yield {**good, name: value}
        elif _kind(schema) == "text":
            yield {**good, name: mark}
        elif _kind(schema) in ("map", "object"):
            yield {**good, name: {"note": mark}}
        elif _kind(schema) == "list":
            yield {**good, name: [mark]}
        else:
            yield {**good, name: mark}  # a number, moment or choice: refused, and not quoted


def _last() -> int:
    return AuditEvent.objects.order_by("-seq").values_list("seq", flat=True)[0]


@pytest.mark.parametrize("key", sorted(BODIES), ids=lambda one: f"{one[0]} {one[1]}")
def test_no_event_repeats_what_a_body_said(world: World, key: tuple[str, str]) -> None:
    method, route = key
    persona, make = BODIES[key]
    good, client = make(world), world.client(persona)
    fields, path = _fields(method, route), world.path(route)
    found, answered = set(), set()
    for mark in MARKS:
        for body in _spoiled(good, fields, mark):
            with undone():
                last = _last()
                answered.add(Ask(method, path, body).send(client).status_code)
                for event in AuditEvent.objects.filter(seq__gt=last).values():
                    if "zq7" in json.dumps(event, default=str).lower():
                        changed = [name for name in body if body.get(name) != good.get(name)]
                        if not set(changed) <= IDENTIFIERS:
                            found.add((event["name"], *changed))
    assert 400 in answered  # the unknown fields
    assert found <= REPEATED.keys()


def test_no_event_repeats_what_a_query_said(world: World) -> None:
    last, mark = _last(), MARKS[0]
    for name in ("performedBy", "actor", "network", "referenceId", "nonsense", mark):
        for path in ("audit-trail", "enterprise-audit/export", "compliance/audit-log", "metering"):
            Ask("GET", path, query={name: mark}).send(world.client("officer"))
    for event in AuditEvent.objects.filter(seq__gt=last).values():
        assert "zq7" not in json.dumps(event, default=str).lower()
