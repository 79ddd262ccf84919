"""Who a subscription belongs to now: a port that `accounts` fills."""

from collections.abc import Callable

from audit.principal import Principal

_find: list[Callable[[str], Principal | None]] = []


def register(find: Callable[[str], Principal | None]) -> None:
    """Let `find` return the principal of an id with the rights of this moment, or None.

    None means that there is no such account, or that it is not active.
    """
    _find[:] = [find]


def subscriber_of(owner_id: str) -> Principal | None:
    """Return the principal of that id with the rights of this moment, where it is active."""
    return _find[0](owner_id) if _find else None
