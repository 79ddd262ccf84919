"""Who uses a fact of the catalogue: rules that name it, and values that were recorded."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q

from jurisdictions.choices import PackStatus
from jurisdictions.models import FactValue, Requirement, RulePack

_MOST_NAMED = 5
# Rules that are or can come into force as they stand; a Draft can still be put right.
_BINDING = (PackStatus.IN_REVIEW, PackStatus.ACTIVE, PackStatus.SUPERSEDED)


def uses_of_fact(path: str) -> list[str]:
    """Return who uses the fact, in words: versions of packs, and recorded values."""
    rules = sorted({str(row) for row, content in _rules() if _names(content, path)})
    found = rules[:_MOST_NAMED]
    if len(rules) > _MOST_NAMED:
        found.append(f"{len(rules) - _MOST_NAMED} more versions of rule packs")
    if FactValue.objects.filter(path=path).exists():
        found.append("recorded values")
    return found


def values_used(path: str) -> Iterator[tuple[str, Any]]:
    """Yield every single value of the fact that is in use: by which binding rules, or recorded."""
    for pack, content in _rules(status__in=_BINDING):
        yield from ((str(pack), value) for value in _compared(content, path))
    same_subject = Q(token=OuterRef("token")) | Q(issuer=OuterRef("issuer"))
    newer = FactValue.objects.filter(same_subject, path=path, pk__gt=OuterRef("pk"))
    held = FactValue.objects.filter(~Exists(newer), path=path, value__isnull=False)
    for value in held.values_list("value", flat=True).iterator():
        members = value if isinstance(value, list) else [value]
        yield from (("A recorded value", member) for member in members if member is not None)


def _rules(**wanted: Any) -> Iterator[tuple[RulePack, Mapping[str, Any]]]:
    packs = {row.pk: row for row in RulePack.objects.filter(**wanted)}
    for pack in packs.values():
        yield pack, pack.applies_when
    for rule in Requirement.objects.filter(pack__in=packs):
        yield packs[rule.pack_id], rule.applies_when
        yield packs[rule.pack_id], rule.params


def _names(content: Any, path: str) -> bool:
    """Whether the path stands anywhere in a condition or in params."""
    if isinstance(content, Mapping):
        return any(_names(one, path) for one in content.values())
    if isinstance(content, list):
        return any(_names(one, path) for one in content)
    return bool(content == path)


def _compared(content: Any, path: str) -> Iterator[Any]:
    """The values that a condition or params compare the fact with."""
    if isinstance(content, list):
        for one in content:
            yield from _compared(one, path)
    if not isinstance(content, Mapping):
        return
    if content.get("fact") == path and content.get("op") != "exists":
        value = content.get("value")
        yield from value if isinstance(value, list) else [value]
    if content.get("field") == path:
        yield from content.get("values", ())
    for one in content.values():
        yield from _compared(one, path)
