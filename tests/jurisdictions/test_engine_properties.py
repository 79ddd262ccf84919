"""What holds of every evaluation, whatever the token: tried on drawn snapshots and all packs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jurisdictions.engine import (
    AttestationFact,
    AuditEventFact,
    AuditFacts,
    CheckResult,
    DeploymentFacts,
    FactValue,
    Pack,
    ScreeningList,
    Snapshot,
    Tag,
    Verdict,
    Waiver,
    WhitelistEntryFact,
    WhitelistFacts,
    aggregate,
    evaluate,
)
from tests.jurisdictions.builders import (
    MICROSECOND,
    NOW,
    active_packs,
    catalogue,
    pack_documents,
    reference,
)

REQUIREMENTS = {one.key: one for pack in active_packs() for one in pack.requirements}
MET = {Verdict.PASS}
UNMET = {Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED}
# A deadline that is still open is met without the fact it is about; a newer review that was not
# satisfied hides an older one that was.
BETTER_WITHOUT = {
    key
    for key, one in REQUIREMENTS.items()
    if one.params.get("openUntilDeadline") or one.check_kind == "manual_review"
}

properties = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _near(low: int, high: int) -> st.SearchStrategy[datetime]:
    """A moment within some days of now, often at midnight, where days change."""
    moments = st.builds(
        lambda day, hours: NOW + timedelta(days=day, hours=hours),
        st.integers(low, high),
        st.sampled_from([0, -12, 0, 7]),
    )
    return moments


def _value(path: str) -> st.SearchStrategy[Any]:
    definition = catalogue().get(path)
    assert definition is not None
    if definition.type == "list":
        choices = definition.enum or ("x",)
        return st.lists(st.sampled_from(choices), max_size=3, unique=True).map(tuple)
    if definition.enum:
        return st.sampled_from(definition.enum)
    return {
        "boolean": st.booleans(),
        "integer": st.integers(0, 2000),
        "number": st.sampled_from([0, 0.3, 24, 60_000, 1_000_000, 400_000.5]),
        "date": _near(-800, 60).map(lambda moment: moment.date().isoformat()),
        "string": st.sampled_from(["DE", "IR", "Security Token", "https://example.org/x", " "]),
    }[definition.type]


FACTS: st.SearchStrategy[dict[str, FactValue]] = st.fixed_dictionaries(
    {},
    optional={
        path: _value(path) for path in catalogue().definitions if not path.startswith("tag.")
    },
)

_CODES = [
    ("US", "country"), ("EU", "supranational"), ("DE", "country"), ("FR", "country"),
    ("LI", "country"), ("GB", "country"), ("CH", "country"), ("SG", "country"), ("HK", "country"),
    ("AE-DU", "subdivision"), ("BR", "country"), ("GLOBAL", "global"),
]  # fmt: skip


def _tag(place: tuple[str, str], **position: Any) -> Tag:
    return Tag(place[0], place[1], **position)


TAGS = st.lists(
    st.one_of(
        st.builds(
            _tag,
            st.sampled_from(_CODES),
            classification=st.none() | _value("tag.classification"),
            exemption=st.none() | _value("tag.exemption"),
            offering_kind=st.none() | _value("tag.offeringKind"),
            source=st.sampled_from(["Explicit", "Derived"]),
        ),
        st.just(Tag("", recognized=False, raw_text="Atlantis")),
    ),
    max_size=4,
).map(tuple)

_WALLETS = ["W1", "W2", "W3"]
_TYPES = [one["type"] for one in reference("attestation-types")["types"]]
_ATTRIBUTES = sorted(
    {
        (name, value)
        for one in REQUIREMENTS.values()
        for name, allowed in one.params.get("attributes", {}).items()
        for value in (allowed if isinstance(allowed, list) else [allowed])
    }
)


def _attestation(
    subject: tuple[str, str], attributes: list[tuple[str, str]], **fields: Any
) -> AttestationFact:
    return AttestationFact(
        id="",
        subject_type=subject[0],
        subject=subject[1],
        attributes={
            **dict(attributes),
            "requirementKey": "mica.t3.governance",
            "outcome": "satisfied" if attributes else "not_satisfied",
        },
        **fields,
    )


ATTESTATIONS = st.lists(
    st.builds(
        _attestation,
        st.sampled_from([("token", "t"), ("issuer", "i"), *(("wallet", one) for one in _WALLETS)]),
        st.lists(st.sampled_from(_ATTRIBUTES), max_size=2),
        attestation_type=st.sampled_from(_TYPES),
        status=st.sampled_from(
            ["Verified", "Verified", "Verified", "Pending", "Failed", "Revoked"]
        ),
        created_by_id=st.just("creator"),
        verified_by_id=st.sampled_from(["verifier", "verifier", "creator", None]),
        issued_at=_near(-500, 10),
        expires_at=st.none() | _near(-20, 60),
    ),
    max_size=20,
).map(lambda drawn: tuple(replace(one, id=f"a{i}") for i, one in enumerate(drawn)))

WHITELIST = st.builds(
    WhitelistFacts,
    st.sampled_from(["Mandatory", "Optional", None]),
    st.lists(
        st.builds(
            WhitelistEntryFact,
            st.sampled_from(_WALLETS),
            kyc_verified=st.booleans(),
            kyc_verified_at=st.none() | _near(-400, 0),
            expires_at=st.none() | _near(-5, 60),
            jurisdiction=st.sampled_from(["DE", "US", "IR", None]),
        ),
        max_size=3,
        unique_by=lambda one: one.address,
    ).map(tuple),
)

_EVENTS = sorted(
    {
        name
        for one in REQUIREMENTS.values()
        for name in [*one.params.get("requiredEventTypes", ()), one.params.get("eventType")]
        if name
    }
)
AUDIT = st.builds(
    AuditFacts,
    st.dictionaries(
        st.sampled_from(_EVENTS), st.builds(AuditEventFact, st.integers(0, 3), _near(-120, 0))
    ),
    st.sampled_from([True, True, False, None]),
)

_RECORD_CLASSES = sorted(
    {one.params["recordClass"] for one in REQUIREMENTS.values() if "recordClass" in one.params}
)
_LISTS = {
    name: ScreeningList(name, name, date(2026, 6, 19), frozenset({"IR"}), 135)
    for name in ("fatf.call_for_action", "fatf.increased_monitoring")
}
WAIVERS = st.lists(
    st.builds(
        Waiver,
        st.sampled_from(sorted(REQUIREMENTS)),
        _near(-10, 40),
        st.booleans(),
        st.sampled_from(["w1", "w2"]),
    ),
    max_size=6,
).map(tuple)

SNAPSHOTS = st.builds(
    Snapshot,
    facts=FACTS,
    tags=TAGS,
    attestations=ATTESTATIONS,
    whitelist=WHITELIST,
    deployment=st.none() | st.builds(DeploymentFacts, st.sampled_from(["Completed", "Failed"])),
    audit=AUDIT,
    retention=st.dictionaries(
        st.sampled_from(_RECORD_CLASSES), st.sampled_from([4.0, 5.0, 8.0, 10.0])
    ),
    lists=st.sampled_from([{}, _LISTS]),
    waivers=WAIVERS,
    assumed=st.just(catalogue().assumed),
)


@st.composite
def packs(draw: st.DrawFn) -> tuple[Pack, ...]:
    """All packs, some of them taking effect or ending near now, some with a version to come."""
    drawn: list[Pack] = []
    for pack in active_packs():
        change = draw(st.sampled_from(["as it is"] * 4 + ["starts", "ends", "succeeded"]))
        day = draw(_near(-3, 20)).date()
        if change == "starts":
            pack = replace(pack, effective_from=day)
        elif change == "ends":
            pack = replace(pack, effective_to=day)
        elif change == "succeeded":
            requirements = pack.requirements[:-1]
            drawn.append(
                replace(pack, version="2027.1.1", effective_from=day, requirements=requirements)
            )
        drawn.append(pack)
    return tuple(drawn)


def identity(result: CheckResult) -> tuple[str, str, str | None]:
    return result.jurisdiction, result.key, result.via_tag


def verdicts(results: tuple[CheckResult, ...]) -> dict[tuple[str, str, str | None], Verdict]:
    found = {identity(one): one.verdict for one in results}
    assert len(found) == len(results)
    return found


def improved(before: tuple[CheckResult, ...], after: tuple[CheckResult, ...]) -> set[str]:
    """The keys of checks that were unmet before and pass after."""
    old = verdicts(before)
    return {
        key[1]
        for key, verdict in verdicts(after).items()
        if verdict in MET and old.get(key) in UNMET
    }


def without_warnings(results: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [replace(one, warnings=()) for one in results]


def shuffled(values: tuple[Any, ...], random: Random) -> tuple[Any, ...]:
    return tuple(random.sample(values, len(values)))


def shuffle_dict(values: Any, random: Random) -> dict[Any, Any]:
    return dict(random.sample(list(values.items()), len(values)))


@properties
@given(SNAPSHOTS, packs(), st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_results_in_any_order(
    snapshot: Snapshot, drawn: tuple[Pack, ...], random: Random
) -> None:
    results = evaluate(snapshot, drawn, NOW)
    mixed = replace(
        snapshot,
        facts=shuffle_dict(snapshot.facts, random),
        tags=shuffled(snapshot.tags, random),
        attestations=shuffled(snapshot.attestations, random),
        whitelist=replace(snapshot.whitelist, entries=shuffled(snapshot.whitelist.entries, random)),
        waivers=shuffled(snapshot.waivers, random),
        retention=shuffle_dict(snapshot.retention, random),
    )
    again = evaluate(mixed, shuffled(drawn, random), NOW)
    assert again == results
    assert aggregate(again, NOW) == aggregate(results, NOW)


@properties
@given(SNAPSHOTS, packs(), st.floats(0, 1))
def test_nothing_flips_before_the_next_evaluation(
    snapshot: Snapshot, drawn: tuple[Pack, ...], fraction: float
) -> None:
    results = evaluate(snapshot, drawn, NOW)
    following = aggregate(results, NOW).next_evaluation_at
    assert following is None or following > NOW
    end = (following or NOW + timedelta(days=20_000)) - MICROSECOND
    for moment in (NOW + (end - NOW) * fraction, end):
        assert without_warnings(evaluate(snapshot, drawn, moment)) == without_warnings(results)


@properties
@given(SNAPSHOTS, packs())
def test_no_verdict_flips_before_its_own_flips_at(
    snapshot: Snapshot, drawn: tuple[Pack, ...]
) -> None:
    results = evaluate(snapshot, drawn, NOW)
    moments = {one.flips_at for one in results if one.flips_at is not None}
    assert all(moment > NOW for moment in moments)
    for moment in sorted(moments)[:3]:
        later = verdicts(evaluate(snapshot, drawn, moment - MICROSECOND))
        for one in results:
            if one.flips_at is None or one.flips_at >= moment:
                assert later[identity(one)] == one.verdict


@properties
@given(SNAPSHOTS, st.data())
def test_forgetting_a_fact_never_makes_a_check_pass(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    forgettable = sorted(set(snapshot.facts) - set(snapshot.assumed))
    if not forgettable:
        return
    before = evaluate(snapshot, active_packs(), NOW)
    for path in data.draw(st.lists(st.sampled_from(forgettable), min_size=1, max_size=8)):
        facts = {name: value for name, value in snapshot.facts.items() if name != path}
        after = evaluate(replace(snapshot, facts=facts), active_packs(), NOW)
        assert improved(before, after) <= BETTER_WITHOUT


def _less_of(mapping: Any) -> list[Any]:
    return [{k: v for k, v in mapping.items() if k != gone} for gone in mapping]


def _fewer(values: tuple[Any, ...]) -> list[Any]:
    return [values[:i] + values[i + 1 :] for i in range(len(values))]


REMOVALS: dict[str, Callable[[Snapshot], list[Snapshot]]] = {
    "attestation": lambda s: [replace(s, attestations=one) for one in _fewer(s.attestations)],
    "retention": lambda s: [replace(s, retention=one) for one in _less_of(s.retention)],
    "audit event": lambda s: [
        replace(s, audit=replace(s.audit, events=one)) for one in _less_of(s.audit.events)
    ],
    "chain": lambda s: [replace(s, audit=replace(s.audit, chain_verified=None))],
    "deployment": lambda s: [replace(s, deployment=None)],
    "policy": lambda s: [replace(s, whitelist=replace(s.whitelist, enforcement=None))],
    "lists": lambda s: [replace(s, lists={})],
}


@pytest.mark.parametrize("what", sorted(REMOVALS))
@properties
@given(snapshot=SNAPSHOTS)
def test_taking_evidence_away_never_makes_a_check_pass(what: str, snapshot: Snapshot) -> None:
    before = evaluate(snapshot, active_packs(), NOW)
    for poorer in REMOVALS[what](snapshot)[:6]:
        assert improved(before, evaluate(poorer, active_packs(), NOW)) <= BETTER_WITHOUT


@properties
@given(SNAPSHOTS, WAIVERS)
def test_a_waiver_turns_nothing_green(snapshot: Snapshot, waivers: tuple[Waiver, ...]) -> None:
    bare = replace(snapshot, waivers=())
    before = evaluate(bare, active_packs(), NOW)
    after = evaluate(replace(bare, waivers=waivers), active_packs(), NOW)
    old = verdicts(before)
    for one in after:
        was = old[identity(one)]
        if one.verdict == Verdict.WAIVED:
            assert was == one.underlying_verdict
            assert was in (Verdict.FAIL, Verdict.UNKNOWN)
        else:
            assert one.verdict == was
    waived = [one for one in after if one.verdict == Verdict.WAIVED and one.severity == "required"]
    if waived:
        assert aggregate(after, NOW).status != "Compliant"


@properties
@given(SNAPSHOTS)
def test_every_result_explains_itself(snapshot: Snapshot) -> None:
    for one in evaluate(snapshot, active_packs(), NOW):
        assert one.reason
        assert one.citations[0].text
        assert one.reason_code != "satisfied" or one.verdict == Verdict.PASS
        if one.reason_code in ("applicability_undetermined", "fact_missing"):
            assert one.missing_facts


def test_the_drawn_snapshots_reach_every_verdict() -> None:
    """A property that only ever sees failures would prove nothing."""
    seen: Counter[Verdict] = Counter()

    @settings(properties, max_examples=40)
    @given(SNAPSHOTS)
    def look(snapshot: Snapshot) -> None:
        seen.update(one.verdict for one in evaluate(snapshot, active_packs(), NOW))

    look()
    assert set(seen) == set(Verdict)
    assert seen[Verdict.PASS] > 200
    assert len(pack_documents()) == 12
    assert NOW.tzinfo is UTC
