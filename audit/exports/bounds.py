"""Which events were committed at a moment: a set that never changes, for no row ever does."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from audit.querysets import AuditEventQuerySet
from audit.seal import transaction_horizon


@dataclass(frozen=True, slots=True)
class Bounds:
    """The events that a database snapshot sees.

    On PostgreSQL those of the transactions below `below` but the `running` ones, which a later
    commit does not add any more; on SQLite, which has one writer, those with a sequence number
    below `below`.
    """

    below: int
    running: tuple[int, ...] = ()

    @classmethod
    def now(cls) -> "Bounds":
        """Return the bounds of what is committed now; the caller's transaction is not."""
        if connection.vendor != "postgresql":
            return cls(transaction_horizon())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text"
            )
            snapshot, own = cursor.fetchone()
        _, below, running = snapshot.split(":")
        ids = {int(one) for one in [*running.split(","), own] if one}
        return cls(int(below), tuple(sorted(ids)))

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Bounds":
        """Return the bounds that `document` was made of."""
        return cls(document["below"], tuple(document["running"]))

    def document(self) -> dict[str, Any]:
        """Return the bounds as plain values."""
        return asdict(self)

    def within(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        """Return those of `events` that are inside."""
        if connection.vendor != "postgresql":
            return events.filter(seq__lt=self.below)
        inside = events.filter(xid__lt=self.below)
        return inside.exclude(xid__in=self.running) if self.running else inside
