"""Fields of the views of the log: where a value stands in an event, and how a file writes it.

Pure. A field is declared once, by `text`, `number`, `boolean`, `word` or `body_hash`, and says the
same twice: to Python, which reads the event's line, and to PostgreSQL, which makes a file's cells
itself (`audit.export_rows`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from audit.body import canonical
from config.api.csv import TRIGGERS, cell, number_cell

_WIDEST: Final = 2**64 - 1


class Kind(Enum):
    """How a file writes a value: text is always quoted, numbers and booleans never are."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Event(NamedTuple):
    """An event as it is kept, and what its line says."""

    line: str
    body: Mapping[str, Any]

    @classmethod
    def of(cls, line: str) -> "Event":
        """Return the event that `line` is the canonical line of."""
        return cls(line, orjson.loads(line))


@dataclass(frozen=True, slots=True)
class Sql:
    """The same value as text in SQL, null where the event has none.

    In `expression` the row is `e`, the object of its body `b`, and that of the body's details `d`;
    of these `members` and `details` are read. `plain` says that no value begins like a formula.
    """

    expression: str
    members: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a view: `key` names it in JSON, `stated` is what an event says there."""

    key: str
    kind: Kind
    stated: Callable[[Event], Any]
    sql: Sql

    @property
    def heading(self) -> str:
        """What names it in the first line of a CSV file."""
        return self.key[0].upper() + self.key[1:]

    def value(self, event: Event) -> Any:
        """Return what JSON says of an event."""
        stated = self.stated(event)
        return _number(stated) if self.kind is Kind.NUMBER else stated

    def cell(self, event: Event) -> str:
        """Return the CSV cell of an event."""
        stated = self.stated(event)
        if self.kind is Kind.BOOLEAN:
            return "" if stated is None else str(bool(stated))
        if stated is not None and not isinstance(stated, str):
            stated = canonical(stated).decode()
        return cell(stated) if self.kind is Kind.TEXT else number_cell(stated or "")

    @property
    def sql_cell(self) -> str:
        """The expression of the CSV cell, which is still to be quoted where it is text."""
        said = self.sql.expression
        if self.kind is Kind.BOOLEAN:
            return f"CASE {said} WHEN 'true' THEN 'True' WHEN 'false' THEN 'False' END"
        if self.kind is Kind.NUMBER:
            guard = said if self.sql.plain else _guard(said, unless=f"{said} ~ '{_SQL_NUMBER}'")
            return f"nullif({guard}, '')"
        return f"coalesce({said if self.sql.plain else _guard(said)}, '')"


def text(key: str, *paths: str) -> Field:
    """Return a field of text: the first that the event has of `paths`, such as `details.role`.

    Without paths it has its own name.
    """
    return _field(key, Kind.TEXT, paths)


def boolean(key: str, *paths: str) -> Field:
    """Return a field that is true or false, from the first of `paths` that the event has."""
    return _field(key, Kind.BOOLEAN, paths)


def number(key: str, *paths: str) -> Field:
    """Return a field of numbers, from the first of `paths` that the event has.

    JSON has no number above 2^64 - 1, and none with a fraction, that readers agree on: such a one
    is text there.
    """
    return _field(key, Kind.NUMBER, paths)


def word(key: str, path: str, words: Mapping[str, str], otherwise: str | None = None) -> Field:
    """Return a field of words of our own: what `words` makes of the event's value at `path`."""
    field = text(key, path)
    known = {name: str(value) for name, value in words.items()}
    default = None if otherwise is None else str(otherwise)
    return replace(
        field,
        stated=lambda event: known.get(field.stated(event), default),
        sql=replace(
            field.sql,
            expression=_translation(field.sql.expression, known, default),
            plain=not any(one.startswith(TRIGGERS) for one in (*known.values(), default or "")),
        ),
    )


def group(key: str, *fields: Field) -> Field:
    """Return a field that is an object of others; a file has those as columns of their own."""
    made = Sql("NULL::text", plain=True)
    return Field(key, Kind.TEXT, lambda event: {one.key: one.value(event) for one in fields}, made)


