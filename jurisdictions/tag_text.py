"""Text such as "US,EU" read into jurisdiction codes, nothing lost (regulation.md section 9)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# With the full-width forms, which NFKC would only turn into separators after the split.
_SEPARATORS = re.compile(r"[,;/|\uff0c\uff1b\uff0f\uff5c]")
_AND = re.compile(r"\bAND\b", re.IGNORECASE)
_AMBIGUOUS = "?ambiguous"


class TagProblem(StrEnum):
    """Why a fragment could not be read."""

    UNKNOWN = "Unknown"
    AMBIGUOUS = "Ambiguous"


@dataclass(frozen=True)
class ParsedTag:
    """One fragment of a text: the jurisdiction it names, or the raw text and what is wrong."""

    raw_text: str
    code: str | None = None
    kind: str | None = None
    problem: TagProblem | None = None

    @property
    def recognized(self) -> bool:
        """Whether the fragment names a jurisdiction."""
        return self.code is not None


@dataclass(frozen=True)
class JurisdictionEntry:
    """One known jurisdiction; `members` only for a supranational, `aliases` besides the name."""

    code: str
    kind: str
    name: str
    members: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class JurisdictionDirectory:
    """All known jurisdictions by code, and every spelling that names one.

    A spelling mapped to None is ambiguous. Codes win over aliases, aliases over names.
    """

    entries: Mapping[str, JurisdictionEntry]
    spellings: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_rows(
        cls, rows: Iterable[JurisdictionEntry], ambiguous: Iterable[str] = ()
    ) -> JurisdictionDirectory:
        """A directory of these rows; `ambiguous` are spellings that name more than one."""
        entries = {row.code: row for row in rows}
        spellings: dict[str, str | None] = {normalize(text): None for text in ambiguous}
        codes = [(row.code, row.code) for row in entries.values()]
        aliases = [(alias, row.code) for row in entries.values() for alias in row.aliases]
        names = [(row.name, row.code) for row in entries.values()]
        for text, code in [*codes, *aliases, *names]:
            spellings.setdefault(normalize(text), code)
        return cls(entries, spellings)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> JurisdictionDirectory:
        """The directory of a jurisdictions document (`fixtures/reference/jurisdictions.json`)."""
        aliases: dict[str, list[str]] = {}
        for text, code in document["aliases"].items():
            aliases.setdefault(code, []).append(text)
        rows = [
            JurisdictionEntry(code, kind, name, members, tuple(aliases.get(code, ())))
            for code, kind, name, members in _document_rows(document)
        ]
        return cls.from_rows(rows, aliases.get(_AMBIGUOUS, ()))

    def __contains__(self, code: object) -> bool:
        return code in self.entries

    def get(self, code: str) -> JurisdictionEntry | None:
        """The jurisdiction of a code, or None where there is none."""
        return self.entries.get(code)

    def supranationals_of(self, code: str) -> tuple[str, ...]:
        """The supranational jurisdictions that a country is a member of, ordered."""
        return tuple(sorted(one.code for one in self.entries.values() if code in one.members))


def _document_rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    for code, name in document.get("countries", {}).items():
        yield code, "country", name, ()
    for code, entry in document["subdivisions"].items():
        yield code, "subdivision", entry["name"], ()
    for code, name in document["privateCodes"].items():
        yield code, "private", name, ()
    for code, entry in document["supranational"].items():
        kind = {"GLOBAL": "global", "FATF": "standard_setter"}.get(code, "supranational")
        yield code, kind, entry["name"], tuple(entry.get("members", ()))


def normalize(text: str) -> str:
    """The text as spellings are compared: NFKC, without dots, single spaces, upper case."""
    plain = unicodedata.normalize("NFKC", text).replace(".", "")
    return " ".join(plain.split()).upper()


def parse_jurisdiction_text(
    text: str | None, directory: JurisdictionDirectory
) -> tuple[ParsedTag, ...]:
    """The jurisdictions a text names, in order, each once; what cannot be read keeps its raw text.

    Fragments end at a comma, semicolon, slash, bar or the word "and", except within a name that
    is known as a whole ("Bosnia and Herzegovina").
    """
    found: dict[str, ParsedTag] = {}
    for fragment in _SEPARATORS.split(text or ""):
        for tag in _parse_fragment(fragment, directory):
            found.setdefault(tag.code or f"?{normalize(tag.raw_text)}", tag)
    return tuple(found.values())


def _parse_fragment(fragment: str, directory: JurisdictionDirectory) -> Iterator[ParsedTag]:
    parts = _AND.split(fragment)
    start = 0
    while start < len(parts):
        # The longest run that is known as a whole; else its first part alone, known or not.
        for end in range(len(parts), start, -1):
            raw_text = " and ".join(part.strip() for part in parts[start:end])
            if end == start + 1 or normalize(raw_text) in directory.spellings:
                break
        if raw_text:
            yield _parse_one(raw_text, directory)
        start = end


def _parse_one(raw_text: str, directory: JurisdictionDirectory) -> ParsedTag:
    spelling = normalize(raw_text)
    if spelling not in directory.spellings:
        return ParsedTag(raw_text, problem=TagProblem.UNKNOWN)
    code = directory.spellings[spelling]
    if code is None:
        return ParsedTag(raw_text, problem=TagProblem.AMBIGUOUS)
    return ParsedTag(raw_text, code, directory.entries[code].kind)
