"""The pure decision on a transfer: its texts, its precedence, and that it is monotone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitelist.decision import (
    ACCREDITED,
    MANDATORY,
    OFF,
    OPTIONAL,
    Code,
    Entry,
    Party,
    Restrictions,
    Role,
    Transfer,
    Verdict,
    decide,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
GOOD = Entry("Active", None, "Institutional", "DE")

moments = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2028, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
) | st.sampled_from([NOW - MOMENT, NOW, NOW + MOMENT])
entries = st.none() | st.builds(
    Entry,
    status=st.sampled_from(["Active", "Inactive", "Revoked"]),
    expiration_date=st.none() | moments,
    investor_category=st.none() | st.sampled_from([*sorted(ACCREDITED), "RetailInvestor"]),
    jurisdiction=st.none() | st.sampled_from(["DE", "US", "US-NY", "FR"]),
)
parties = st.lists(
    st.builds(Party, role=st.sampled_from(Role), address=st.sampled_from("ABC"), entry=entries),
    max_size=3,
    unique_by=lambda party: party.role,
).map(
    lambda found: [
        replace(one, entry=found[0].entry) if one.address == found[0].address else one
        for one in found
    ]
)
restrictions = st.builds(
    Restrictions,
    max_holders=st.none() | st.integers(1, 4),
    holders=st.integers(0, 5),
    locked_until=st.none() | moments,
    blocked_jurisdictions=st.frozensets(st.sampled_from(["US", "US-NY", "DE"])),
    accredited_only=st.booleans(),
)
transfers = st.builds(
    Transfer,
    asset_id=st.just(7),
    enforcement=st.sampled_from([None, MANDATORY, OPTIONAL, OFF]),
    parties=parties,
    now=st.just(NOW),
    restrictions=restrictions,
)


def transfer(*found: Party, enforcement: str | None = MANDATORY, **limits: object) -> Transfer:
    return Transfer(7, enforcement, found, NOW, restrictions=Restrictions(**limits))  # type: ignore[arg-type]


def pair(sender: Entry | None = GOOD, receiver: Entry | None = GOOD) -> tuple[Party, Party]:
    return Party(Role.SENDER, "A", sender), Party(Role.RECEIVER, "B", receiver)


@given(transfers)
def test_it_is_allowed_where_and_only_where_no_check_fails(one: Transfer) -> None:
    decision = decide(one)
    failing = [check for check in decision.checks if check.verdict is Verdict.FAIL]
    assert decision.allowed is (not failing)
    assert decision.denying == tuple(failing)
    assert decision.denial_reason == ("; ".join(check.reason for check in failing) or None)


@given(transfers)
def test_the_same_question_has_the_same_answer(one: Transfer) -> None:
    assert decide(one) == decide(one)


@given(transfers)
def test_what_does_not_pass_says_what_would_mend_it(one: Transfer) -> None:
    for check in decide(one).checks:
        assert check.reason
        assert bool(check.fix) is (check.verdict is not Verdict.PASS)
        assert (check.erc1404 is None) or check.verdict is not Verdict.PASS


@given(transfers, st.integers(0, 2))
def test_denying_one_party_more_never_allows(one: Transfer, which: int) -> None:
    """An entry that is taken away, made inactive, or has expired; a category or country less."""
    before = decide(one)
    if not one.parties:
        return
    party = one.parties[which % len(one.parties)]
    worse: list[Entry | None] = [None]
    if party.entry is not None:
        worse += [
            replace(party.entry, status="Revoked"),
            replace(party.entry, expiration_date=NOW),
            replace(party.entry, investor_category=None),
            replace(party.entry, jurisdiction=None),
        ]
    for entry in worse:
        changed = [
            replace(other, entry=entry) if other.address == party.address else other
            for other in one.parties
        ]
        assert before.allowed or not decide(replace(one, parties=changed)).allowed


@given(transfers, st.sampled_from("ABD"), entries)
def test_one_party_more_never_allows(one: Transfer, address: str, entry: Entry | None) -> None:
    known = {party.address: party.entry for party in one.parties}
    more = Party(Role.USER, address, known.get(address, entry))
    if any(party.role is Role.USER for party in one.parties):
        return
    assert decide(one).allowed or not decide(replace(one, parties=[*one.parties, more])).allowed


@given(transfers)
def test_a_stricter_policy_never_allows(one: Transfer) -> None:
    allowed = [
        decide(replace(one, enforcement=policy)).allowed
        for policy in (OFF, OPTIONAL, MANDATORY, None)
    ]
    assert allowed == sorted(allowed, reverse=True)
    assert allowed[2] == allowed[3]


@given(transfers, moments, st.sampled_from(["US", "FR", "DE"]))
def test_a_stricter_restriction_never_allows(one: Transfer, until: datetime, country: str) -> None:
    limits = one.restrictions
    stricter = [
        replace(limits, accredited_only=True),
        replace(limits, blocked_jurisdictions=limits.blocked_jurisdictions | {country}),
        replace(limits, locked_until=max(until, limits.locked_until or until)),
        replace(limits, holders=limits.holders + 1),
        replace(limits, max_holders=max((limits.max_holders or 2) - 1, 1)),
    ]
    for limit in stricter:
        assert decide(one).allowed or not decide(replace(one, restrictions=limit)).allowed


@given(transfers, moments)
def test_time_alone_opens_a_lock_up_and_closes_entries(one: Transfer, later: datetime) -> None:
    """Without a lock-up, what is denied at a moment is denied at every later one."""
    later = max(later, NOW)
    open_ended = replace(one, restrictions=replace(one.restrictions, locked_until=None))
    assert decide(open_ended).allowed or not decide(replace(open_ended, now=later)).allowed


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "is not whitelisted for asset 7"),
        (Entry("Inactive"), "whitelist status is Inactive (not Active)"),
        (Entry("Revoked", NOW), "whitelist status is Revoked (not Active)"),
        (Entry("Active", NOW), "whitelist entry expired on 2026-11-22"),
        (Entry("Active", NOW - MOMENT), "whitelist entry expired on 2026-11-22"),
        (Entry("Active", NOW + MOMENT), None),
        (Entry("Active"), None),
    ],
)
@pytest.mark.parametrize("role", [Role.SENDER, Role.RECEIVER, Role.USER])
def test_the_reason_of_a_party(role: Role, entry: Entry | None, reason: str | None) -> None:
    decision = decide(transfer(Party(role, "A", entry)))
    assert decision.denial_reason == (reason and f"{role} address A {reason}")


def test_both_reasons_are_joined_sender_first() -> None:
    decision = decide(transfer(*pair(None, Entry("Revoked"))))
    assert decision.denial_reason == (
        "Sender address A is not whitelisted for asset 7; "
        "Receiver address B whitelist status is Revoked (not Active)"
    )


def test_restrictions_come_after_the_parties_and_each_is_named() -> None:
    limits = {
        "max_holders": 1,
        "holders": 2,
        "locked_until": NOW + MOMENT,
        "blocked_jurisdictions": frozenset({"DE"}),
        "accredited_only": True,
    }
    decision = decide(transfer(*pair(None, Entry("Active", None, None, "DE")), **limits))
    assert [(check.code, check.role) for check in decision.denying] == [
        (Code.LISTED, Role.SENDER),
        (Code.JURISDICTION, Role.SENDER),
        (Code.JURISDICTION, Role.RECEIVER),
        (Code.LOCK_UP, None),
        (Code.ACCREDITED_INVESTOR, Role.RECEIVER),
        (Code.MAX_HOLDERS, None),
    ]


def test_restrictions_that_are_not_set_are_no_checks() -> None:
    codes = {check.code for check in decide(transfer(*pair())).checks}
    assert codes == {Code.WHITELIST_POLICY, Code.LISTED, Code.ACTIVE, Code.NOT_EXPIRED}


@pytest.mark.parametrize("enforcement", [OPTIONAL, OFF])
def test_restrictions_deny_whatever_the_policy(enforcement: str) -> None:
    decision = decide(
        transfer(*pair(), enforcement=enforcement, blocked_jurisdictions=frozenset({"DE"}))
    )
    assert decision.allowed is False


def test_minting_is_not_bound_by_a_lock_up_and_burning_is() -> None:
    sender, receiver = pair()
    until = NOW + MOMENT
    assert decide(transfer(receiver, locked_until=until)).allowed is True
    assert decide(transfer(sender, locked_until=until)).allowed is False


def test_a_policy_that_nobody_knows_denies_as_mandatory() -> None:
    assert decide(transfer(*pair(None), enforcement="Sometimes")).allowed is False
