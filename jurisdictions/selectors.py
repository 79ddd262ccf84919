"""Reading the rules: packs that can be in force, facts catalogue, jurisdictions, screening lists.

What is read for every evaluation is kept in the process. Each call asks for the topic's stamp, one
row by primary key, and reads anew where it changed: a change committed by any process shows in the
next call. Nothing is kept while a topic has no stamp.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Generic, TypeVar

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from audit.principal import Principal
from config.api.errors import NotFound
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.catalogue import FactDefinition as CatalogueEntry
from jurisdictions.choices import PackStatus
from jurisdictions.engine import Pack
from jurisdictions.engine import ScreeningList as ScreeningListValue
from jurisdictions.mapping import pack_of
from jurisdictions.models import (
    AmbiguousSpelling,
    FactDefinition,
    Jurisdiction,
    ReferenceStamp,
    Requirement,
    RulePack,
    ScreeningList,
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


def screening_lists() -> Mapping[str, ScreeningListValue]:
    """Return the lists that jurisdiction codes are checked against, by id."""
    return _lists.get()


def pack_get(*, pack_id: str, version: str | None = None) -> RulePack:
    """Return a version of a pack; without one, the newest in force today.

    Where none is in force, the Active version, else the newest. Raises `NotFound`.
    """
    rows = RulePack.objects.filter(pack_id=pack_id)
    if version is not None:
        rows = rows.filter(version=version)
    today = timezone.now().date()
    found = sorted(
        rows,
        key=lambda row: (
            _is_in_force(row, today),
            row.status == PackStatus.ACTIVE,
            version_order(row),
        ),
    )
    if not found:
        raise NotFound(f"There is no rule pack {pack_id} {version or ''}".rstrip() + ".")
    return found[-1]


def _is_in_force(row: RulePack, today: date) -> bool:
    if row.status == PackStatus.SUPERSEDED:
        ends = row.effective_to or date.min
    elif row.status == PackStatus.ACTIVE:
        ends = row.effective_to or date.max
    else:
        return False
    return (row.effective_from or date.min) <= today <= ends


def requirement_get(*, pack: RulePack, key: str) -> Requirement:
    """Return the requirement of a version with this key. Raises `NotFound`."""
    found = Requirement.objects.filter(pack=pack, key=key).first()
    if found is None:
        raise NotFound(f"{pack} has no requirement {key}.")
    found.pack = pack
    return found


def rule_packs(*, actor: Principal) -> QuerySet[RulePack]:
    """Return the versions of rule packs that `actor` sees, with their `requirement_count`."""
    rows = RulePack.objects.visible_to(actor)
    return rows.annotate(requirement_count=Count("requirements"))


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


def _read_lists() -> dict[str, ScreeningListValue]:
    rows = ScreeningList.objects.prefetch_related("entries").order_by("list_id")
    return {
        row.list_id: ScreeningListValue(
            id=row.list_id,
            title=row.title,
            as_of=row.as_of,
            codes=frozenset(entry.code for entry in row.entries.all()),
            max_age_days=row.max_age_days,
        )
        for row in rows
    }


_packs = _Kept(Topic.PACKS, _read_packs)
_facts = _Kept(Topic.FACTS, _read_facts)
_directory = _Kept(Topic.DIRECTORY, _read_directory)
_lists = _Kept(Topic.LISTS, _read_lists)
