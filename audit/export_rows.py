"""Rows of the files of a view of the log, newest first, as bytes.

PostgreSQL makes them itself and sends them by COPY: guarded, quoted, a row a message. SQLite has
none; there the same rows are made here.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Q
from psycopg import ClientCursor

from audit.log_fields import Kind
from audit.log_views import LogView
from audit.querysets import AuditEventQuerySet
from config.api.json import dumps
from config.api.streams import Buffer

Form = Literal["csv", "json", "ndjson"]
Place = tuple[datetime, int]
"""When the last event of a part happened, and its number."""

_PYTHON_ROWS = 1_000
# Neither occurs in a canonical line, so that COPY sends one as it is.
_RAW = r"(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"


def behind(events: AuditEventQuerySet, place: Place | None) -> AuditEventQuerySet:
    """Return the events that come after that place, newest first; before the first it is None."""
    if place is None:
        return events
    moment, seq = place
    return events.filter(occurred_at__lte=moment).filter(Q(occurred_at__lt=moment) | Q(seq__lt=seq))


def newest(events: AuditEventQuerySet) -> AuditEventQuerySet:
    """Return the events in the order of every view, newest first."""
    return events.order_by("-occurred_at", "-seq")


def rows(view: LogView, events: AuditEventQuerySet, form: Form) -> Iterator[bytes]:
    """Yield the row of each of the ordered `events`.

    For `csv` a record with its line end, for `json` an entry, for `ndjson` the canonical line with
    its line end.
    """
    if form == "csv":
        return csv_rows(view, events)
    if form == "json":
        return (dumps(view.entry(str(line[:-1], "utf-8"))) for line in body_lines(events))
    return (bytes(line) for line in body_lines(events))


def csv_rows(view: LogView, events: AuditEventQuerySet) -> Iterator[bytes]:
    """Yield the CSV record of each of the ordered `events`, with its line end."""
    if connection.vendor != "postgresql":
        for line in _stored_lines(events):
            yield view.record(line).encode()
        return
    columns = [f"{column.sql_cell} AS c{at}" for at, column in enumerate(view.columns)]
    quoted = [f"c{at}" for at, column in enumerate(view.columns) if column.kind is Kind.TEXT]
    # Every member that is needed, by reading the body once.
    body = _members("e.body", "b", [column.sql.members for column in view.columns])
    body += _members("b.details", "d", [column.sql.details for column in view.columns])
    options = f"(FORMAT csv, FORCE_QUOTE ({', '.join(quoted)}))" if quoted else "(FORMAT csv)"
    for row in _copied(events, ", ".join(columns), body, options):
        yield bytes(row[:-1]) + b"\r\n"


def body_lines(events: AuditEventQuerySet) -> Iterator[Buffer]:
    """Yield the canonical line of each of the ordered `events`, with its line end."""
    if connection.vendor != "postgresql":
        for line in _stored_lines(events):
            yield line.encode() + b"\n"
        return
    yield from _copied(events, "e.body", "", _RAW)


def _stored_lines(events: AuditEventQuerySet) -> Iterator[str]:
    yield from events.values_list("body", flat=True).iterator(chunk_size=_PYTHON_ROWS)


def _members(source: str, name: str, wanted: list[frozenset[str]]) -> str:
    members = sorted(frozenset[str]().union(*wanted))
    if not members:
        return ""
    named = ", ".join(f'"{member}" text' for member in members)
    return f" CROSS JOIN LATERAL json_to_record({source}::json) AS {name}({named})"


def _copied(events: AuditEventQuerySet, columns: str, body: str, options: str) -> Iterator[Buffer]:
    # A reader who goes away closes this generator, and psycopg ends the statement. The order is
    # stated again outside: what a subquery is ordered by is no promise, but costs no second sort.
    every = [field.attname for field in events.model._meta.concrete_fields]
    try:
        statement, parameters = events.values_list(*every).query.sql_with_params()
    except EmptyResultSet:  # the caller sees nothing at all, which has no statement
        return
    with transaction.atomic(), connection.cursor() as cursor:
        binder = ClientCursor(connection.connection)
        binder.execute("SET LOCAL jit = off")  # compiling takes longer than the first rows
        chosen = binder.mogrify(statement, parameters)
        with cursor.copy(
            f"COPY (SELECT {columns} FROM ({chosen}) AS e{body} "  # noqa: S608 - bound above
            f"ORDER BY e.occurred_at DESC, e.seq DESC) TO STDOUT {options}"
        ) as copy:
            yield from copy
