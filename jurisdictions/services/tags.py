"""Writing the explicit jurisdiction tags of tokens and issuers."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.services import token_for_write
from audit.services import record_event
from config.api.errors import NotFound, ValidationFailed
from config.api.preconditions import require_match
from jurisdictions.models import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.selectors import fact_catalogue, jurisdiction_directory
from jurisdictions.services.locking import require_seen
from jurisdictions.services.subjects import issuer_for_write, known_token_for_write
from jurisdictions.tag_text import normalize, parse_jurisdiction_text
from jurisdictions.tags import issuer_tags, tags_etag, token_tags

NOT_FOUND = "Jurisdiction assignment not found"
# The fact whose definition holds the words that a field takes.
TAG_FACTS: Mapping[str, str] = {
    "roles": "tag.role",
    "classification": "tag.classification",
    "offering_kind": "tag.offeringKind",
    "exemption": "tag.exemption",
}
_WIRE_NAMES: Mapping[str, str] = {
    "roles": "roles",
    "classification": "classification",
    "offering_kind": "offeringKind",
    "exemption": "exemption",
    "note": "notes",
    "is_primary": "isPrimary",
}
_MAX_TEXT = 200
_EMPTY: Mapping[str, Any] = {
    "roles": [],
    "classification": None,
    "offering_kind": None,
    "exemption": None,
    "note": "",
    "is_primary": False,
}


class TagContent(TypedDict, total=False):
    """What can be written of a tag besides its jurisdiction; None clears a field."""

    roles: list[str] | None
    classification: str | None
    offering_kind: str | None
    exemption: str | None
    note: str | None


class TokenTagContent(TagContent, total=False):
    """What can be written of a token's tag."""

    is_primary: bool | None


class NamedJurisdiction(NamedTuple):
    """What a text names: a code of the directory, or the text as it is compared."""

    code: str
    recognized: bool
    raw_text: str


@transaction.atomic
def tag_assign(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    jurisdiction: str,
    if_match: str | None = None,
    lock_version: int | None = None,
    **content: Unpack[TokenTagContent],
) -> TokenJurisdiction:
    """Tag a token with a jurisdiction, or change its tag; fields not given stay as they are.

    A text that names no known jurisdiction is kept and flagged: `engine.tags_recognised` fails
    until it is removed. A new tag is the primary one unless `is_primary` says otherwise, and takes
    that from another. Token writers only.
    Raises `ValidationFailed`, `PermissionRefused`, `AmbiguousAsset`, `PreconditionFailed`.
    """
    named = _named(jurisdiction)
    wanted = _checked(content)
    token = token_for_write(actor=actor, asset_id=asset_id, network=network)
    if if_match is not None:
        require_match(if_match, tags_etag(token_tags(token)))
    row = TokenJurisdiction.objects.filter(token=token, code=named.code).first()
    if row is None:
        row = TokenJurisdiction(token=token)
        wanted.setdefault("is_primary", True)
    row.token = token
    if wanted.get("is_primary"):
        _take_primary(token, besides=named.code)
    _write(actor, row, named, wanted, lock_version, "token_tag")
    return row


@transaction.atomic
def tag_remove(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    jurisdiction: str,
    if_match: str | None = None,
    lock_version: int | None = None,
) -> Token:
    """Take an explicit tag from a token and return the token. Token writers only.

    No other tag becomes primary by itself. Raises `NotFound`, `PermissionRefused`,
    `AmbiguousAsset`, `PreconditionFailed`.
    """
    token = known_token_for_write(actor=actor, asset_id=asset_id, network=network)
    if if_match is not None:
        require_match(if_match, tags_etag(token_tags(token)))
    rows = TokenJurisdiction.objects.filter(token=token)
    row = rows.filter(code__in=_spellings(jurisdiction)).order_by("-recognized").first()
    if row is None:
        raise NotFound(NOT_FOUND)
    row.token = token
    _remove(actor, row, lock_version, "token_tag")
    return token


@transaction.atomic
def issuer_tag_assign(
    *,
    actor: User,
    issuer_id: UUID,
    jurisdiction: str,
    if_match: str | None = None,
    lock_version: int | None = None,
    **content: Unpack[TagContent],
) -> IssuerJurisdiction:
    """Tag an issuer with a jurisdiction, or change its tag; fields not given stay as they are.

    Officers, and the issuer's Owners and Operators. Raises `ValidationFailed`, `NotVisible`,
    `PermissionRefused`, `PreconditionFailed`.
    """
    named = _named(jurisdiction)
    wanted = _checked(content)
    issuer = issuer_for_write(actor=actor, issuer_id=issuer_id)
    if if_match is not None:
        require_match(if_match, tags_etag(issuer_tags(issuer)))
    row = IssuerJurisdiction.objects.filter(issuer=issuer, code=named.code).first()
    if row is None:
        row = IssuerJurisdiction(issuer=issuer)
    _write(actor, row, named, wanted, lock_version, "issuer_tag")
    return row


