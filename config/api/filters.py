"""Filter base: camelCase parameters, strict values, unknown parameters refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, TypeVar

import django_filters
from django import forms
from django.db.models import QuerySet, TextChoices
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from config.api.formats import choice_of, looks_like_moment
from config.api.paging import PAGING_PARAMETERS, refuse_unknown_names
from config.api.serializers import BIGINT_MAX

Rows = TypeVar("Rows", bound="QuerySet[Any]")

_RANGE_MESSAGE = "fromDate must not be later than toDate."


class _ChoiceFormField(forms.CharField):
    def __init__(self, *, enum: type[TextChoices], **kwargs: Any) -> None:
        self.enum = enum
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        chosen = choice_of(self.enum, text)
        if chosen is None:
            raise forms.ValidationError(f"Must be one of {', '.join(self.enum.values)}.")
        return chosen


class ChoiceFilter(django_filters.Filter):
    """Filters by a `TextChoices` value: name in any case, or integer position."""

    field_class = _ChoiceFormField


class _BooleanFormField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = (super().clean(value) or "").lower()
        if text in ("true", "false", ""):
            return None if text == "" else text == "true"
        raise forms.ValidationError("Must be true or false.")


class BooleanFilter(django_filters.Filter):
    """Filters by `true` or `false`."""

    field_class = _BooleanFormField


class _MomentFormField(forms.CharField):
    def __init__(self, *, end_of_day: bool = False, **kwargs: Any) -> None:
        self.end_of_day = end_of_day
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        # A plus sign that was not percent-encoded arrives as a space.
        text = text.replace(" ", "+") if "T" in text else text
        try:
            if not looks_like_moment(text):
                raise ValueError
            moment = datetime.fromisoformat(text)
            if len(text) == 10:
                day_end = time.max if self.end_of_day else time.min
                return datetime.combine(moment.date(), day_end, UTC)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise forms.ValidationError(
                "Must be a date or a time in ISO 8601, such as 2026-01-31 or 2026-01-31T23:59:59Z."
            ) from None


class MomentFilter(django_filters.Filter):
    """An inclusive time bound; a date-only upper bound includes that whole day."""

    field_class = _MomentFormField


class _WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField  # a decimal field also reads 1e3


def asset_id_filter(field_name: str = "asset_id") -> django_filters.NumberFilter:
    """Return a filter by asset id: a whole number from 1 to 2^63 - 1."""
    return _WholeNumberFilter(field_name=field_name, min_value=1, max_value=BIGINT_MAX)


def text_filter(field_name: str, max_length: int, lookup: str = "iexact") -> Any:
    """Return a filter by text, compared without regard to case unless `lookup` says otherwise."""
    return django_filters.CharFilter(
        field_name=field_name, lookup_expr=lookup, max_length=max_length
    )


class WireFilterSet(django_filters.FilterSet):
    """Refuses unknown and repeated parameters, and an inverted date range."""

    extra_parameters: frozenset[str] = PAGING_PARAMETERS

    @classmethod
    def known_parameters(cls) -> frozenset[str]:
        """Return every parameter that is not refused."""
        return cls.extra_parameters | frozenset(cls.base_filters)

    @classmethod
    def apply(cls, queryset: Rows, request: Request) -> tuple[Rows, str]:
        """Return `queryset` filtered by the request, and the filters in words for the event log."""
        return cls.select(queryset, request.query_params, cls.extra_parameters)

    @classmethod
    def select(
        cls,
        queryset: Rows,
        parameters: Mapping[str, Any],
        beside: frozenset[str] = frozenset(),
    ) -> tuple[Rows, str]:
        """Return `queryset` filtered by `parameters`, and the filters in words for the event log.

        A parameter that is wrong, or neither a filter nor in `beside`, is a 400.
        """
        refuse_unknown_names(parameters, beside | frozenset(cls.base_filters))
        filters = cls(data=parameters, queryset=queryset)
        if not filters.form.is_valid():
            raise ValidationError({name: list(text) for name, text in filters.form.errors.items()})
        chosen = {
            name: value
            for name, value in filters.form.cleaned_data.items()
            if value not in (None, "", [])
        }
        lower, upper = chosen.get("fromDate"), chosen.get("toDate")
        if lower and upper and lower > upper:
            raise ValidationError({"toDate": [_RANGE_MESSAGE]})
        words = ", ".join(
            f"{name[0].upper()}{name[1:]}={_shown(value)}" for name, value in chosen.items()
        )
        return filters.qs, words or "No filters"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


__all__ = [
    "BooleanFilter",
    "ChoiceFilter",
    "MomentFilter",
    "WireFilterSet",
    "asset_id_filter",
    "text_filter",
]
