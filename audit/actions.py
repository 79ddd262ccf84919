"""What older clients call an action: the incumbent's words, where it has some. Pure."""

from collections.abc import Mapping
from typing import Final

from django.db.models import TextChoices

from audit.choices import ActionType, Category
from audit.event_types import EventType
from audit.events import EVENT_TYPES

_OF_WHITELISTS: Final = {ActionType.CREATE: "Add", ActionType.DELETE: "Remove"}


class ShownAction(TextChoices):
    """Every word by which a view of the log names an action: ours, then those of older clients."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    READ = "Read"
    LIST = "List"
    EXPORT = "Export"
    VERIFY = "Verify"
    LOGIN = "Login"
    LOGOUT = "Logout"
    DENY = "Deny"
    ADD = "Add"
    REMOVE = "Remove"
    TRANSFER_VALIDATION = "TransferValidation"
    IMPORT = "Import"
    POLICY_CHANGE = "PolicyChange"


def _word(kind: EventType) -> str:
    if kind.category == Category.TRANSFER_VALIDATION:
        return "TransferValidation"
    if kind.category == Category.WHITELIST_RULES:
        return "PolicyChange"
    if kind.name.startswith("whitelist.import."):
        return "Import"
    if kind.category == Category.WHITELIST:
        return _OF_WHITELISTS.get(kind.action_type, str(kind.action_type))
    return str(kind.action_type)


ACTION_WORDS: Final[Mapping[str, str]] = {name: _word(kind) for name, kind in EVENT_TYPES.items()}
"""The word of every kind of event, by its name."""


def names_of(action: str) -> list[str]:
    """Return the names of the events that either the word or our own action type names."""
    return [
        name
        for name, kind in EVENT_TYPES.items()
        if action in (ACTION_WORDS[name], str(kind.action_type))
    ]
