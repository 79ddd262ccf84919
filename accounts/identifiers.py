"""Identifiers of issuers: LEI, country, roles."""

import re
from typing import Any

from django.core.exceptions import ValidationError

from accounts.choices import IssuerRole

_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def is_lei(text: str) -> bool:
    """Return whether `text` is an LEI with right check digits (ISO 17442, ISO 7064 MOD 97-10)."""
    return bool(_LEI.match(text)) and int("".join(str(int(c, 36)) for c in text)) % 97 == 1


def validate_lei(value: str) -> None:
    """Raise ValidationError unless `value` is an LEI."""
    if not is_lei(value):
        raise ValidationError("Not an LEI: 18 letters or digits and two check digits (ISO 17442).")


def validate_country(value: str) -> None:
    """Raise ValidationError unless `value` has the form of an ISO 3166-1 alpha-2 code."""
    if not _COUNTRY.match(value):
        raise ValidationError("Not a country code: two capital letters, such as DE.")


def validate_issuer_roles(value: Any) -> None:
    """Raise ValidationError unless `value` is a list of known issuer roles."""
    if not isinstance(value, list) or any(item not in IssuerRole.values for item in value):
        raise ValidationError(f"Must be a list of: {', '.join(IssuerRole.values)}.")