@transaction.atomic
def issuer_tag_remove(
    *,
    actor: User,
    issuer_id: UUID,
    jurisdiction: str,
    if_match: str | None = None,
    lock_version: int | None = None,
) -> Issuer:
    """Take an explicit tag from an issuer and return the issuer.

    Officers, and the issuer's Owners and Operators. Raises `NotFound`, `NotVisible`,
    `PermissionRefused`, `PreconditionFailed`.
    """
    issuer = issuer_for_write(actor=actor, issuer_id=issuer_id)
    if if_match is not None:
        require_match(if_match, tags_etag(issuer_tags(issuer)))
    rows = IssuerJurisdiction.objects.filter(issuer=issuer)
    row = rows.filter(code__in=_spellings(jurisdiction)).order_by("-recognized").first()
    if row is None:
        raise NotFound(NOT_FOUND)
    row.issuer = issuer
    _remove(actor, row, lock_version, "issuer_tag")
    return issuer


def _named(text: str) -> NamedJurisdiction:
    if len(text) > _MAX_TEXT:
        raise _invalid({"jurisdictionCode": [f"At most {_MAX_TEXT} characters."]})
    parsed = parse_jurisdiction_text(text, jurisdiction_directory())
    if not parsed:
        raise _invalid({"jurisdictionCode": ["Jurisdiction code is required"]})
    if len(parsed) > 1:
        raise _invalid({"jurisdictionCode": ["Name one jurisdiction at a time."]})
    (one,) = parsed
    code = one.code or normalize(one.raw_text)
    return NamedJurisdiction(code, one.code is not None, one.raw_text)


def _spellings(text: str) -> list[str]:
    # A text that was not recognized when it was kept may name a jurisdiction by now.
    return [_named(text).code, normalize(text)]


def _checked(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with None turned into nothing; refuse words the catalogue lacks."""
    wanted = {name: _EMPTY[name] if value is None else value for name, value in content.items()}
    catalogue = fact_catalogue()
    problems: dict[str, list[str]] = {}
    for name, path in TAG_FACTS.items():
        if not wanted.get(name):
            continue
        definition = catalogue.get(path)
        words = set(definition.enum or ()) if definition else set()
        given = wanted[name] if name == "roles" else [wanted[name]]
        if any(word not in words for word in given):
            problems[_WIRE_NAMES[name]] = [f"Must be of: {', '.join(sorted(words))}."]
    if problems:
        raise _invalid(problems)
    if "roles" in wanted:
        wanted["roles"] = sorted(set(wanted["roles"]))
    return wanted


def _take_primary(token: Token, *, besides: str) -> None:
    """Unmark another primary tag; the event of the new primary tells of it."""
    others = TokenJurisdiction.objects.filter(token=token, is_primary=True).exclude(code=besides)
    for row in others:
        row.is_primary = False
        row.lock_version += 1
        row.save(update_fields=["is_primary", "lock_version"])


def _write(
    actor: User,
    row: TokenJurisdiction | IssuerJurisdiction,
    named: NamedJurisdiction,
    wanted: Mapping[str, Any],
    lock_version: int | None,
    noun: str,
) -> None:
    adding = row._state.adding
    if not adding:
        require_seen(lock_version, row.lock_version)
    changed = sorted(name for name, value in wanted.items() if getattr(row, name) != value)
    was = {} if adding else {name: getattr(row, name) for name in changed if name in TAG_FACTS}
    for name in changed:
        setattr(row, name, wanted[name])
    if adding:
        row.code, row.recognized, row.raw_text = named
        row.assigned_by, row.assigned_by_id = actor.label, actor.principal_id
        row.save(force_insert=True)
    elif changed:
        row.updated_by, row.updated_at = actor.label, timezone.now()
        row.lock_version += 1
        row.save(update_fields=[*changed, "updated_by", "updated_at", "lock_version"])
    else:
        return
    record_event(
        f"jurisdictions.{noun}.{'assigned' if adding else 'updated'}",
        actor=actor,
        **row.event_fields,
        details={
            **_details(row),
            "fields": [_WIRE_NAMES[name] for name in changed],
            **({"was": {_WIRE_NAMES[name]: was[name] for name in was}} if was else {}),
        },
    )


def _remove(
    actor: User, row: TokenJurisdiction | IssuerJurisdiction, lock_version: int | None, noun: str
) -> None:
    require_seen(lock_version, row.lock_version)
    fields, details = row.event_fields, _details(row)
    row.delete()
    record_event(f"jurisdictions.{noun}.removed", actor=actor, **fields, details=details)


def _details(row: TokenJurisdiction | IssuerJurisdiction) -> dict[str, Any]:
    # Codes and words of catalogues alone: a text that could not be read may hold anything.
    return {
        "code": row.shown_code,
        "recognized": row.recognized,
        "roles": list(row.roles),
        "classification": row.classification,
        "offeringKind": row.offering_kind,
        "exemption": row.exemption,
    }


def _invalid(problems: Mapping[str, list[str]]) -> ValidationFailed:
    name, messages = next(iter(problems.items()))
    return ValidationFailed(f"{name}: {messages[0]}", details=problems)
