"""Path converters of the API."""

from django.urls import register_converter
from django.urls.converters import IntConverter

from config.api.serializers import BIGINT_MAX


class AssetIdConverter(IntConverter):
    """An asset id: 1 to 2^63 - 1. Anything else is no route, and so a clean 404."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not 1 <= number <= BIGINT_MAX:
            raise ValueError(value)
        return number


def register() -> None:
    """Make `<asset:asset_id>` known to URL patterns."""
    register_converter(AssetIdConverter, "asset")
