"""Jurisdiction text: read, merged, and never silently dropped."""

import pytest

from jurisdictions.tag_text import (
    JurisdictionDirectory,
    JurisdictionEntry,
    TagProblem,
    parse_jurisdiction_text,
)
from tests.jurisdictions.builders import reference

DIRECTORY = JurisdictionDirectory.from_document(reference("jurisdictions"))


def read(text: str | None) -> list[str]:
    """The codes a text gives; a fragment that was not read stands in angle brackets."""
    return [tag.code or f"<{tag.raw_text}>" for tag in parse_jurisdiction_text(text, DIRECTORY)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("US,EU", ["US", "EU"]),
        (" us ; de/fr | gb ", ["US", "DE", "FR", "GB"]),
        ("U.S. and E.U.", ["US", "EU"]),
        ("UK", ["GB"]),
        ("EL, USA", ["GR", "US"]),
        ("Dubai", ["AE-DU"]),
        ("worldwide", ["GLOBAL"]),
        ("Germany and Austria", ["DE", "AT"]),
        ("x-ae-adgm", ["X-AE-ADGM"]),
        ("South Korea", ["KR"]),
        ("\uff35\uff33\uff0c\uff24\uff25", ["US", "DE"]),
        ("hong\u00a0kong", ["HK"]),
        ("", []),
        (None, []),
        (" , ;", []),
    ],
)
def test_known_spellings(text: str | None, codes: list[str]) -> None:
    assert read(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Bosnia and Herzegovina", ["BA"]),
        ("US and Trinidad and Tobago and DE", ["US", "TT", "DE"]),
        ("Trinidad and US", ["<Trinidad>", "US"]),
        ("Sandland", ["<Sandland>"]),
    ],
)
def test_the_word_and_inside_a_name_does_not_split_it(text: str, codes: list[str]) -> None:
    assert read(text) == codes


def test_duplicates_are_merged_read_or_not() -> None:
    assert read("US, usa, U.S., Atlantis, ATLANTIS") == ["US", "<Atlantis>"]


def test_what_cannot_be_read_keeps_its_raw_text() -> None:
    (tag,) = parse_jurisdiction_text("  Atlantis (North) ", DIRECTORY)
    assert (tag.raw_text, tag.code, tag.problem) == ("Atlantis (North)", None, TagProblem.UNKNOWN)
    assert not tag.recognized


def test_an_ambiguous_fragment_is_not_read() -> None:
    (tag,) = parse_jurisdiction_text("Europe", DIRECTORY)
    assert (tag.raw_text, tag.code, tag.problem) == ("Europe", None, TagProblem.AMBIGUOUS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DE", "country"),
        ("AE-DU", "subdivision"),
        ("EU", "supranational"),
        ("FATF", "standard_setter"),
        ("GLOBAL", "global"),
        ("X-AE-DIFC", "private"),
    ],
)
def test_a_tag_knows_the_kind_of_its_jurisdiction(text: str, kind: str) -> None:
    (tag,) = parse_jurisdiction_text(text, DIRECTORY)
    assert (tag.code, tag.kind) == (text, kind)


def test_all_official_codes_are_known() -> None:
    countries = reference("jurisdictions")["countries"]
    assert len(countries) == 249
    assert {"DE": "Germany", "GB": "United Kingdom", "US": "United States"}.items() <= (
        countries.items()
    )
    assert read(",".join(countries)) == list(countries)


def test_membership() -> None:
    assert DIRECTORY.supranationals_of("DE") == ("EEA", "EU")
    assert DIRECTORY.supranationals_of("LI") == ("EEA",)
    assert DIRECTORY.supranationals_of("CH") == ()


def test_a_directory_can_come_from_rows() -> None:
    directory = JurisdictionDirectory.from_rows(
        [
            JurisdictionEntry("XA", "country", "Examplia", aliases=("EX",)),
            JurisdictionEntry("EX", "country", "Exland"),
        ],
        ambiguous=["The Isles"],
    )
    tags = parse_jurisdiction_text("examplia, EX, the isles", directory)
    assert [(tag.code, tag.problem) for tag in tags] == [
        ("XA", None),
        ("EX", None),
        (None, TagProblem.AMBIGUOUS),
    ]
