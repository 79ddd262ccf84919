"""Snapshots as JSON documents and back, exactly: what an evaluation saw, kept to run it again.

JSON has no dates, no tuples and no classes. A tuple, which is what a snapshot is made of, is
written as a plain array; everything else that JSON lacks is an object with one member whose name
begins with `$`, or, for the classes of a snapshot, with `$type` and the fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

from jurisdictions.engine import snapshot as values
from jurisdictions.engine.snapshot import Snapshot

_CLASSES: dict[str, type[Any]] = {
    name: kind
    for name, kind in vars(values).items()
    if isinstance(kind, type) and is_dataclass(kind)
}


def snapshot_to_document(snapshot: Snapshot) -> dict[str, Any]:
    """The JSON document of a snapshot; reading it back gives an equal snapshot.

    A value that has no exact form, such as a float that is no number, is a ValueError.
    """
    return cast("dict[str, Any]", _written(snapshot))


def snapshot_from_document(document: Mapping[str, Any]) -> Snapshot:
    """The snapshot of a document; what cannot be read is a ValueError.

    A field that the document lacks, as an older one may, takes its default.
    """
    snapshot = _read(document)
    if not isinstance(snapshot, Snapshot):
        raise ValueError("the document holds no snapshot")
    return snapshot


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a document in bytes: equal documents give equal bytes."""
    text = json.dumps(
        document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode()


def document_digest(document: Mapping[str, Any]) -> str:
    """The SHA-256 of the document's bytes, in lower-case hexadecimal."""
    return sha256(document_bytes(document)).hexdigest()


def _written(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _written_object(value)
    if isinstance(value, Mapping):
        return _written_mapping(value)
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, list):
        return {"$list": [_written(one) for one in value]}
    if isinstance(value, set | frozenset):
        return {"$set": sorted((_written(one) for one in value), key=json.dumps)}
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    return _written_plain(value)


def _written_plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value - value == 0:  # neither infinite nor no number
        return value
    raise ValueError(f"{value!r} cannot be part of a snapshot")


def _written_object(value: Any) -> dict[str, Any]:
    name = type(value).__name__
    if _CLASSES.get(name) is not type(value):
        raise ValueError(f"{name} is no part of a snapshot")
    return {
        "$type": name,
        **{_camel(one.name): _written(getattr(value, one.name)) for one in fields(value)},
    }


def _written_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if any(not isinstance(name, str) for name in value):
        raise ValueError("the names of a mapping are texts")
    if any(name.startswith("$") for name in value):
        return {"$object": [[name, _written(value[name])] for name in sorted(value)]}
    return {name: _written(one) for name, one in value.items()}


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(one) for one in value)
    if not isinstance(value, Mapping):
        return value
    if "$type" in value:
        return _read_object(value)
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in _READERS:
            try:
                return _READERS[name](inner)
            except (ArithmeticError, TypeError) as problem:
                raise ValueError(f"{inner!r} is no {name[1:]}") from problem
    if any(name.startswith("$") for name in value):
        raise ValueError(f"no value is written as {sorted(value)}")
    return {name: _read(one) for name, one in value.items()}


def _read_object(value: Mapping[str, Any]) -> Any:
    kind = _CLASSES.get(value["$type"])
    if kind is None:
        raise ValueError(f"there is no {value['$type']} in a snapshot")
    names = {_camel(one.name): one.name for one in fields(kind)}
    strange = sorted(value.keys() - names.keys() - {"$type"})
    if strange:
        raise ValueError(f"{value['$type']} has no {', '.join(strange)}")
    given = {names[name]: _read(one) for name, one in value.items() if name != "$type"}
    try:
        return kind(**given)
    except TypeError as problem:
        raise ValueError(f"{value['$type']} is not complete") from problem


_READERS: dict[str, Callable[[Any], Any]] = {
    "$list": lambda inner: [_read(one) for one in inner],
    "$set": lambda inner: frozenset(_read(one) for one in inner),
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$decimal": Decimal,
    "$object": lambda inner: {name: _read(one) for name, one in inner},
}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
