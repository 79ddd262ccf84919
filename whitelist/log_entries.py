"""What the whitelist's views of the event log show, and the words for it. Pure."""

from collections.abc import Mapping
from typing import Final

from audit.actions import ACTION_WORDS
from audit.choices import Category
from audit.events import EVENT_TYPES
from whitelist.choices import LogAction

CATEGORIES: Final = (Category.WHITELIST, Category.WHITELIST_RULES, Category.TRANSFER_VALIDATION)

ACTIONS: Final[Mapping[str, LogAction]] = {
    name: LogAction(ACTION_WORDS[name])
    for name, kind in EVENT_TYPES.items()
    if kind.category in CATEGORIES
}
