"""The views of the log as data: found by name, filtered by parameters, read from an event."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.models import Issuer, User
from audit.api.log_views import COMPLIANCE_AUDIT_LOG
from audit.api.log_viewset import LogViewSet
from audit.log_fields import Event, Field, body_hash, boolean, number, pick, text, word
from audit.log_files import json_file, ndjson_file
from audit.log_views import LogView, log_view, log_view_names, register
from audit.models import AuditEvent
from audit.principal import SYSTEM, NamedPrincipal
from audit.services import record_event
from config.api.streams import CHUNK_BYTES, Sent, file_stream
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


@pytest.mark.django_db
def test_ndjson_that_stops_midway_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(events: object) -> Iterator[bytes]:
        yield b"{}\n"
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("audit.log_files.body_lines", broken)
    first, trailer = b"".join(ndjson_file(AuditEvent.objects.all(), 200)).splitlines()
    assert first == b"{}"
    assert json.loads(trailer)["trailer"] == {
        "rows": 1,
        "sha256": sha256(b"{}\n").hexdigest(),
        "complete": False,
    }


@pytest.mark.django_db
def test_json_that_stops_midway_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*anything: object) -> Iterator[bytes]:
        yield b"{}"
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("audit.log_files.rows", broken)
    file = json_file(log_view("events"), AuditEvent.objects.all(), total=2, limit=2, more={})
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(file))


class TestFileStream:
    @pytest.mark.parametrize("count", [0, 1, 1_000, 5_000])
    def test_joins_records_to_chunks_and_hashes_them(self, count: int) -> None:
        records = [b"x" * 99 + b"\n"] * count
        ends: list[Sent] = []

        def end(sent: Sent) -> bytes:
            ends.append(sent)
            return b"end"

        chunks = list(file_stream(b"head\n", iter(records), end))
        whole = b"head\n" + b"".join(records)
        assert b"".join(chunks) == whole + b"end"
        assert ends == [Sent(count, sha256(whole).hexdigest(), complete=True)]
        assert chunks[0] == b"head\n"
        assert max(map(len, chunks)) <= CHUNK_BYTES
        assert len(chunks) <= 2 * len(whole) / CHUNK_BYTES + 12

    def test_sends_what_came_before_a_failure(self) -> None:
        def broken() -> Iterator[bytes]:
            yield from [b"record"] * 100
            raise RuntimeError("the disk is gone")

        ends: list[Sent] = []
        chunks = file_stream(b"", broken(), lambda sent: ends.append(sent) or b"end")  # type: ignore[func-returns-value]
        whole = b"record" * 100
        assert b"".join(chunks) == whole + b"end"
        assert ends == [Sent(100, sha256(whole).hexdigest(), complete=False)]


class _Everything(LogViewSet):
    view = log_view("events")


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_file_of_all_events_holds_those_that_were_counted(auditor: User, form: str) -> None:
    for _ in range(3):
        record_event("compliance.metadata.listed", actor=SYSTEM)
    before = AuditEvent.objects.count()
    request = APIRequestFactory().get("/")
    force_authenticate(request, user=auditor)
    response = _Everything.as_view({"get": f"export_{form}"})(request)
    file = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert response["X-Export-Total"] == str(before)
    rows = {
        "csv": lambda: len(file.splitlines()) - 1,
        "json": lambda: len(json.loads(file)["entries"]),
        "ndjson": lambda: len(file.splitlines()) - 1,
    }
    assert rows[form]() == before
    assert AuditEvent.objects.count() == before + 1
