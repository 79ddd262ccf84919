"""The rows of files: made by PostgreSQL as they are made here, and read part by part."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import connection, transaction

from audit import export_rows
from audit.body import EventDraft
from audit.export_rows import Form, csv_rows, newest, rows
from audit.log_views import log_view, log_view_names
from audit.models import AuditEvent
from audit.principal import SYSTEM, NamedPrincipal
from audit.services import record_event, record_events

NASTY = (
    "=1+1",
    "+49",
    "-1",
    "@SUM(A1)",
    "'quoted",
    "\tTab",
    "\rreturn",
    "\nfeed",
    "\uff1dfull",
    "\uff0bfull",
    "\uff0dfull",
    "\uff20full",
    "\uff07full",
    'a "quoted" word',
    '"',
    "",
    " ",
    "one, two",
    "line\r\nfeed",
    "back\\slash \\. \\n \\u0000",
    "\\.",
    "\x01control\x02\x1f\x7f",
    "n\0l",
    "😀 emoji",
    "שלום \u202eRTL",
    "NULL",
    "\ufeffmark",
    "{}",
    "true",
    "007",
    "%s %(name)s",
    "e.body",
    "\u2028separator",
)
NUMBERS = ("0", "7", "18446744073709551615", "18446744073709551616", "9" * 78, "1.5", "1.50")
START = datetime(2026, 1, 1, tzinfo=UTC)


def drafts(texts: list[str]) -> list[EventDraft]:
    """Events that say each of `texts` in every place where an event can say one."""
    return [
        EventDraft(
            name,
            success=at % 3 > 0,
            network=text[:50].replace("\0", ""),
            asset_id=(None, 1, 2**63 - 1)[at % 3],
            affected_address=text[:100].replace("\0", ""),
            to_address=text[:100].replace("\0", ""),
            transfer_allowed=(None, True, False)[at % 3],
            reference_type="kind",
            reference_id=text[:128].replace("\0", ""),
            error_message=text,
            amount=(*NUMBERS, text)[at % (len(NUMBERS) + 1)],
            denial_reason=text if at % 2 else None,
            old_status=text,
            new_status=text,
            old_verification_status=text,
            new_verification_status=text,
            item_count=(None, 0, 2**53 - 1)[at % 3],
            filter_criteria=text,
            notes=text,
            details={"role": text, "denialReason": text, "amount": text, "list": [text]},
        )
        for at, text in enumerate(texts)
        for name in ("compliance.metadata.updated", "whitelist.transfer.validated")
    ]


def record_nasty(texts: list[str]) -> None:
    for number, one in enumerate(drafts(texts)):
        actor = NamedPrincipal(str(one.affected_address) or "nobody")
        record_events([one], actor=actor, occurred_at=START + timedelta(microseconds=number * 7))


@pytest.mark.django_db
class TestByteForByte:
    @pytest.mark.postgres
    @pytest.mark.parametrize("name", log_view_names())
    def test_postgres_makes_the_records_that_python_makes(self, name: str) -> None:
        record_nasty(list(NASTY))
        view, events = log_view(name), newest(AuditEvent.objects.all())
        made = list(csv_rows(view, events))
        lines = events.values_list("body", flat=True)
        assert made == [view.record(line).encode() for line in lines]
        assert len(made) == 2 * len(NASTY)

    @pytest.mark.postgres
    def test_whatever_is_said(self) -> None:
        rng = random.Random(20261122)
        letters = [*"".join(NASTY), "a", "b", "\U0010ffff", "\ud7ff", "\ue000"]
        texts = ["".join(rng.choices(letters, k=rng.randrange(9))) for _ in range(300)]
        record_nasty(texts)
        events = newest(AuditEvent.objects.all())
        lines = list(events.values_list("body", flat=True))
        for name in log_view_names():
            view = log_view(name)
            assert list(csv_rows(view, events)) == [view.record(line).encode() for line in lines]

    @pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
    def test_rows_are_those_of_the_events_in_order(self, form: Form) -> None:
        record_nasty(list(NASTY))
        view, events = log_view("events"), newest(AuditEvent.objects.all())
        lines = list(events.values_list("body", flat=True))
        expected = {
            "csv": [view.record(line).encode() for line in lines],
            "json": [orjson.dumps(view.entry(line)) for line in lines],
            "ndjson": [line.encode() + b"\n" for line in lines],
        }
        assert list(rows(view, events, form)) == expected[form]

    def test_a_body_holds_no_nul(self) -> None:
        record_event(
            "compliance.metadata.updated", actor=SYSTEM, notes="a\0\\u0000", details={"b": ["\0"]}
        )
        body = json.loads(AuditEvent.objects.get().body)
        assert (body["notes"], body["details"]) == ("a\ufffd\\u0000", {"b": ["\ufffd"]})

    def test_nothing_is_seen_by_who_sees_nothing(self) -> None:
        record_nasty(["a"])
        nothing = newest(AuditEvent.objects.visible_to(NamedPrincipal("nobody")))
        for form in ("csv", "json", "ndjson"):
            assert list(rows(log_view("events"), nothing, form)) == []


@pytest.mark.django_db(transaction=True)
class TestTheConnection:
    def record(self, count: int) -> None:
        for _ in range(count // 500):
            record_events(
                [EventDraft("compliance.metadata.listed", notes="n" * 500)] * 500, actor=SYSTEM
            )

    @pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
    def test_is_free_again_when_the_reader_goes_away(self, form: Form) -> None:
        self.record(5_000)
        stream = rows(log_view("events"), newest(AuditEvent.objects.all()), form)
        assert next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert AuditEvent.objects.count() == 5_000
        assert not connection.in_atomic_block
        with transaction.atomic():
            record_event("compliance.metadata.listed", actor=SYSTEM)
        assert AuditEvent.objects.count() == 5_001

    def test_is_free_again_after_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.record(500)

        def broken(*anything: Any) -> Iterator[bytes]:
            for row in copied(*anything):
                yield row
                raise RuntimeError("the disk is gone")

        copied = export_rows.body_lines
        monkeypatch.setattr(export_rows, "body_lines", broken)
        with pytest.raises(RuntimeError):
            list(rows(log_view("events"), newest(AuditEvent.objects.all()), "ndjson"))
        assert AuditEvent.objects.count() == 500
