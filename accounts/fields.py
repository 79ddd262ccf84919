"""Database fields."""

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class BaseUnitsField(models.DecimalField):  # type: ignore[type-arg]
    """An amount in base units: a whole number from 0 of up to 78 digits, exact on every database.

    SQLite's own decimals are floating-point numbers, good for 15 digits; an ASA has up to 20 and an
    ERC-20 up to 78. There it is stored as text, so amounts must not be compared in queries.
    """

    default_validators = [MinValueValidator(0)]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(max_digits=78, decimal_places=0)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        # Not "DecimalField": its converter on SQLite reads floats.
        return "BaseUnitsField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text" if connection.vendor == "sqlite" else "numeric(78, 0)"

    def from_db_value(self, value: Any, *args: Any) -> Decimal | None:
        return None if value is None else Decimal(value)
