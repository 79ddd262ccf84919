"""The jurisdiction tags of a token and of an issuer: explicit ones, and those read out of text.

What counts for a token (reference/regulation.md, section 9), strongest first:

1. its own explicit tags;
2. the explicit tags of its issuer for other codes, unless all their roles say that nothing is
   offered there (`issuer_home`, `holder_residence`): rules attach to where a token is offered,
   admitted or traded, never to where its issuer lives;
3. tags derived from a text of its record, for codes that no explicit tag names; what cannot be
   read always counts, as unrecognized.

The issuer's country is a derived tag with the role `issuer_home`. It is shown and never counts for
a token: alone it would bring the rules of a market in which nobody offers anything, and would hide
that nobody said where the token is offered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from accounts.models import Issuer, Token
from jurisdictions.choices import TagSource
from jurisdictions.engine import Tag
from jurisdictions.models import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.selectors import jurisdiction_directory
from jurisdictions.tag_text import JurisdictionDirectory, parse_jurisdiction_text

TOKEN, ISSUER = "token", "issuer"
ISSUER_COUNTRY = "issuer.country"
_ABOUT_THE_ISSUER = frozenset({"issuer_home", "holder_residence"})
_UNRECOGNIZED = "unrecognized"

JurisdictionText = Callable[[Token], str | None]


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text of a token that names jurisdictions: the path of the fact, and how it is read."""

    path: str
    read: JurisdictionText


_text_sources: list[TextSource] = []


def derive_tags_from(path: str, read: JurisdictionText) -> None:
    """Have the text that `read` returns for a token shown as derived tags; `path` is its fact.

    For the apps above: the record of a token is theirs.
    """
    _text_sources[:] = [one for one in _text_sources if one.path != path]
    _text_sources.append(TextSource(path, read))


@dataclass(frozen=True, slots=True)
class ShownTag:
    """One tag, where it comes from, and whether it counts for the token.

    `origin` is `token` or `issuer` for an explicit tag, else the path of the fact that it was read
    from. `code` is None where the text could not be read.
    """

    code: str | None
    raw_text: str
    name: str | None
    kind: str
    source: TagSource
    origin: str
    roles: tuple[str, ...] = ()
    classification: str | None = None
    offering_kind: str | None = None
    exemption: str | None = None
    note: str = ""
    is_primary: bool = False
    counts: bool = True
    assigned_by: str | None = None
    assigned_at: datetime | None = None

    @property
    def recognized(self) -> bool:
        return self.code is not None

    @property
    def value(self) -> Tag:
        """The engine's value of it."""
        return Tag(
            jurisdiction=self.code or self.raw_text,
            kind=self.kind,
            roles=self.roles,
            classification=self.classification,
            offering_kind=self.offering_kind,
            exemption=self.exemption,
            source=str(self.source),
            recognized=self.recognized,
            raw_text=self.raw_text,
        )


def token_tags(token: Token) -> tuple[ShownTag, ...]:
    """Return every tag of a token and of its issuer: explicit ones first, then by code."""
    texts = [(source.path, source.read(token)) for source in _text_sources]
    return token_tags_with(token, texts)


@dataclass(frozen=True, slots=True)
class TagRows:
    """The explicit tags of a token and those of its issuer, each by code."""

    own: Sequence[TokenJurisdiction]
    of_issuer: Sequence[IssuerJurisdiction]


def read_tag_rows(token: Token) -> TagRows:
    """Read the explicit tags of a token and of its issuer."""
    own = TokenJurisdiction.objects.filter(token=token).order_by("code", "pk")
    of_issuer = IssuerJurisdiction.objects.filter(issuer=token.issuer).order_by("code", "pk")
    return TagRows(list(own), [] if token.issuer is None else list(of_issuer))


def token_tags_with(
    token: Token, texts: Iterable[tuple[str, str | None]], rows: TagRows | None = None
) -> tuple[ShownTag, ...]:
    """Return the tags as `token_tags` does, of texts that were read already, by path.

    `rows` are the explicit ones where they were read already too.
    """
    directory = jurisdiction_directory()
    rows = rows or read_tag_rows(token)
    own = rows.own
    tags = [_explicit(row, TOKEN, directory, is_primary=row.is_primary) for row in own]
    named = {row.code for row in own}
    country: list[ShownTag] = []
    if token.issuer is not None:
        for row in rows.of_issuer:
            counts = row.code not in named and offers_there(row.roles)
            tags.append(_explicit(row, ISSUER, directory, counts=counts))
        country = _country(token.issuer, directory)
    explicit = {tag.code for tag in tags if tag.counts}
    for path, text in texts:
        for tag in _derived(text, path, directory):
            beaten = tag.code is not None and tag.code in explicit
            tags.append(replace(tag, counts=not beaten))
    return (*tags, *country)


def issuer_tags(issuer: Issuer) -> tuple[ShownTag, ...]:
    """Return every tag of an issuer; those count that count for its tokens without their own."""
    directory = jurisdiction_directory()
    rows = IssuerJurisdiction.objects.filter(issuer=issuer).order_by("code", "pk")
    tags = [_explicit(row, ISSUER, directory, counts=offers_there(row.roles)) for row in rows]
    return (*tags, *_country(issuer, directory))


def offers_there(roles: Iterable[str]) -> bool:
    """Return whether an issuer's tag with these roles speaks of its tokens; without roles it does.

    MiCA attaches to an offer in the Union and not to the issuer's domicile, and where holders live
    feeds screening alone (reference/regulation.md, section 9).
    """
    given = set(roles)
    return not given or not given <= _ABOUT_THE_ISSUER


def tags_etag(tags: Iterable[ShownTag]) -> str:
    """Return a name of this state of a tag list, which any visible change changes."""
    return sha256(repr(tuple(tags)).encode()).hexdigest()[:32]


def _explicit(
    row: TokenJurisdiction | IssuerJurisdiction,
    origin: str,
    directory: JurisdictionDirectory,
    *,
    counts: bool = True,
    is_primary: bool = False,
) -> ShownTag:
    entry = directory.get(row.code) if row.recognized else None
    return ShownTag(
        code=row.shown_code,
        raw_text=row.raw_text,
        name=entry.name if entry else None,
        kind=entry.kind if entry else _UNRECOGNIZED,
        source=TagSource.EXPLICIT,
        origin=origin,
        roles=tuple(row.roles),
        classification=row.classification,
        offering_kind=row.offering_kind,
        exemption=row.exemption,
        note=row.note,
        is_primary=is_primary,
        counts=counts,
        assigned_by=row.updated_by or row.assigned_by,
        assigned_at=row.updated_at or row.assigned_at,
    )


def _derived(text: str | None, path: str, directory: JurisdictionDirectory) -> Iterable[ShownTag]:
    for parsed in parse_jurisdiction_text(text or "", directory):
        entry = directory.get(parsed.code) if parsed.code else None
        yield ShownTag(
            code=parsed.code,
            raw_text=parsed.raw_text,
            name=entry.name if entry else None,
            kind=parsed.kind or _UNRECOGNIZED,
            source=TagSource.DERIVED,
            origin=path,
        )


def _country(issuer: Issuer, directory: JurisdictionDirectory) -> list[ShownTag]:
    found = _derived(issuer.country, ISSUER_COUNTRY, directory)
    return [replace(tag, roles=("issuer_home",), counts=False) for tag in found]
