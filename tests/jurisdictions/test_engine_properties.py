"""What holds of every evaluation, whatever the token: tried on drawn snapshots and all packs."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jurisdictions.catalogue import FactDefinition
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
    check_kind_names,
    evaluate,
)
from tests.jurisdictions.builders import (
    MICROSECOND,
    NOW,
    active_packs,
    catalogue,
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

properties = settings(max_examples=100, deadline=None, derandomize=True)

PLACES = (
    ("US", "country"), ("EU", "supranational"), ("DE", "country"), ("FR", "country"),
    ("LI", "country"), ("GB", "country"), ("CH", "country"), ("SG", "country"), ("HK", "country"),
    ("AE-DU", "subdivision"), ("BR", "country"), ("GLOBAL", "global"),
)  # fmt: skip
WALLETS = ("W1", "W2", "W3")
TYPES = sorted({name for one in REQUIREMENTS.values() for name in one.params.get("types", ())})
WALLET_TYPES = ["Accreditation", "AML", "KYC", "ProfessionalInvestor", "WalletOwnership"]
ATTRIBUTES = sorted(
    {
        (name, value)
        for one in REQUIREMENTS.values()
        for name, allowed in one.params.get("attributes", {}).items()
        for value in (allowed if isinstance(allowed, list) else [allowed])
    }
)
EVENTS = sorted(
    {
        name
        for one in REQUIREMENTS.values()
        for name in [*one.params.get("requiredEventTypes", ()), one.params.get("eventType")]
        if name
    }
)
RECORD_CLASSES = sorted(
    {one.params["recordClass"] for one in REQUIREMENTS.values() if "recordClass" in one.params}
)
LISTS = {
    name: ScreeningList(name, name, date(2026, 6, 19), frozenset({"IR"}), 135)
    for name in ("fatf.call_for_action", "fatf.increased_monitoring")
}


class Drawer:
    """Draws a token from a seed, with a taste for edges: midnights, expiries, near misses."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        # Some tokens are nearly complete and some nearly empty.
        self.fullness = self.random.random()

    def known(self) -> bool:
        return self.random.random() < self.fullness

    def near(self, low: int, high: int) -> datetime:
        day = NOW + timedelta(days=self.random.randint(low, high))
        return day + timedelta(hours=self.random.choice([0, -12, 7]))

    def near_or_none(self, low: int, high: int) -> datetime | None:
        return self.near(low, high) if self.random.random() < 0.5 else None

    def value(self, definition: FactDefinition) -> FactValue:
        choose = self.random.choice
        if definition.type == "list":
            choices = definition.enum or ("x",)
            return tuple(self.random.sample(choices, min(self.random.randint(0, 2), len(choices))))
        if definition.enum:
            return choose(definition.enum)
        if definition.type == "boolean":
            return choose([True, False])
        if definition.type == "date":
            return self.near(-800, 60).date().isoformat()
        if definition.type == "string":
            return choose(["DE", "IR", "Security Token", "https://example.org/x", " "])
        return choose([0, 24, 149, 400, 60_000, 1_000_000])

    def tag_value(self, path: str) -> Any:
        definition = catalogue().get(path)
        assert definition is not None
        return self.value(definition) if self.known() else None

    def tag(self, place: tuple[str, str], source: str) -> Tag:
        return Tag(
            *place,
            classification=self.tag_value("tag.classification"),
            exemption=self.tag_value("tag.exemption"),
            offering_kind=self.tag_value("tag.offeringKind"),
            source=source,
        )

    def tags(self) -> tuple[Tag, ...]:
        explicit = self.random.sample(PLACES, self.random.randint(0, 3))
        derived = self.random.sample(PLACES, self.random.randint(0, 2))
        lost = [Tag("", recognized=False, raw_text="Atlantis")] * (self.random.random() < 0.2)
        return (
            *(self.tag(place, "Explicit") for place in explicit),
            *(self.tag(place, "Derived") for place in derived),
            *lost,
        )

    def attestation(self, number: int) -> AttestationFact:
        choose = self.random.choice
        subjects = [("token", "t"), ("issuer", "i"), *(("wallet", one) for one in WALLETS)]
        subject_type, subject = choose(subjects)
        return AttestationFact(
            id=f"a{number:03}",
            subject_type=subject_type,
            subject=subject,
            attestation_type=choose(
                WALLET_TYPES if subject_type == "wallet" else [*TYPES, "ManualReview"]
            ),
            status=choose(["Verified"] * 6 + ["Pending", "Failed", "Revoked"]),
            created_by_id="creator",
            verified_by_id=choose(["verifier"] * 5 + ["creator", None]),
            issued_at=self.near(-500, 10),
            expires_at=self.near_or_none(-20, 60),
            attributes={
                **dict(self.random.sample(ATTRIBUTES, 2)),
                "requirementKey": choose(["mica.t3.governance", "li.mica_overlay"]),
                "outcome": choose(["satisfied", "not_satisfied"]),
            },
        )

    def entry(self, address: str) -> WhitelistEntryFact:
        return WhitelistEntryFact(
            address,
            kyc_verified=self.random.random() < 0.8,
            kyc_verified_at=self.near_or_none(-400, 0),
            expires_at=self.near_or_none(-5, 60),
            jurisdiction=self.random.choice(["DE", "DE", "US", "IR", None]),
        )

    def waivers(self) -> tuple[Waiver, ...]:
        keys = self.random.sample(sorted(REQUIREMENTS), self.random.randint(0, 60))
        return tuple(
            Waiver(key, self.near(-10, 40), self.random.random() < 0.7, f"w{number}")
            for number, key in enumerate(keys + keys[:5])
        )

    def snapshot(self) -> Snapshot:
        choose, sample = self.random.choice, self.random.sample
        definitions = [
            one for one in catalogue().definitions.values() if not one.path.startswith("tag.")
        ]
        events = {
            name: AuditEventFact(self.random.randint(0, 3), self.near(-120, 0))
            for name in EVENTS
            if self.known()
        }
        addresses = sample(WALLETS, self.random.randint(0, 3))
        return Snapshot(
            facts={one.path: self.value(one) for one in definitions if self.known()},
            tags=self.tags(),
            attestations=tuple(
                self.attestation(number) for number in range(int(self.fullness * 80))
            ),
            whitelist=WhitelistFacts(
                choose(["Mandatory", "Mandatory", "Optional", None]),
                tuple(self.entry(address) for address in addresses),
            ),
            deployment=choose([None, DeploymentFacts("Completed"), DeploymentFacts("Failed")]),
            audit=AuditFacts(events, choose([True, True, False, None])),
            retention={name: choose([4.0, 5.0, 8.0, 10.0]) for name in RECORD_CLASSES},
            lists=choose([{}, LISTS]),
            waivers=self.waivers(),
            assumed=catalogue().assumed,
        )

    def packs(self) -> tuple[Pack, ...]:
        """All packs, some taking effect or ending near now, some with a version to come."""
        drawn: list[Pack] = []
        for pack in active_packs():
            change = self.random.choice(["none"] * 4 + ["starts", "ends", "succeeded"])
            day = self.near(-3, 20).date()
            if change == "succeeded":
                fewer_rules = pack.requirements[:-1]
                successor = replace(pack, version="2027.1.1", requirements=fewer_rules)
                drawn.append(replace(successor, effective_from=day))
            elif change == "starts":
                pack = replace(pack, effective_from=day)
            elif change == "ends":
                pack = replace(pack, effective_to=day)
            drawn.append(pack)
        return tuple(drawn)


