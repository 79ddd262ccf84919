"""Writing jurisdictions: which there are and which spellings name them."""

import re
from collections.abc import Iterable
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require_administrator
from audit.services import record_event
from jurisdictions.choices import JurisdictionKind
from jurisdictions.models import AmbiguousSpelling, Jurisdiction
from jurisdictions.services.locking import lock_rules_in_force, require_seen
from jurisdictions.tag_text import normalize

# The codes that a rule pack may name, and codes of our own for areas that ISO has none for.
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?|EEA|FATF|GLOBAL|X-[A-Z0-9]{2,5}(-[A-Z0-9]{1,8})?")


class JurisdictionContent(TypedDict, total=False):
    """What can be written of a jurisdiction."""

    kind: str
    name: str
    members: list[str]
    aliases: list[str]
    note: str


@transaction.atomic
def jurisdiction_create(
    *, actor: User, code: str, **content: Unpack[JurisdictionContent]
) -> Jurisdiction:
    """Add a jurisdiction. Administrators only. Raises ValidationError, by field."""
    require_administrator(actor)
    lock_rules_in_force()
    row = Jurisdiction(code=code, **content)
    _require_valid(row)
    _sign(row, actor)
    row.save(force_insert=True)
    _record(actor, row, ["code", *content])
    return row


@transaction.atomic
def jurisdiction_update(
    *,
    actor: User,
    jurisdiction: Jurisdiction,
    lock_version: int | None = None,
    **content: Unpack[JurisdictionContent],
) -> Jurisdiction:
    """Change the given fields of a jurisdiction; loading leaves it alone from now on.

    Administrators only. Versions of rule packs keep the members that they were written for.
    Raises ValidationError, by field, and `PreconditionFailed`.
    """
    require_administrator(actor)
    lock_rules_in_force()
    row = Jurisdiction.objects.select_for_update().get(pk=jurisdiction.pk)
    require_seen(lock_version, row.lock_version)
    changed = sorted(name for name, value in content.items() if getattr(row, name) != value)
    if not changed:
        return row
    for name in changed:
        setattr(row, name, dict(content)[name])
    _require_valid(row)
    _sign(row, actor)
    row.lock_version += 1
    row.save(update_fields=[*changed, "edited_by", "edited_at", "lock_version"])
    _record(actor, row, changed)
    return row


def _sign(row: Jurisdiction, actor: User) -> None:
    row.edited_by = actor.label
    row.edited_at = timezone.now()


def _require_valid(row: Jurisdiction) -> None:
    problems: dict[str, list[str]] = {}
    try:
        row.full_clean()
    except ValidationError as refusal:
        problems = refusal.message_dict
    if not _CODE.fullmatch(row.code):
        problems.setdefault("code", []).append(
            "Use an ISO 3166 code such as DE or AE-DU, or X- and letters for an area without one."
        )
    for name in ("members", "aliases"):
        if not _are_texts(getattr(row, name)):
            problems[name] = ['Write a list of texts, such as ["DE", "FR"].']
    if not problems:
        problems |= _member_problems(row)
        problems |= _spelling_problems(row)
    if problems:
        raise ValidationError(problems)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)


def _member_problems(row: Jurisdiction) -> dict[str, list[str]]:
    if row.members and row.kind not in (
        JurisdictionKind.SUPRANATIONAL,
        JurisdictionKind.STANDARD_SETTER,
    ):
        return {"members": ["Only a union of countries has members."]}
    countries = Jurisdiction.objects.filter(kind=JurisdictionKind.COUNTRY, code__in=row.members)
    strange = sorted(set(row.members) - set(countries.values_list("code", flat=True)))
    return {"members": [f"No country has the code {', '.join(strange)}."]} if strange else {}


def _spelling_problems(row: Jurisdiction) -> dict[str, list[str]]:
    """Refuse an alias that names another jurisdiction already, or that is ambiguous."""
    taken: dict[str, str] = {}
    for other in Jurisdiction.objects.exclude(pk=row.pk):
        taken |= {normalize(text): other.code for text in (other.code, *other.aliases)}
    ambiguous = {normalize(one.text) for one in AmbiguousSpelling.objects.all()}
    found: Iterable[str] = (
        f"{alias} names {taken[normalize(alias)]} already."
        if normalize(alias) in taken
        else f"{alias} is kept as ambiguous."
        for alias in row.aliases
        if normalize(alias) in taken or normalize(alias) in ambiguous
    )
    problems = list(found)
    return {"aliases": problems} if problems else {}


def _record(actor: User, row: Jurisdiction, fields: list[str]) -> None:
    record_event(
        "jurisdictions.jurisdiction.updated",
        actor=actor,
        reference_type="jurisdiction",
        reference_id=row.code,
        details={"code": row.code, "fields": sorted(fields)},
    )
