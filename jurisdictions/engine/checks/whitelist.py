"""Checks of the whitelist: that it gates transfers, and that its active entries are sound."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from jurisdictions.engine.checks.registry import (
    POSITIVE,
    RATIO,
    WHEN_EMPTY,
    CheckContext,
    Params,
    empty_population,
    failed,
    passed,
    reaches,
    register,
    some_of,
    texts,
    undecided,
)
from jurisdictions.engine.clock import Clock
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict
from jurisdictions.engine.snapshot import WhitelistEntryFact
from jurisdictions.engine.values import as_day

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

_US = "US"


@register(
    "whitelist_enforced",
    purpose="transfers are gated by the whitelist",
    params={
        "enforcement": texts(choices=("Mandatory", "Optional", "Off")),
        "nonEmpty": {"type": "boolean"},
    },
    required=("enforcement",),
    default_on_missing=Verdict.FAIL,
)
def whitelist_enforced(params: Params, context: CheckContext) -> Outcome:
    """Pass where the whitelist policy is one of those allowed (seed 2; platform policy, not MiCA).

    With `nonEmpty` the whitelist must also have an active entry.
    """
    enforcement = context.snapshot.whitelist.enforcement
    if enforcement is None:
        reason = "no whitelist policy was ever set"
        return context.without_data(ReasonCode.WHITELIST_POLICY_MISSING, reason)
    evidence = (Evidence("whitelist_policy", "enforcement", enforcement),)
    if enforcement not in params["enforcement"]:
        allowed = " or ".join(params["enforcement"])
        reason = f"whitelist enforcement is {enforcement}; it must be {allowed}"
        return failed(ReasonCode.WHITELIST_NOT_ENFORCED, reason, evidence)
    if params.get("nonEmpty") and not context.snapshot.whitelist.active:
        reason = "the whitelist has no active entry"
        return failed(ReasonCode.WHITELIST_EMPTY, reason, evidence)
    return passed(f"whitelist enforcement is {enforcement}", evidence)


_REQUIRE = ("kycVerified", "notExpired", "kycDatePresent", "jurisdictionPresent")


def _entries_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    demands = ("require", "maxKycAgeDays", "excludeJurisdictions", "excludePersons")
    if any(name in params for name in demands):
        return []
    return [f"whitelist_entries_valid takes at least one of {', '.join(demands)}"]


@register(
    "whitelist_entries_valid",
    purpose="the active whitelist entries are sound",
    params={
        "require": texts(choices=_REQUIRE),
        "maxKycAgeDays": POSITIVE,
        "excludeJurisdictions": texts(),
        "excludePersons": texts(choices=("US_PERSON",)),
        "minRatio": RATIO,
        "whenEmpty": WHEN_EMPTY,
    },
    default_on_missing=Verdict.FAIL,
    param_problems=_entries_problems,
)
def whitelist_entries_valid(params: Params, context: CheckContext) -> Outcome:
    """Pass where at least `minRatio` of the active entries keep every demand.

    An entry of unknown jurisdiction is undecided where jurisdictions are excluded; US_PERSON
    excludes entries of the United States, all the data can tell.
    """
    entries = context.snapshot.whitelist.active
    if not entries:
        return empty_population(params.get("whenEmpty", "unknown"), "active_whitelist_entries")
    demands = _Demands(params, context.clock)
    verdicts = {entry.address: demands.kept_by(entry) for entry in entries}
    good = [address for address, keeps in verdicts.items() if keeps]
    bad = [address for address, keeps in verdicts.items() if keeps is False]
    ratio, total = params.get("minRatio", 1), len(verdicts)
    evidence = (Evidence("population", "active_whitelist_entries", total),)
    if reaches(len(good), ratio, total):
        return passed(f"{len(good)} of {total} active entries are sound", evidence)
    if reaches(total - len(bad), ratio, total):
        unclear = [address for address, keeps in verdicts.items() if keeps is None]
        reason = f"the jurisdiction is not recorded of {some_of(unclear)}"
        return undecided(ReasonCode.WHITELIST_JURISDICTION_MISSING, reason, evidence)
    reason = f"{len(bad)} of {total} active entries are not sound: {some_of(bad)}"
    return failed(ReasonCode.WHITELIST_ENTRIES_INVALID, reason, evidence)


class _Demands:
    """What an entry has to keep, read from the params once for a population of any size."""

    def __init__(self, params: Params, clock: Clock) -> None:
        required = params.get("require", ())
        self._kyc, self._unexpired, self._dated, self._placed = (
            one in required for one in _REQUIRE
        )
        self._max_age: int | None = params.get("maxKycAgeDays")
        excluded = set(params.get("excludeJurisdictions", ()))
        if "US_PERSON" in params.get("excludePersons", ()):
            excluded.add(_US)
        self._excluded = excluded
        self._clock = clock
        self._days: dict[date, bool] = {}

    def kept_by(self, entry: WhitelistEntryFact) -> bool | None:
        """Whether the entry keeps them all; None where its jurisdiction is not recorded."""
        if self._kyc and not entry.kyc_verified:
            return False
        if self._unexpired and entry.expires_at and self._clock.reached(entry.expires_at):
            return False
        if self._dated and entry.kyc_verified_at is None:
            return False
        if self._placed and not entry.jurisdiction:
            return False
        if self._max_age is not None and self._too_old(entry, self._max_age):
            return False
        if not self._excluded:
            return True
        if not entry.jurisdiction:
            return None
        code = entry.jurisdiction.strip().upper()
        return code not in self._excluded and code.split("-")[0] not in self._excluded

    def _too_old(self, entry: WhitelistEntryFact, max_age: int) -> bool:
        day = as_day(entry.kyc_verified_at)
        if day is None:
            return True
        if day not in self._days:
            self._days[day] = self._clock.too_old(day, max_age)
        return self._days[day]
