"""Views of the one log: each is a choice of events, filters, and fields.

A view is declared by who owns its words and found by its name, so that a file can be made from a
name, parameters and a principal alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from audit.counting import exact_count
from audit.log_fields import Event, Field
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet

_NOTHING: frozenset[str] = frozenset()


class Filters(Protocol):
    """The filters of a view; `config.api.filters.WireFilterSet` fulfils it."""

    @classmethod
    def select(
        cls,
        queryset: AuditEventQuerySet,
        parameters: Mapping[str, Any],
        beside: frozenset[str] = _NOTHING,
    ) -> tuple[AuditEventQuerySet, str]:
        """Return the events that `parameters` ask for, and the filters in words."""


def _no_more(events: AuditEventQuerySet) -> dict[str, Any]:
    return {}


def _count(events: AuditEventQuerySet, more: Mapping[str, Any]) -> int:
    return exact_count(events)


@dataclass(frozen=True, slots=True)
class LogView:
    """One view of the log, newest first.

    `events` are those that a principal sees in it, `fields` make an entry of its JSON and `columns`
    a record of its CSV. `more` is what the envelope says besides, of all events of the filter;
    `count` is how many those are, where `more` knows it already.
    """

    name: str
    events: Callable[[Principal], AuditEventQuerySet]
    filters: type[Filters]
    fields: tuple[Field, ...]
    columns: tuple[Field, ...]
    more: Callable[[AuditEventQuerySet], dict[str, Any]] = _no_more
    count: Callable[[AuditEventQuerySet, Mapping[str, Any]], int] = _count

    def select(
        self,
        actor: Principal,
        parameters: Mapping[str, Any],
        beside: frozenset[str] = _NOTHING,
    ) -> tuple[AuditEventQuerySet, str]:
        """Return the events that `actor` sees and `parameters` ask for, and the filters in words.

        A parameter that is wrong, or neither a filter nor in `beside`, is a 400.
        """
        return self.filters.select(self.events(actor), parameters, beside)

    def entry(self, line: str) -> dict[str, Any]:
        """Return the JSON entry of the event that `line` is the canonical line of."""
        event = Event.of(line)
        return {field.key: field.value(event) for field in self.fields}

    @property
    def header(self) -> str:
        """The first line of a CSV file."""
        return ",".join(column.heading for column in self.columns) + "\r\n"

    def record(self, line: str) -> str:
        """Return the CSV record of the event that `line` is the canonical line of."""
        event = Event.of(line)
        return ",".join([column.cell(event) for column in self.columns]) + "\r\n"


_VIEWS: dict[str, LogView] = {}


def register(*views: LogView) -> None:
    """Let the views be found by name; raise ValueError where a name is taken."""
    for view in views:
        if _VIEWS.setdefault(view.name, view) is not view:
            raise ValueError(f"two views of the log are named {view.name}")


def log_view(name: str) -> LogView:
    """Return the view of that name; raise KeyError where there is none."""
    return _VIEWS[name]


def log_view_names() -> list[str]:
    """Return the names of all views, sorted."""
    return sorted(_VIEWS)
