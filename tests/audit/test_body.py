"""The canonical body of an event."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.body import EventDraft, Stamp, body_line, canonical

STAMP = Stamp(
    id=UUID("0b7d8f3e-6f3b-4a58-9e8a-0c6d1b1f2a3b"),
    occurred_at=datetime(2026, 11, 22, 6, 0, 0, 5, tzinfo=timezone(timedelta(hours=1))),
    actor="VCMJKWOY",
    actor_id="7",
    source="Api",
    correlation_id="abc",
)


def test_body_is_the_expected_line_to_the_byte() -> None:
    draft = EventDraft(
        "compliance.metadata.updated",
        network="voimain-v1.0",
        asset_id=2**63 - 1,
        old_status="UnderReview",
        new_status="Compliant",
        details={"fields": ["jurisdiction"]},
    )
    assert body_line(draft, STAMP) == (
        '{"actionType":"Update","actor":"VCMJKWOY","actorId":"7","assetId":"9223372036854775807",'
        '"category":"Compliance","correlationId":"abc","details":{"fields":["jurisdiction"]},'
        '"id":"0b7d8f3e-6f3b-4a58-9e8a-0c6d1b1f2a3b","name":"compliance.metadata.updated",'
        '"network":"voimain-v1.0","newStatus":"Compliant",'
        '"occurredAt":"2026-11-22T05:00:00.000005Z","oldStatus":"UnderReview","source":"Api",'
        '"success":true,"v":1}'
    )


def test_an_unregistered_name_is_refused() -> None:
    with pytest.raises(KeyError):
        body_line(EventDraft("compliance.metadata.invented"), STAMP)


@pytest.mark.parametrize(
    "details",
    [{"share": 0.5}, {"big": 2**53}, {"größe": 1}, {"nested": [{"deep": [1.0]}]}, {1: "one"}],
)
def test_content_without_a_canonical_form_is_refused(details: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        body_line(EventDraft("compliance.metadata.read", details=details), STAMP)


def test_a_body_over_65535_bytes_is_refused() -> None:
    details = {"fields": ["x" * 1000] * 66}
    with pytest.raises(ValueError, match="exceeds 65535"):
        body_line(EventDraft("compliance.metadata.read", details=details), STAMP)


def test_long_text_is_cut_not_lost() -> None:
    line = body_line(EventDraft("compliance.metadata.read_failed", error_message="x" * 5000), STAMP)
    assert json.loads(line)["errorMessage"] == "x" * 2000


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner)
    ),
    max_leaves=20,
)


@given(_json)
def test_canonical_is_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_times_are_utc_with_microseconds() -> None:
    stamp = Stamp(STAMP.id, datetime(2026, 1, 1, tzinfo=UTC), "a", None, "Task", "c")
    body = json.loads(body_line(EventDraft("compliance.metadata.read"), stamp))
    assert body["occurredAt"] == "2026-01-01T00:00:00.000000Z"
    assert "actorId" not in body