SEEDS = st.integers(0, 2**32)


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


def shuffle_dict(values: Mapping[str, Any], random: Random) -> dict[str, Any]:
    return dict(random.sample(list(values.items()), len(values)))


@properties
@given(SEEDS)
def test_the_same_input_gives_the_same_results_in_any_order(seed: int) -> None:
    drawer = Drawer(seed)
    snapshot, packs, random = drawer.snapshot(), drawer.packs(), drawer.random
    results = evaluate(snapshot, packs, NOW)
    mixed = replace(
        snapshot,
        facts=shuffle_dict(snapshot.facts, random),
        tags=shuffled(snapshot.tags, random),
        attestations=shuffled(snapshot.attestations, random),
        whitelist=replace(snapshot.whitelist, entries=shuffled(snapshot.whitelist.entries, random)),
        waivers=shuffled(snapshot.waivers, random),
        retention=shuffle_dict(snapshot.retention, random),
    )
    again = evaluate(mixed, shuffled(packs, random), NOW)
    assert again == results
    assert aggregate(again, NOW) == aggregate(results, NOW)


@properties
@given(SEEDS, st.floats(0, 1))
def test_nothing_flips_before_the_next_evaluation(seed: int, fraction: float) -> None:
    drawer = Drawer(seed)
    snapshot, packs = drawer.snapshot(), drawer.packs()
    results = evaluate(snapshot, packs, NOW)
    following = aggregate(results, NOW).next_evaluation_at
    assert following is None or following > NOW
    end = (following or NOW + timedelta(days=20_000)) - MICROSECOND
    for moment in (NOW + (end - NOW) * fraction, end):
        assert without_warnings(evaluate(snapshot, packs, moment)) == without_warnings(results)


