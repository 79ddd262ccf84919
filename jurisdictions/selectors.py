"""Reading the rules: packs that can be in force, the facts catalogue, the jurisdictions.

What is read for every evaluation is kept in the process. Each call asks for the topic's stamp, one
row by primary key, and reads anew where it changed: a change committed by any process shows in the
next call. Nothing is kept while a topic has no stamp.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from django.db.models import Q

from config.api.errors import NotFound
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.catalogue import FactDefinition as CatalogueEntry
from jurisdictions.choices import PackStatus
from jurisdictions.engine import Pack
from jurisdictions.mapping import pack_of
from jurisdictions.models import (
    AmbiguousSpelling,
    FactDefinition,
    Jurisdiction,
    ReferenceStamp,
    Requirement,
    RulePack,
)
from jurisdictions.tag_text import JurisdictionDirectory, JurisdictionEntry

Topic = ReferenceStamp.Topic
Value = TypeVar("Value")


class _Kept(Generic[Value]):
    """A value read from the database, kept while its topic's stamp stays the same."""

    def __init__(self, topic: Topic, read: Callable[[], Value]) -> None:
        self._topic = topic
        self._read = read
        self._kept: tuple[str, Value] | None = None

    def get(self) -> Value:
        # The stamp before the rows: a change in between is kept under the old stamp, and so is
        # read again by the next call.
        rows = ReferenceStamp.objects.filter(topic=self._topic)
        stamp = rows.values_list("value", flat=True).first()
        kept = self._kept
        if kept is not None and kept[0] == stamp:
            return kept[1]
        value = self._read()
        self._kept = None if stamp is None else (stamp, value)
        return value


def active_packs(*, now: datetime) -> tuple[Pack, ...]:
    """Return every version that is or will be in force: Active, or Superseded and not yet over."""
    today = now.astimezone(UTC).date()
    return tuple(
        pack for pack in _packs.get() if pack.effective_to is None or pack.effective_to >= today
    )


def fact_catalogue() -> FactCatalogue:
    """Return the facts that rules may ask for."""
    return _facts.get()


def jurisdiction_directory() -> JurisdictionDirectory:
    """Return the known jurisdictions and every spelling that names one."""
    return _directory.get()


def pack_get(*, pack_id: str, version: str | None = None) -> RulePack:
    """Return a version of a pack; without one, the Active version, else the newest.

    Raises `NotFound`.
    """
    rows = RulePack.objects.filter(pack_id=pack_id)
    if version is not None:
        rows = rows.filter(version=version)
    found = sorted(rows, key=lambda row: (row.status == PackStatus.ACTIVE, version_order(row)))
    if not found:
        raise NotFound(f"There is no rule pack {pack_id} {version or ''}".rstrip() + ".")
    return found[-1]


def pack_value(row: RulePack) -> Pack:
    """Return the engine's value of a version, whatever its status."""
    return pack_of(row, requirements_of([row]))


def requirements_of(rows: Iterable[RulePack]) -> list[Requirement]:
    """Return the requirements of these versions in their order."""
    found = Requirement.objects.filter(pack__in=[row.pk for row in rows])
    return list(found.order_by("pack_id", "position", "pk"))


def version_order(row: RulePack) -> tuple[int, ...]:
    """Return the version as numbers, so that 2026.11.10 comes after 2026.11.9."""
    return tuple(int(part) for part in row.version.split(".") if part.isdigit())


def _read_packs() -> tuple[Pack, ...]:
    superseded = Q(status=PackStatus.SUPERSEDED, effective_to__isnull=False)
    rows = list(
        RulePack.objects.filter(Q(status=PackStatus.ACTIVE) | superseded).order_by(
            "pack_id", "version"
        )
    )
    by_pack: dict[object, list[Requirement]] = {row.pk: [] for row in rows}
    for requirement in requirements_of(rows):
        by_pack[requirement.pack_id].append(requirement)
    return tuple(pack_of(row, by_pack[row.pk]) for row in rows)


def _read_facts() -> FactCatalogue:
    return FactCatalogue.of(
        CatalogueEntry(
            path=row.path,
            type=row.type,
            enum=tuple(row.enum) if row.enum else None,
            assume_when_missing=row.assume_when_missing,
            description=row.description,
            origin=row.origin,
        )
        for row in FactDefinition.objects.order_by("pk")
    )


def _read_directory() -> JurisdictionDirectory:
    return JurisdictionDirectory.from_rows(
        [
            JurisdictionEntry(row.code, row.kind, row.name, tuple(row.members), tuple(row.aliases))
            for row in Jurisdiction.objects.order_by("pk")
        ],
        AmbiguousSpelling.objects.order_by("pk").values_list("text", flat=True),
    )


_packs = _Kept(Topic.PACKS, _read_packs)
_facts = _Kept(Topic.FACTS, _read_facts)
_directory = _Kept(Topic.DIRECTORY, _read_directory)