def body_hash(key: str) -> Field:
    """Return the field of the SHA-256 of the event's canonical line, in hexadecimal digits."""
    return Field(
        key,
        Kind.TEXT,
        lambda event: sha256(event.line.encode()).hexdigest(),
        Sql("encode(sha256(convert_to(e.body, 'UTF8')), 'hex')", plain=True),
    )


def pick(fields: tuple[Field, ...], *keys: str) -> tuple[Field, ...]:
    """Return those of `fields` that `keys` name, in the order of `keys`."""
    by_key = {field.key: field for field in fields}
    return tuple(by_key[key] for key in keys)


def _field(key: str, kind: Kind, paths: tuple[str, ...]) -> Field:
    places = paths or (key,)
    return Field(key, kind, _first(places), _first_sql(places))


def _first(paths: tuple[str, ...]) -> Callable[[Event], Any]:
    if len(paths) == 1 and "." not in paths[0]:
        name = paths[0]
        return lambda event: event.body.get(name)

    places = [path.rpartition(".") for path in paths]
    if any(outer not in ("", "details") for outer, _, _ in places):
        raise ValueError(f"neither of an event nor of its details: {paths}")

    def find(event: Event) -> Any:
        for outer, _, name in places:
            place = event.body.get(outer, {}) if outer else event.body
            if (value := place.get(name)) is not None:
                return value
        return None

    return find


def _number(stated: Any) -> int | str | None:
    if stated is None or isinstance(stated, int):
        return stated
    digits = str(stated)
    if digits.isascii() and digits.isdigit() and int(digits) <= _WIDEST:
        return int(digits)
    return digits or None


# The columns that `record_event` makes from the same values: cheaper than to read the body.
_MOMENT: Final = "to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_COLUMNS: Final = {
    "id": Sql("e.id::text", plain=True),
    "name": Sql("e.name", plain=True),
    "category": Sql("e.category", plain=True),
    "actionType": Sql("e.action_type", plain=True),
    "occurredAt": Sql(_MOMENT, plain=True),
    "success": Sql("e.success::text", plain=True),
    "assetId": Sql("e.asset_id::text", plain=True),
    "issuerId": Sql("e.issuer_id::text", plain=True),
    "transferAllowed": Sql("e.transfer_allowed::text", plain=True),
    "actor": Sql("e.actor"),
    "network": Sql("e.network"),
    "affectedAddress": Sql("e.affected_address"),
    "toAddress": Sql("e.to_address"),
    "referenceType": Sql("e.reference_type"),
    "referenceId": Sql("e.reference_id"),
    "correlationId": Sql("e.correlation_id"),
}
_SQL_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
_FORMULA: Final = ", ".join(str(ord(first)) for first in TRIGGERS)


def _guard(said: str, unless: str = "false") -> str:
    return (
        f"CASE WHEN ascii({said}) IN ({_FORMULA}) AND NOT {unless} THEN '''' || {said} "
        f"ELSE {said} END"
    )


def _first_sql(paths: tuple[str, ...]) -> Sql:
    found = [_COLUMNS.get(path) or _member(path) for path in paths]
    if len(found) == 1:
        return found[0]
    return Sql(
        f"coalesce({', '.join(one.expression for one in found)})",
        frozenset[str]().union(*(one.members for one in found)),
        frozenset[str]().union(*(one.details for one in found)),
        plain=all(one.plain for one in found),
    )


def _member(path: str) -> Sql:
    outer, _, inner = path.rpartition(".")
    if not outer:
        return Sql(f'b."{inner}"', frozenset({inner}))
    return Sql(f'd."{inner}"', frozenset({outer}), frozenset({inner}))


def _translation(said: str, words: Mapping[str, str], otherwise: str | None) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    for name, known in words.items():
        names[known].append(_literal(name))
    cases = "".join(
        f" WHEN {said} IN ({', '.join(some)}) THEN {_literal(known)}"
        for known, some in names.items()
    )
    default = "NULL" if otherwise is None else _literal(otherwise)
    return f"CASE{cases} ELSE {default} END" if cases else f"{default}::text"


def _literal(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
