"""Writing the facts catalogue: what rules may ask for, without breaking the rules there are."""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_administrator
from audit.services import record_event
from config.api.errors import PreconditionFailed
from jurisdictions.catalogue import FactDefinition as CatalogueEntry
from jurisdictions.choices import FactType
from jurisdictions.fact_uses import uses_of_fact, values_used
from jurisdictions.facts import home_of
from jurisdictions.models import FactDefinition
from jurisdictions.services.locking import lock_rules_in_force
from jurisdictions.validation import json_problem

_PATH = re.compile(r"[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)+")
_MAX_CHOICES, _MAX_CHOICE = 200, 100
_WITH_CHOICES = (FactType.ENUM, FactType.LIST)
# A change of these alone changes no verdict, nor what can be recorded.
_WORDS = frozenset({"description", "origin"})
_FIXED_BY_USE = ("path", "type")


class FactContent(TypedDict, total=False):
    """What can be written of a definition."""

    path: str
    type: str
    enum: list[str] | None
    assume_when_missing: str | bool | int | float | None
    origin: str
    description: str


CONTENT = tuple(FactContent.__annotations__)


@transaction.atomic
def fact_add(*, actor: User, **content: Unpack[FactContent]) -> FactDefinition:
    """Add a fact that rules may ask for. Administrators only. Raises ValidationError, by field."""
    require_administrator(actor)
    lock_rules_in_force()
    row = FactDefinition(**content)
    _require_valid(row)
    _sign(row, actor)
    row.save(force_insert=True)
    _record("added", actor, row, sorted(content))
    return row


@transaction.atomic
def fact_update(
    *,
    actor: User,
    definition: FactDefinition,
    seen: str | None = None,
    **content: Unpack[FactContent],
) -> FactDefinition:
    """Change the given fields of a definition; loading leaves it alone from now on.

    Administrators only. Where rules or recorded values use the fact, its path and type stay, and
    so does every value in use. `seen` is the `fact_digest` of what the caller saw. Raises
    ValidationError, by field, and `PreconditionFailed`.
    """
    require_administrator(actor)
    lock_rules_in_force()
    row = FactDefinition.objects.select_for_update().get(pk=definition.pk)
    if seen is not None and seen != fact_digest(row):
        raise PreconditionFailed
    before = _entry(row)
    changed = sorted(name for name, value in content.items() if not _same(row, name, value))
    if not changed:
        return row
    for name in changed:
        setattr(row, name, dict(content)[name])
    _require_valid(row)
    _refuse_breaking(before, row, changed)
    _sign(row, actor)
    row.save(update_fields=[*changed, "edited_by", "edited_at"])
    _record("described" if _WORDS.issuperset(changed) else "updated", actor, row, changed)
    return row


def fact_digest(row: FactDefinition) -> str:
    """Return a name of what a definition says, for those who change it later."""
    shown = {name: getattr(row, name) for name in CONTENT}
    return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def _same(row: FactDefinition, name: str, value: object) -> bool:
    # True is not 1 to a rule.
    return json.dumps(getattr(row, name)) == json.dumps(value)


def _sign(row: FactDefinition, actor: User) -> None:
    row.edited_by = actor.label
    row.edited_at = timezone.now()


def _require_valid(row: FactDefinition) -> None:
    problems: dict[str, list[str]] = {}
    for name in CONTENT:
        if problem := json_problem(getattr(row, name)):
            raise ValidationError({name: [problem]})
    try:
        row.full_clean(validate_constraints=False)
    except ValidationError as refusal:
        problems = refusal.message_dict
    if not _PATH.fullmatch(row.path):
        problems.setdefault("path", []).append(
            "Write it as token.holderCount: letters and digits in parts joined by dots, each part "
            "beginning with a small letter."
        )
    elif row._state.adding and home_of(row.path):
        problems["path"] = [f"Such a fact comes with the software. {home_of(row.path)}"]
    if found := _choice_problem(row.type, row.enum):
        problems["enum"] = [found]
    if problems:
        raise ValidationError(problems)
    assumed = row.assume_when_missing
    if assumed is not None and (found := _entry(row).problem_with(assumed)):
        raise ValidationError({"assume_when_missing": [found]})


def _choice_problem(fact_type: str, enum: object) -> str | None:
    if enum is None:
        return "List the values it may have." if fact_type == FactType.ENUM else None
    if not isinstance(enum, list) or not enum or not all(_is_choice(one) for one in enum):
        return f"List texts of at most {_MAX_CHOICE} characters, without spaces around them."
    if fact_type not in _WITH_CHOICES:
        return "Only a fact that is one of its choices, or a list, has values to list."
    if len(enum) > _MAX_CHOICES:
        return f"List at most {_MAX_CHOICES} values."
    return "A value is listed twice." if len(set(enum)) < len(enum) else None


def _is_choice(value: object) -> bool:
    if not isinstance(value, str) or value != value.strip():
        return False
    return 0 < len(value) <= _MAX_CHOICE


def _refuse_breaking(before: CatalogueEntry, row: FactDefinition, changed: Sequence[str]) -> None:
    """Raise ValidationError, by field, where rules or recorded values need what was there."""
    home = home_of(before.path)
    structural = [name for name in (*_FIXED_BY_USE, "enum") if name in changed]
    if home and set(structural) - {"enum"}:
        raise ValidationError({name: [f"It stays as it is. {home}"] for name in structural})
    if home and "enum" in changed and (lost := set(before.enum or ()) - set(row.enum or ())):
        # What its own record holds is not looked through here.
        text = f"{', '.join(sorted(lost))} cannot be removed. {home}"
        raise ValidationError({"enum": [text]})
    problems: dict[str, list[str]] = {}
    fixed = [name for name in _FIXED_BY_USE if name in changed]
    if fixed and (uses := uses_of_fact(before.path)):
        text = f"It cannot change any more: it is used by {', '.join(uses)}."
        problems = {name: [text] for name in fixed}
    elif "enum" in changed:
        entry = _entry(row)
        texts = []
        for where, value in values_used(before.path):
            if problem := entry.problem_with([value] if row.type == FactType.LIST else value):
                texts.append(f"{where} uses {value!r}: {problem}.")
        problems = {"enum": list(dict.fromkeys(texts))[:10]} if texts else {}
    if problems:
        raise ValidationError(problems)


def _entry(row: FactDefinition) -> CatalogueEntry:
    enum = tuple(row.enum) if row.enum else None
    return CatalogueEntry(row.path, row.type, enum, row.assume_when_missing)


def _record(what: str, actor: User, row: FactDefinition, fields: Sequence[str]) -> None:
    details: dict[str, Any] = {"path": row.path, "fields": list(fields)}
    record_event(
        f"jurisdictions.fact.{what}",
        actor=actor,
        reference_type="fact_definition",
        reference_id=row.path,
        details=details,
    )
