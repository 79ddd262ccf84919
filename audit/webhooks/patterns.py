"""Which events a subscription is about: names, beginnings of names, a token, a network."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from audit.events import EVENT_TYPES

EVERYTHING: Final = "*"
MAX_PATTERNS: Final = 50


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern: a name, the beginning of names with `.*`, or `*`."""
    if pattern == EVERYTHING or pattern in EVENT_TYPES:
        return None
    beginning = pattern.removesuffix("*")
    if pattern.endswith(".*") and any(name.startswith(beginning) for name in EVENT_TYPES):
        return None
    return (
        "No event has this name. Give the name of an event, the beginning of names such as "
        "deployments.deployment.*, or *."
    )


def matches(patterns: Sequence[str]) -> Q:
    """Return the condition that an event's name matches one of the patterns."""
    if EVERYTHING in patterns:
        return Q()
    found = Q(name__in=sorted(one for one in patterns if not one.endswith("*")))
    for pattern in patterns:
        if pattern.endswith(".*"):
            found |= Q(name__startswith=pattern.removesuffix("*"))
    return found
