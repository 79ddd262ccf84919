"""Paging: `page`/`pageSize` with exact totals, and a cursor that costs the same at any depth."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Q, QuerySet
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

Rows = TypeVar("Rows", bound="QuerySet[Any]")

MAX_PAGE = 1_000_000
PAGING_PARAMETERS = frozenset({"page", "pageSize", "cursor"})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and what the envelope says about it."""

    rows: list[Any]
    total_count: int
    page: int
    page_size: int
    next_cursor: str | None

    @property
    def envelope(self) -> dict[str, Any]:
        return {
            "totalCount": self.total_count,
            "page": self.page,
            "pageSize": self.page_size,
            "totalPages": -(-self.total_count // self.page_size),
            "nextCursor": self.next_cursor,
        }


@dataclass(frozen=True, slots=True)
class WantedPage:
    """The page that a request asks for of rows that are all at hand, which have no cursor."""

    number: int
    size: int

    @classmethod
    def of(cls, request: Request, *, default: int = 20, cap: int = 100) -> "WantedPage":
        """Return what the request's parameters ask for; a value outside is a 400."""
        parameters = request.query_params
        return cls(
            _integer(parameters.get("page"), "page", 1, MAX_PAGE),
            _integer(parameters.get("pageSize"), "pageSize", default, cap),
        )

    def cut(self, rows: Sequence[Any]) -> Page:
        """Return that page of the rows."""
        start = (self.number - 1) * self.size
        return Page(list(rows[start : start + self.size]), len(rows), self.number, self.size, None)


@dataclass(frozen=True, slots=True)
class Paginator:
    """Cuts an ordered queryset into pages.

    `keys` are the two columns of the descending order, the last one unique. `default` and `cap`
    bound `pageSize`; a value outside is a 400, as the seed asks.
    """

    keys: tuple[str, str]
    default: int = 20
    cap: int = 100

    def paginate(
        self,
        queryset: Rows,
        request: Request,
        *,
        count: Callable[[Any], int] | None = None,
    ) -> Page:
        """Return the page that the request's parameters ask for; `count` overrides `COUNT(*)`."""
        parameters = request.query_params
        size = _integer(parameters.get("pageSize"), "pageSize", self.default, self.cap)
        number = _integer(parameters.get("page"), "page", 1, MAX_PAGE)
        total = queryset.count() if count is None else count(queryset)
        first, last = self.keys
        ordered = queryset.order_by(f"-{first}", f"-{last}")
        if cursor := parameters.get("cursor"):
            if "page" in parameters:
                raise ValidationError({"cursor": ["Give either page or cursor, not both."]})
            value, unique = _decode(cursor, queryset.model._meta.get_field(last))
            ordered = ordered.filter(**{f"{first}__lte": value}).filter(
                Q(**{f"{first}__lt": value}) | Q(**{f"{last}__lt": unique})
            )
            offset = 0
        else:
            offset = (number - 1) * size
        rows = list(ordered[offset : offset + size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(rows, total, number, size, self._encode(rows[-1]) if more else None)

    def _encode(self, row: Any) -> str:
        first, last = (_value(row, key) for key in self.keys)
        text = orjson.dumps([first, last])
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _value(row: Any, key: str) -> Any:
    return row[key] if isinstance(row, dict) else getattr(row, key)


def _decode(cursor: str, field: Any) -> tuple[datetime, Any]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        first, last = orjson.loads(text)
        if isinstance(last, bool) or not isinstance(last, (int, str)):
            raise ValueError
        if isinstance(last, int) and not 0 <= last < 2**63:
            raise ValueError
        if isinstance(last, str) and (len(last) > 64 or not last.isprintable()):
            raise ValueError
        moment = datetime.fromisoformat(first)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC), field.to_python(last)
    except (ValueError, TypeError, binascii.Error, OverflowError, DjangoValidationError):
        raise ValidationError(
            {"cursor": ["Not a cursor of this list; start again without one."]}
        ) from None


def _integer(raw: str | None, name: str, default: int, cap: int) -> int:
    if raw is None or raw == "":
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9) or not 1 <= int(raw) <= cap:
        raise ValidationError({name: [f"Must be a whole number from 1 to {cap}."]})
    return int(raw)


def refuse_unknown(request: Request, known: Sequence[str] | frozenset[str]) -> None:
    """Raise a 400 that names every query parameter not in `known`, and every repeated one."""
    refuse_unknown_names(request.query_params, known)


def refuse_unknown_names(
    parameters: Mapping[str, Any], known: Sequence[str] | frozenset[str]
) -> None:
    """Raise a 400 that names every parameter not in `known`, and every repeated one of a query."""
    if not parameters:
        return
    allowed = set(known)
    problems = {name[:100]: ["Unknown parameter."] for name in parameters if name not in allowed}
    if isinstance(parameters, MultiValueDict):
        for name, values in parameters.lists():
            if len(values) > 1:
                problems.setdefault(name[:100], ["Given more than once."])
    if problems:
        raise ValidationError(problems)
