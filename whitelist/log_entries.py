"""The whitelist's views of the event log: what each shows of an event's body. Pure.

The shapes are the incumbent's (names instead of its integers), with what our log knows besides.
"""

from collections.abc import Mapping
from typing import Final

from audit.choices import ActionType, Category
from audit.events import EVENT_TYPES
from whitelist.choices import LogAction

CATEGORIES: Final = (Category.WHITELIST, Category.WHITELIST_RULES, Category.TRANSFER_VALIDATION)
_BY_TYPE: Final = {
    ActionType.CREATE: LogAction.ADD,
    ActionType.UPDATE: LogAction.UPDATE,
    ActionType.DELETE: LogAction.REMOVE,
    ActionType.EXPORT: LogAction.EXPORT,
}


def _action(name: str, category: Category, kind: ActionType) -> LogAction:
    if category == Category.TRANSFER_VALIDATION:
        return LogAction.TRANSFER_VALIDATION
    if category == Category.WHITELIST_RULES:
        return LogAction.POLICY_CHANGE
    if name.startswith("whitelist.import."):
        return LogAction.IMPORT
    return _BY_TYPE.get(kind, LogAction.UPDATE)


ACTIONS: Final[Mapping[str, LogAction]] = {
    name: _action(name, kind.category, kind.action_type)
    for name, kind in EVENT_TYPES.items()
    if kind.category in CATEGORIES
}
