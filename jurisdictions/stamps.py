"""Triggers that stamp a topic whenever a row of its tables changes (`selectors` caches by them)."""

from audit.trigger_operations import TableOf, TriggerOperation
from jurisdictions.freeze import STAMPS

_VERBS = ("INSERT", "UPDATE", "DELETE")


class StampChanges(TriggerOperation):
    """A migration operation: every change of `tables` makes what was cached of `topic` old.

    Comes after `FreezeRules`, whose function it calls on PostgreSQL.
    """

    def __init__(self, topic: str, tables: tuple[str, ...]) -> None:
        self.topic = topic
        self.tables = tables

    def create_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return [
            f"CREATE TRIGGER {name} {body % table}" for name, table, body in self._triggers(vendor)
        ]

    def drop_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        postgres = vendor == "postgresql"
        return [
            f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if postgres else "")
            for name, table, _ in self._triggers(vendor)
        ]

    def describe(self) -> str:
        return f"Stamp changes of {', '.join(self.tables)}"

    def _triggers(self, vendor: str) -> list[tuple[str, str, str]]:
        """Return name, table and definition of every trigger, with a place for the table."""
        if vendor == "postgresql":
            body = (
                "AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT "
                f"EXECUTE FUNCTION assayer_stamp_reference('{self.topic}')"
            )
            return [(f"{table}_stamped", table, body) for table in self.tables]
        stamp = (
            f"INSERT INTO {STAMPS} (topic, value) "  # noqa: S608 - constants
            f"VALUES ('{self.topic}', lower(hex(randomblob(16)))) "
            "ON CONFLICT (topic) DO UPDATE SET value = excluded.value;"
        )
        return [
            (f"{table}_stamped_{verb.lower()}", table, f"AFTER {verb} ON %s BEGIN {stamp} END")
            for table in self.tables
            for verb in _VERBS
        ]
