"""Path converters of the rules: what is no version or key is no route, and so a clean 404."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class VersionConverter(StringConverter):
    """A version of a rule pack, such as 2026.11.1."""

    regex = r"[0-9]{4}\.[0-9]{2}\.[0-9]{1,4}"


class RuleConverter(StringConverter):
    """The key of a requirement, such as base.kyc_status."""

    regex = r"[a-z0-9._]{1,100}"


def register() -> None:
    """Make `<version:...>` and `<rule:...>` known to URL patterns."""
    register_converter(VersionConverter, "version")
    register_converter(RuleConverter, "rule")
