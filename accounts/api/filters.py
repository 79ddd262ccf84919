"""Filters that tokens share."""

from typing import Any

import django_filters
from django import forms

from accounts.api.networks import MAX_LENGTH, wire_network


class _NetworkFormField(forms.CharField):
    def clean(self, value: object) -> Any:
        try:
            return wire_network(str(super().clean(value)))
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None


class NetworkFilter(django_filters.Filter):
    """Filters by a network under its name or an alias; a malformed name is a 400."""

    field_class = _NetworkFormField

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, max_length=MAX_LENGTH)
