"""Reading CSV files of whitelists: what people's spreadsheets write, and what nobody can read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from whitelist import csv_rows
from whitelist.choices import EntryStatus, InvestorCategory
from whitelist.csv_rows import BadFile, CsvRow, TooManyRows, parse

HEADER = (
    "Address,Status,Reason,ExpirationDate,KycVerified,KycVerificationDate,KycProvider,"
    "InvestorCategory,JurisdictionCode,Network,AssetId"
)


def only(text: str | bytes) -> CsvRow:
    raw = text.encode() if isinstance(text, str) else text
    (row,) = parse(raw)
    return row


def test_the_words_are_those_of_the_entries() -> None:
    assert tuple(EntryStatus.values) == csv_rows.STATUSES
    assert tuple(InvestorCategory.values) == csv_rows.CATEGORIES


def test_every_field_of_a_row() -> None:
    row = only(
        f"{HEADER}\r\n"
        "A1,revoked,Known,2027-01-21T00:00:00+02:00,YES,2026-01-15,Sumsub,professional,us-ny,"
        "voimain-v1.0,77\r\n"
    )
    assert row == CsvRow(
        line=2,
        address="A1",
        content={
            "status": "Revoked",
            "reason": "Known",
            "expiration_date": datetime(2027, 1, 20, 22, tzinfo=UTC),
            "kyc_verified": True,
            "kyc_verification_date": datetime(2026, 1, 15, tzinfo=UTC),
            "kyc_provider": "Sumsub",
            "investor_category": "Professional",
            "jurisdiction_code": "US-NY",
        },
        network="voimain-v1.0",
        asset_id="77",
    )


def test_every_row_has_its_own_values_and_an_empty_cell_states_nothing() -> None:
    rows = parse(b"Address,Status,KycVerified\nA1,Inactive,\nA2,,false\nA3\n")
    assert [dict(row.content) for row in rows] == [
        {"status": "Inactive"},
        {"kyc_verified": False},
        {},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffAddress,Reason\nA1,Known\n",
        "ADDRESS;reason\r\nA1;Known\r\n",
        'sep=;\nAddress;Reason\n"A1";"Known"\n',
        "Reason,kyc_provider, aDDress \nKnown,,A1",
        "Id,Address,Reason,Role,CreatedBy\n9,A1,Known,,somebody\n",
        "Address,Reason\r\rA1,Known\r",
        "\n\nAddress,Reason\n,\nA1,Known\n\n",
        "\r\n Address;Reason\r\nA1;Known\r\n",
    ],
)
def test_what_spreadsheets_write(text: str) -> None:
    row = only(text)
    assert (row.address, row.content, row.problem) == ("A1", {"reason": "Known"}, None)


def test_a_line_break_in_a_cell_and_the_lines_after_it() -> None:
    rows = parse(b'Address,Reason\nA1,"one\ntwo ""quoted"", and more"\nA2,bad\n\nA3,x\n')
    assert rows[0].content == {"reason": 'one\ntwo "quoted", and more'}
    assert [row.line for row in rows] == [2, 4, 6]


def test_line_numbers_count_the_line_before_the_header() -> None:
    assert only("sep=,\nAddress\nA1").line == 3


def test_the_guard_of_exports_is_taken_away_once() -> None:
    rows = parse(b"Address,Reason\nA1,'=1+1\nA2,''quoted\nA3,'tis\n")
    assert [row.content["reason"] for row in rows] == ["=1+1", "'quoted", "'tis"]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (",Active", "Address: must not be empty"),
        ("A1,Frozen", "Status: must be one of Active, Inactive, Revoked"),
        ("A1,,maybe", "KycVerified: must be true or false"),
        ("A1,,,tomorrow", "ExpirationDate: must be a date such as"),
        ("A1,,,2026-02-30", "ExpirationDate: must be a date such as"),
        ("A1,,,0001-01-01T00:00:00+14:00", "ExpirationDate: must be a date such as"),
        ("A1,,,20260101", "ExpirationDate: must be a date such as"),
        (f"A1,,,,{'x' * 501}", "Reason: has more than 500 characters"),
        ("A1,,,,,DEU", "JurisdictionCode: must be a code such as DE"),
        ("A1,,,,,,,surplus", "There is a value in column 8"),
        (",Frozen,maybe", "Address: must not be empty; Status: must be"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(cells: str, problem: str) -> None:
    header = "Address,Status,KycVerified,ExpirationDate,Reason,JurisdictionCode"
    row = only(f"{header}\n{cells}\n")
    assert row.problem is not None
    assert row.problem.startswith(problem)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "The file is empty."),
        (b" \r\n \n", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"Address\n", "no rows"),
        (b"Status\nActive\n", "no column Address"),
        (b"A1\nA2\n", "no column 'A1'"),
        (b"Address,Adress\nA1,A2\n", "no column 'Adress'"),
        (b"Address,Status,status\nA1,,\n", "the column Status is there twice"),
        (b"Address,\x00\nA1,\n", "Line 1: the file has a NUL character"),
        (b"Address\nA1\nA\x002\n", "Line 3: the file has a NUL character"),
        (b"Address\nA1\n\xff\xfe\n", "Line 3: the file is not UTF-8"),
        ("Address\nA1\n".encode("utf-16"), "not UTF-8"),
        (b'Address\n"A1\nA2\n', "Line 2: not a CSV record"),
        (b'Address\nA1\n"A2"x\n', "Line 3: not a CSV record"),
        (b'Address,Reason\nA1,"' + b"x" * 200_000 + b'"\n', "Line 2: not a CSV record"),
        (b"PK\x03\x04 a spreadsheet", "no column"),
    ],
)
def test_a_file_that_cannot_be_read(raw: bytes, problem: str) -> None:
    with pytest.raises(BadFile) as refused:
        parse(raw)
    assert problem in str(refused.value)


def test_at_most_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 3)
    assert len(parse(b"Address\nA1\nA2\nA3\n")) == 3
    with pytest.raises(TooManyRows):
        parse(b"Address\nA1\nA2\nA3\nA4\n")


@pytest.mark.parametrize("size", [0, 1, 17])
def test_any_bytes_are_read_or_refused(size: int) -> None:
    import random

    generator: Any = random.Random(size)
    for _ in range(300):
        raw = bytes(generator.choice(b'Address,;\n\r"x=\xc3\xa9') for _ in range(size))
        try:
            rows = parse(b"Address\n" + raw)
        except BadFile:
            continue
        assert all(row.address or row.problem for row in rows)
