"""The views of the log as data: found by name, filtered by parameters, read from an event."""

import json
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from rest_framework.exceptions import ValidationError

from accounts.models import Issuer, User
from audit.api.log_views import COMPLIANCE_AUDIT_LOG
from audit.log_fields import Event, Field, body_hash, boolean, number, pick, text, word
from audit.log_files import ndjson_file
from audit.log_views import LogView, log_view, log_view_names, register
from audit.models import AuditEvent
from audit.principal import SYSTEM, NamedPrincipal
from audit.services import record_event
from tests.factories import VOI, event_bodies

LINE = (
    '{"assetId":"12345","details":{"amount":"7","denialReason":"late","role":"=Owner"},'
    '"name":"a.b","success":true}'
)


def read(field: Field, line: str = LINE) -> tuple[Any, str]:
    return field.value(Event.of(line)), field.cell(Event.of(line))


@pytest.mark.parametrize(
    ("field", "value", "cell"),
    [
        (text("name"), "a.b", '"a.b"'),
        (text("eventType", "name"), "a.b", '"a.b"'),
        (text("role", "details.role"), "=Owner", '"\'=Owner"'),
        (text("reason", "denialReason", "details.denialReason"), "late", '"late"'),
        (text("notes"), None, '""'),
        (text("deep", "details.nothing"), None, '""'),
        (number("assetId"), 12345, "12345"),
        (number("amount", "amount", "details.amount"), 7, "7"),
        (number("itemCount"), None, ""),
        (boolean("success"), True, "True"),
        (boolean("transferAllowed"), None, ""),
        (word("kind", "name", {"a.b": "Letters"}), "Letters", '"Letters"'),
        (word("kind", "name", {}, otherwise="Else"), "Else", '"Else"'),
        (word("kind", "name", {}), None, '""'),
        (
            body_hash("payloadHash"),
            sha256(LINE.encode()).hexdigest(),
            f'"{sha256(LINE.encode()).hexdigest()}"',
        ),
    ],
)
def test_a_field_reads_a_value_and_a_cell_of_an_event(field: Field, value: Any, cell: str) -> None:
    assert read(field) == (value, cell)


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("0", 0),
        (str(2**64 - 1), 2**64 - 1),
        (str(2**64), str(2**64)),
        ("1.5", "1.5"),
        ("", None),
    ],
)
def test_a_number_that_json_cannot_hold_stays_text(stated: str, value: Any) -> None:
    assert read(number("amount"), json.dumps({"amount": stated}))[0] == value


def test_a_path_is_of_an_event_or_of_its_details() -> None:
    with pytest.raises(ValueError, match=r"name\.inner"):
        text("deep", "name.inner")


def test_fields_are_picked_by_name_in_the_order_asked_for() -> None:
    fields = (text("id"), text("actor"), text("notes"))
    assert [one.heading for one in pick(fields, "notes", "id")] == ["Notes", "Id"]
    with pytest.raises(KeyError):
        pick(fields, "nothing")


def test_views_are_found_by_name() -> None:
    assert {
        "compliance-audit-log",
        "events",
        "whitelist-audit-log",
        "whitelist-enforcement-report",
    } <= set(log_view_names())
    assert log_view("compliance-audit-log") is COMPLIANCE_AUDIT_LOG
    with pytest.raises(KeyError):
        log_view("nothing")


def test_two_views_cannot_have_one_name() -> None:
    other = LogView("events", lambda actor: AuditEvent.objects.all(), Any, (), ())  # type: ignore[arg-type]
    before = log_view("events")
    with pytest.raises(ValueError, match="two views"):
        register(other)
    assert log_view("events") is before


@pytest.mark.django_db
class TestSelect:
    @pytest.fixture(autouse=True)
    def _log(self, issuer: Issuer) -> None:
        for asset_id, owner in ((1, issuer.pk), (2, issuer.pk), (1, UUID(int=7))):
            record_event(
                "compliance.metadata.updated",
                actor=SYSTEM,
                asset_id=asset_id,
                network=VOI,
                issuer_id=owner,
            )

    def test_needs_no_request(self, issuer: Issuer, officer: User) -> None:
        stored = NamedPrincipal("job", issuer_ids=frozenset({issuer.pk}))
        view = log_view("compliance-audit-log")
        own, words = view.select(stored, {"assetId": 1, "success": True})
        assert (own.count(), words) == (1, "AssetId=1, Success=True")
        every, words = view.select(officer, {})
        assert (every.count(), words) == (3, "No filters")

    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({"page": "2"}, "page"),
            ({"colour": "red"}, "colour"),
            ({"assetId": "x"}, "assetId"),
            ({"fromDate": "2026-02-01", "toDate": "2026-01-01"}, "toDate"),
        ],
    )
    def test_refuses_what_is_no_filter(self, parameters: dict[str, str], named: str) -> None:
        with pytest.raises(ValidationError) as refused:
            log_view("compliance-audit-log").select(SYSTEM, parameters)
        assert set(refused.value.get_codes()) == {named}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 250])
def test_ndjson_is_the_evidence_and_says_what_it_holds(count: int) -> None:
    for number_ in range(count):
        record_event("compliance.metadata.listed", actor=SYSTEM, item_count=number_, notes="é😀")
    file = b"".join(ndjson_file(AuditEvent.objects.all(), 200))
    *lines, trailer = file.splitlines(keepends=True)
    rows = min(count, 200)
    assert [json.loads(one) for one in lines] == event_bodies()[::-1][:rows]
    assert json.loads(trailer) == {
        "trailer": {
            "rows": rows,
            "sha256": sha256(b"".join(lines)).hexdigest(),
            "complete": True,
        }
    }
