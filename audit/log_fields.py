"""Fields of the views of the log: where a value stands in an event, and how a file writes it.

Pure. A field is declared once, by `text`, `number`, `boolean`, `word` or `body_hash`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from config.api.csv import cell

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
class Field:
    """One field of a view: `key` names it in JSON, `value` is what JSON says of an event."""

    key: str
    kind: Kind
    value: Callable[[Event], Any]

    @property
    def heading(self) -> str:
        """What names it in the first line of a CSV file."""
        return self.key[0].upper() + self.key[1:]

    def cell(self, event: Event) -> str:
        """Return the CSV cell of an event."""
        value = self.value(event)
        if self.kind is Kind.TEXT or value is not None:
            return cell(value)
        return ""


def text(key: str, *paths: str) -> Field:
    """Return a field of text: the first that the event has of `paths`, such as `details.role`.

    Without paths it has its own name.
    """
    return Field(key, Kind.TEXT, _first(paths or (key,)))


def boolean(key: str, *paths: str) -> Field:
    """Return a field that is true or false, from the first of `paths` that the event has."""
    return Field(key, Kind.BOOLEAN, _first(paths or (key,)))


def number(key: str, *paths: str) -> Field:
    """Return a field of numbers, from the first of `paths` that the event has.

    JSON has no number above 2^64 - 1, and none with a fraction, that readers agree on: such a one
    is text there.
    """
    stated = _first(paths or (key,))
    return Field(key, Kind.NUMBER, lambda event: _number(stated(event)))


def word(key: str, path: str, words: Mapping[str, str], otherwise: str | None = None) -> Field:
    """Return a field of words of our own: what `words` makes of the event's value at `path`."""
    stated = _first((path,))
    known = {name: str(value) for name, value in words.items()}
    default = None if otherwise is None else str(otherwise)
    return Field(key, Kind.TEXT, lambda event: known.get(stated(event), default))


def body_hash(key: str) -> Field:
    """Return the field of the SHA-256 of the event's canonical line, in hexadecimal digits."""
    return Field(key, Kind.TEXT, lambda event: sha256(event.line.encode()).hexdigest())


def pick(fields: tuple[Field, ...], *keys: str) -> tuple[Field, ...]:
    """Return those of `fields` that `keys` name, in the order of `keys`."""
    by_key = {field.key: field for field in fields}
    return tuple(by_key[key] for key in keys)


def _first(paths: tuple[str, ...]) -> Callable[[Event], Any]:
    if len(paths) == 1 and "." not in paths[0]:
        name = paths[0]
        return lambda event: event.body.get(name)

    def find(event: Event) -> Any:
        for path in paths:
            value: Any = event.body
            for name in path.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is not None:
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
