"""The check kinds: one registered function each, with the schema of its params."""

from jurisdictions.engine.checks import (
    attestations,
    dates,
    facts,
    numbers,
    records,
    reviews,
    screening,
    whitelist,
)
from jurisdictions.engine.checks.registry import (
    CheckContext,
    CheckKind,
    check_kind,
    check_kind_names,
    validate_params,
)

__all__ = [
    "CheckContext",
    "CheckKind",
    "attestations",
    "check_kind",
    "check_kind_names",
    "dates",
    "facts",
    "numbers",
    "records",
    "reviews",
    "screening",
    "validate_params",
    "whitelist",
]
