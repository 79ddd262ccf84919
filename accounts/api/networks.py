"""How a network is named over the wire: in any spelling, in a body or in the query."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from accounts.networks import canonical_network
from config.api.serializers import TextField

MAX_LENGTH = 50
NAMELESS = "(none)"
"""What stands for the network of a token that was recorded without one."""


def wire_network(text: str) -> str | None:
    """Return the network's name; "" for `(none)`; None where nothing is named."""
    if not text:
        return None
    return "" if text.strip().lower() == NAMELESS else canonical_network(text)


class NetworkField(TextField):
    """A network in a body: its canonical name, or None where it is absent or empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=MAX_LENGTH, required=False, allow_null=True, allow_blank=True, **kwargs
        )

    def run_validation(self, data: Any = empty) -> Any:
        text = super().run_validation(data)
        try:
            return wire_network(text) if text else None
        except ValueError as problem:
            raise serializers.ValidationError(str(problem)) from None


def named_network(request: Request) -> str | None:
    """Return the query's `network` under its canonical name; None where none is given."""
    try:
        return wire_network(request.query_params.get("network", ""))
    except ValueError as problem:
        raise serializers.ValidationError({"network": [str(problem)]}) from None
