"""Snapshots as documents: an exact round trip, whatever a snapshot may hold."""

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jurisdictions.engine import (
    AttestationFact,
    AuditEventFact,
    AuditFacts,
    DeploymentFacts,
    ScreeningList,
    Snapshot,
    Tag,
    Waiver,
    WhitelistEntryFact,
    WhitelistFacts,
    evaluate,
    pack_from_document,
    pack_to_document,
)
from jurisdictions.engine.documents import (
    document_bytes,
    document_digest,
    snapshot_from_document,
    snapshot_to_document,
)
from tests.compliance.golden_tokens import MAKERS, golden
from tests.jurisdictions.builders import active_packs

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    texts,
    st.dates(),
    moments,
    st.datetimes(),
)
names = st.one_of(texts, st.sampled_from(["$date", "$type", "$list", "$object", "$"]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(names, inner, max_size=3),
        st.frozensets(texts, max_size=3),
    ),
    max_leaves=6,
)
snapshots = st.builds(
    Snapshot,
    facts=st.dictionaries(names, values, max_size=4),
    tags=st.lists(st.builds(Tag, texts, texts, st.lists(texts, max_size=2).map(tuple)), max_size=2)
    .map(tuple),
    attestations=st.lists(
        st.builds(
            AttestationFact, texts, texts, texts, texts, texts, texts, st.none() | texts, moments,
            st.none() | moments, st.none() | moments, st.dictionaries(names, values, max_size=3),
        ),
        max_size=2,
    ).map(tuple),
    whitelist=st.builds(
        WhitelistFacts,
        st.none() | texts,
        st.lists(
            st.builds(WhitelistEntryFact, texts, st.booleans(), st.none() | moments | st.dates()),
            max_size=2,
        ).map(tuple),
    ),
    deployment=st.none() | st.builds(DeploymentFacts, texts, texts),
    audit=st.builds(
        AuditFacts,
        st.dictionaries(names, st.builds(AuditEventFact, st.integers(0), moments), max_size=2),
        st.none() | st.booleans(),
        texts,
    ),
    retention=st.dictionaries(names, st.floats(0, 100), max_size=2),
    lists=st.dictionaries(
        names,
        st.builds(ScreeningList, texts, texts, st.dates(), st.frozensets(texts, max_size=3)),
        max_size=2,
    ),
    waivers=st.lists(st.builds(Waiver, texts, moments, st.booleans()), max_size=2).map(tuple),
    assumed=st.dictionaries(names, values, max_size=2),
    holders=st.none() | st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip


def assert_same(left: Any, right: Any) -> None:
    """Equal, and of equal type all the way down: 1 is not True, a tuple is no list."""
    assert type(left) is type(right), (left, right)
    if is_dataclass(left):
        for one in fields(left):
            assert_same(getattr(left, one.name), getattr(right, one.name))
    elif isinstance(left, dict):
        assert left.keys() == right.keys()
        for name in left:
            assert_same(left[name], right[name])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    elif isinstance(left, datetime):
        assert left == right
        assert left.utcoffset() == right.utcoffset()
    else:
        assert left == right
        assert str(left) == str(right) or isinstance(left, frozenset)


@given(snapshots)
@settings(max_examples=300, deadline=None)
def test_a_snapshot_comes_back_exactly(snapshot: Snapshot) -> None:
    document = snapshot_to_document(snapshot)
    raw = document_bytes(document)
    assert_same(snapshot_from_document(json.loads(raw)), snapshot)
    again = snapshot_to_document(snapshot_from_document(json.loads(raw)))
    assert document_bytes(again) == raw


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_comes_back_is_judged_alike(name: str) -> None:
    made, content = golden(name)
    packs = active_packs(*made.packs)
    back = snapshot_from_document(json.loads(content.snapshots[0].text))
    assert back == made.snapshot
    assert evaluate(back, packs, made.now) == evaluate(made.snapshot, packs, made.now)


def test_every_field_of_a_snapshot_is_written() -> None:
    document = snapshot_to_document(Snapshot())
    assert len(document) == len(fields(Snapshot)) + 1


def test_equal_snapshots_have_one_digest() -> None:
    left = Snapshot(facts={"a": 1, "b": (date(2026, 1, 1),)})
    right = Snapshot(facts={"b": (date(2026, 1, 1),), "a": 1})
    digests = {document_digest(snapshot_to_document(one)) for one in (left, right)}
    assert len(digests) == 1
    other = replace(left, facts={"a": True, "b": (date(2026, 1, 1),)})
    assert document_digest(snapshot_to_document(other)) not in digests


def test_a_document_without_a_later_field_is_read_with_its_default() -> None:
    document = snapshot_to_document(Snapshot(facts={"a": 1}))
    del document["holders"], document["waivers"]
    assert snapshot_from_document(document) == Snapshot(facts={"a": 1})


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), b"bytes", object(), {1: "number"}, 1j]
)
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        snapshot_to_document(Snapshot(facts={"a": value}))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"$type": "Tag", "jurisdiction": "DE"},
        {"$type": "Nothing"},
        {"$type": "Snapshot", "strange": 1},
        {"$type": "Snapshot", "tags": [{"$type": "Tag"}]},
        {"$type": "Snapshot", "facts": {"a": {"$date": "yesterday"}}},
        {"$type": "Snapshot", "facts": {"a": {"$date": 5}}},
        {"$type": "Snapshot", "facts": {"a": {"$decimal": "x"}}},
        {"$type": "Snapshot", "facts": {"a": {"$new": 1}}},
    ],
)
def test_what_is_no_snapshot_is_a_value_error(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        snapshot_from_document(document)


def test_rule_packs_come_back_from_their_documents() -> None:
    for pack in active_packs():
        raw = document_bytes(pack_to_document(pack))
        assert pack_from_document(json.loads(raw)) == pack
