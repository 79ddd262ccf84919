"""What a draft of the rules changes for one token: its status, and which checks decide that. Pure.

A check is the same one before and after where its pack, its key and the tags that bring it are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jurisdictions.engine import Aggregate, CheckResult

_Identity = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check whose verdict or severity differs; None where that side has no such check."""

    key: str
    jurisdiction: str
    via_tag: str | None
    before: str | None
    after: str | None

    def document(self) -> dict[str, Any]:
        """Return it as it is stored and goes over the wire."""
        return {
            "key": self.key,
            "jurisdiction": self.jurisdiction,
            "viaTag": self.via_tag,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Impact:
    """The status on both sides; `checks` are all that differ, `decisive` those it turns on."""

    before: str
    after: str
    checks: tuple[CheckChange, ...]
    decisive: tuple[CheckChange, ...]

    @property
    def flips(self) -> bool:
        """Whether the status changes."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Judged:
    """A token judged by one set of rules."""

    results: tuple[CheckResult, ...]
    aggregate: Aggregate


def impact_of(before: Judged, after: Judged) -> Impact:
    """Return what differs between a token judged by the rules in force and with the draft."""
    old, new = _by_identity(before.results), _by_identity(after.results)
    every = tuple(
        change
        for identity in dict.fromkeys((*new, *old))
        if (change := _change(old.get(identity), new.get(identity))) is not None
    )
    reasons = {
        (item.key, item.via_tag)
        for judged in (before, after)
        for item in judged.aggregate.rationale
    }
    decisive = tuple(one for one in every if (one.key, one.via_tag) in reasons)
    return Impact(
        str(before.aggregate.status), str(after.aggregate.status), every, decisive or every
    )


def _change(before: CheckResult | None, after: CheckResult | None) -> CheckChange | None:
    was, will, shown = _verdict(before), _verdict(after), after or before
    if shown is None or was == will:
        return None
    return CheckChange(shown.key, shown.jurisdiction, shown.via_tag, was, will)


def _by_identity(results: Iterable[CheckResult]) -> dict[_Identity, CheckResult]:
    return {(one.pack_id, one.key, one.via_tag): one for one in results}


def _verdict(result: CheckResult | None) -> str | None:
    return None if result is None else f"{result.verdict} ({result.severity})"
