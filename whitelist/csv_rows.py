"""Whitelists as CSV files: what a file says of each address. Pure: no database, no Django.

A file that cannot be read as a whole is a `BadFile`; a row that cannot be used is a row with a
`problem`. An empty cell states nothing: the entry keeps what it has.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

MAX_ROWS: Final = 100_000
_MAX_CELL: Final = 10_000
_TRIGGERS: Final = "=+-@'\t\r\uff1d\uff0b\uff0d\uff20\uff07\n"  # as `config.api.csv` guards them
_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_SEPARATOR_LINE: Final = re.compile(r"\s*sep=([,;])[ \t]*(?:\r\n|\r|\n|$)", re.IGNORECASE)
STATUSES: Final = ("Active", "Inactive", "Revoked")
CATEGORIES: Final = (
    "AccreditedInvestor",
    "QualifiedPurchaser",
    "RetailInvestor",
    "Institutional",
    "Professional",
    "NonEligible",
)


class BadFile(ValueError):
    """The file cannot be read as a list of addresses; the text says why and where."""


class TooManyRows(BadFile):
    """The file has more than `MAX_ROWS` rows."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """What one row says: `content` by the names of the entry's fields, only what is stated.

    `line` is the line of the file where the row begins. `network` and `asset_id` are what the row
    says of its token. A row with a `problem` cannot be used.
    """

    line: int
    address: str
    content: Mapping[str, Any] = field(default_factory=dict)
    network: str | None = None
    asset_id: str | None = None
    problem: str | None = None


def _choice(known: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        found = next((one for one in known if one.casefold() == text.casefold()), None)
        if found is None and text.isascii() and text.isdigit() and len(text) <= 2:
            found = known[int(text)] if int(text) < len(known) else None
        if found is None:
            raise ValueError(f"must be one of {', '.join(known)}")
        return found

    return read


def _boolean(text: str) -> bool:
    if text.casefold() not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text.casefold()]


def _moment(text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date such as 2026-01-31 or 2026-01-31T23:59:59Z") from None


def _text(limit: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"has more than {limit} characters")
        return text

    return read


def _jurisdiction(text: str) -> str:
    code = text.upper()
    if _JURISDICTION.fullmatch(code) is None:
        raise ValueError("must be a code such as DE or US-NY (ISO 3166)")
    return code


_READERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "Status": ("status", _choice(STATUSES)),
    "Reason": ("reason", _text(500)),
    "ExpirationDate": ("expiration_date", _moment),
    "KycVerified": ("kyc_verified", _boolean),
    "KycVerificationDate": ("kyc_verification_date", _moment),
    "KycProvider": ("kyc_provider", _text(200)),
    "InvestorCategory": ("investor_category", _choice(CATEGORIES)),
    "JurisdictionCode": ("jurisdiction_code", _jurisdiction),
}
# An exported file has these too: they are facts of the server's, not of the file.
_IGNORED: Final = ("Id", "CreatedBy", "CreatedAt", "UpdatedBy", "UpdatedAt", "Role")
_KNOWN: Final = {
    name.casefold(): name for name in ("Address", "Network", "AssetId", *_READERS, *_IGNORED)
}


def parse(raw: bytes) -> list[CsvRow]:
    """Return every row of the file, the ones with a problem too. Raises `BadFile`."""
    return list(read_rows(decoded(raw)))


def decoded(raw: bytes) -> str:
    """Return the file's text without its byte order mark. Raises `BadFile`."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile(f"Line {line}: the file is not UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadFile(f"Line {line}: the file has a NUL character; it is not a text file.")
    if not text.strip():
        raise BadFile("The file is empty.")
    return text


def read_rows(text: str) -> Iterator[CsvRow]:
    """Yield the rows of a decoded file. Raises `BadFile`, also midway."""
    start, separator = _dialect(text)
    reader = csv.reader(
        io.StringIO(text[start:], newline=""), delimiter=separator, strict=True, quotechar='"'
    )
    offset = text.count("\n", 0, start)
    records = _records(reader, offset)
    try:
        _, header = next(records)
    except StopIteration:
        raise BadFile("The file has no header.") from None
    columns = _columns(header, offset + 1)
    rows = 0
    for line, cells in records:
        rows += 1
        if rows > MAX_ROWS:
            raise TooManyRows(f"The file has more than {MAX_ROWS:,} rows; split it.")
        yield _row(line, cells, columns)
    if not rows:
        raise BadFile("The file has a header and no rows.")


def _dialect(text: str) -> tuple[int, str]:
    """Return where the header begins and what separates its cells."""
    stated = _SEPARATOR_LINE.match(text)  # a line that spreadsheets write and read
    if stated is not None:
        return stated.end(), stated[1]
    header = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    return 0, ";" if header.count(";") > header.count(",") else ","


def _records(reader: Any, offset: int) -> Iterator[tuple[int, list[str]]]:
    # A record begins on the line after the one where the record before it ended.
    while True:
        line = reader.line_num + 1 + offset
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(
                f"Line {line}: not a CSV record ({error}). Is a quotation mark missing?"
            ) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _columns(header: list[str], line: int) -> list[str]:
    names: list[str] = []
    for cell in header:
        name = _KNOWN.get(cell.strip().replace("_", "").replace(" ", "").casefold())
        if name is None and cell.strip():
            raise BadFile(
                f"Line {line}: there is no column {cell.strip()[:60]!r}. "
                f"Known: Address, {', '.join(_READERS)}, Network, AssetId."
            )
        if name is not None and name in names:
            raise BadFile(f"Line {line}: the column {name} is there twice.")
        names.append(name or "")
    if "Address" not in names:
        raise BadFile(f"Line {line}: the header has no column Address.")
    return names


def _row(line: int, cells: list[str], columns: list[str]) -> CsvRow:
    stated: dict[str, str] = {}
    for index, cell in enumerate(cells):
        bare = _unguarded(cell.strip())
        name = columns[index] if index < len(columns) else ""
        if name == "" and bare:
            return CsvRow(line, "", problem=f"There is a value in column {index + 1}, without name")
        if name and bare:
            stated[name] = bare
    address = stated.get("Address", "")
    content: dict[str, Any] = {}
    problems = [] if address else ["Address: must not be empty"]
    for name, text in stated.items():
        if name not in _READERS:
            continue
        field_name, read = _READERS[name]
        try:
            if len(text) > _MAX_CELL:
                raise ValueError(f"has more than {_MAX_CELL} characters")
            content[field_name] = read(text)
        except ValueError as problem:
            problems.append(f"{name}: {problem}")
    return CsvRow(
        line,
        address,
        content,
        network=stated.get("Network"),
        asset_id=stated.get("AssetId"),
        problem="; ".join(problems) or None,
    )


def _unguarded(text: str) -> str:
    """Return the text without the apostrophe that exports write before a formula's first sign."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _TRIGGERS else text
