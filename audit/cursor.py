"""A place in the log, as it is kept by whoever reads it onwards."""

from typing import NamedTuple


class Cursor(NamedTuple):
    """Up to where the log was read.

    `floor` is the last sequence number of before a dump was restored, which began the transaction
    ids anew: only events behind it follow. Until what was unread of before is read too, that number
    is `restored`.
    """

    xid: int = 0
    seq: int = 0
    floor: int = 0
    restored: int | None = None


CURSOR_FIELDS = ("cursor_xid", "cursor_seq", "floor_seq", "restored_seq")
"""The columns of a row that keeps a cursor, in its order."""