@properties
@given(SEEDS)
def test_no_verdict_flips_before_its_own_flips_at(seed: int) -> None:
    drawer = Drawer(seed)
    snapshot, packs = drawer.snapshot(), drawer.packs()
    results = evaluate(snapshot, packs, NOW)
    moments = sorted({one.flips_at for one in results if one.flips_at is not None})
    for moment in moments[:2] + moments[-2:]:
        later = {identity(one): one for one in evaluate(snapshot, packs, moment - MICROSECOND)}
        for one in results:
            if one.flips_at is None or one.flips_at >= moment:
                assert replace(later[identity(one)], warnings=()) == replace(one, warnings=())


@properties
@given(SEEDS)
def test_forgetting_a_fact_never_makes_a_check_pass(seed: int) -> None:
    drawer = Drawer(seed)
    snapshot = drawer.snapshot()
    # What is assumed without a fact may well be better than the fact.
    forgettable = sorted(set(snapshot.facts) - set(snapshot.assumed))
    before = evaluate(snapshot, active_packs(), NOW)
    for path in drawer.random.sample(forgettable, min(10, len(forgettable))):
        facts = {name: value for name, value in snapshot.facts.items() if name != path}
        after = evaluate(replace(snapshot, facts=facts), active_packs(), NOW)
        assert improved(before, after) <= BETTER_WITHOUT


def less_of(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in mapping.items() if k != gone} for gone in mapping]


def fewer(values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [values[:i] + values[i + 1 :] for i in range(len(values))]


REMOVALS: dict[str, Callable[[Snapshot], list[Snapshot]]] = {
    "attestation": lambda s: [replace(s, attestations=one) for one in fewer(s.attestations)],
    "retention": lambda s: [replace(s, retention=one) for one in less_of(s.retention)],
    "audit event": lambda s: [
        replace(s, audit=replace(s.audit, events=one)) for one in less_of(s.audit.events)
    ],
    "chain": lambda s: [replace(s, audit=replace(s.audit, chain_verified=None))],
    "deployment": lambda s: [replace(s, deployment=None)],
    "policy": lambda s: [replace(s, whitelist=replace(s.whitelist, enforcement=None))],
    "lists": lambda s: [replace(s, lists={})],
}


@pytest.mark.parametrize("what", sorted(REMOVALS))
@properties
@given(seed=SEEDS)
def test_taking_evidence_away_never_makes_a_check_pass(what: str, seed: int) -> None:
    drawer = Drawer(seed)
    snapshot = drawer.snapshot()
    before = evaluate(snapshot, active_packs(), NOW)
    poorer = REMOVALS[what](snapshot)
    for one in drawer.random.sample(poorer, min(6, len(poorer))):
        assert improved(before, evaluate(one, active_packs(), NOW)) <= BETTER_WITHOUT


@properties
@given(SEEDS)
def test_a_waiver_turns_nothing_green(seed: int) -> None:
    snapshot = Drawer(seed).snapshot()
    old = verdicts(evaluate(replace(snapshot, waivers=()), active_packs(), NOW))
    results = evaluate(snapshot, active_packs(), NOW)
    for one in results:
        was = old[identity(one)]
        if one.verdict == Verdict.WAIVED:
            assert was == one.underlying_verdict
            assert was in (Verdict.FAIL, Verdict.UNKNOWN)
        else:
            assert one.verdict == was
    if any(one.verdict == Verdict.WAIVED and one.severity == "required" for one in results):
        assert aggregate(results, NOW).status != "Compliant"


@properties
@given(SEEDS)
def test_every_result_explains_itself(seed: int) -> None:
    for one in evaluate(Drawer(seed).snapshot(), active_packs(), NOW):
        assert one.reason
        assert one.citations[0].text
        assert one.reason_code != "satisfied" or one.verdict == Verdict.PASS
        if one.reason_code in ("applicability_undetermined", "fact_missing"):
            assert one.missing_facts


def test_the_drawn_snapshots_reach_every_verdict() -> None:
    """A property that only ever sees failures would prove nothing."""
    drawn = [Drawer(seed).snapshot() for seed in range(100)]
    results = [one for snapshot in drawn for one in evaluate(snapshot, active_packs(), NOW)]
    seen = Counter(one.verdict for one in results)
    assert set(seen) == set(Verdict)
    assert seen[Verdict.PASS] > 500
    passing_kinds = {
        REQUIREMENTS[one.key].check_kind
        for one in results
        if one.verdict == Verdict.PASS and one.key in REQUIREMENTS
    }
    assert passing_kinds == set(check_kind_names())
