"""The entries of a whitelist as they stood before changes that events tell of. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from whitelist.selectors import PopulationEntry

# How a column of the entry is named in the population that the rules see.
_SEEN: Mapping[str, str] = {
    "status": "status",
    "expiration_date": "expiration_date",
    "kyc_verified": "kyc_verified",
    "kyc_verification_date": "kyc_verification_date",
    "jurisdiction_code": "jurisdiction",
}
_UNSEEN = frozenset({"reason", "kyc_provider", "investor_category"})
_MOMENTS = frozenset({"expiration_date", "kyc_verification_date"})


@dataclass
class EntriesBefore:
    """Changes in their order, undone; of several of one entry the first tells what was before."""

    absent: set[str] = field(default_factory=set)
    removed_ones: dict[str, PopulationEntry] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def created(self, address: str) -> None:
        """An entry was added. After a removal it is another one."""
        if address not in self.removed_ones:
            self.absent.add(address)

    def updated(self, address: str, fields: frozenset[str] | None, was: Mapping[str, Any]) -> bool:
        """An entry was changed; return whether `was` tells all of it that the rules see."""
        if self._is_settled(address):
            return True
        if fields is None:
            return False
        kept = self.changed.setdefault(address, {})
        for name in sorted(fields & was.keys() & _SEEN.keys()):
            kept.setdefault(_SEEN[name], _value(name, was[name]))
        return fields - _UNSEEN <= was.keys()

    def removed(self, address: str, was: Mapping[str, Any]) -> bool:
        """An entry was removed; return whether `was` tells all of it that the rules see."""
        if self._is_settled(address):
            return True
        if not _SEEN.keys() <= was.keys():
            return False
        said = {column: _value(name, was[name]) for name, column in _SEEN.items()}
        changed = self.changed.pop(address, {})
        self.removed_ones[address] = PopulationEntry(address=address, **{**said, **changed})
        return True

    def of(self, entries: Iterable[PopulationEntry]) -> tuple[PopulationEntry, ...]:
        """Return the entries as they were, by address, of entries of every status."""
        then = {
            one.address: replace(one, **self.changed.get(one.address, {}))
            for one in entries
            if one.address not in self.absent
        }
        return tuple(sorted((then | self.removed_ones).values(), key=lambda one: one.address))

    def _is_settled(self, address: str) -> bool:
        return address in self.absent or address in self.removed_ones


def _value(name: str, told: Any) -> Any:
    return datetime.fromisoformat(told) if name in _MOMENTS and told is not None else told
