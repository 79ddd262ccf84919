"""Triggers that stamp a topic whenever a row of its tables changes (`selectors` caches by them)."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from jurisdictions.freeze import STAMPS

_VERBS = ("INSERT", "UPDATE", "DELETE")


class StampChanges(Operation):
    """A migration operation: every change of `tables` makes what was cached of `topic` old.

    Comes after `FreezeRules`, whose function it calls on PostgreSQL. A later migration that alters
    one of the tables on SQLite undoes this operation before and repeats it after.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, topic: str, tables: tuple[str, ...]) -> None:
        self.topic = topic
        self.tables = tables

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        for name, table, body in self._triggers(schema_editor):
            schema_editor.execute(f"CREATE TRIGGER {name} {body % table}", params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        postgres = schema_editor.connection.vendor == "postgresql"
        for name, table, _ in self._triggers(schema_editor):
            on = f" ON {table}" if postgres else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}", params=None)

    def describe(self) -> str:
        return f"Stamp changes of {', '.join(self.tables)}"

    def _triggers(self, schema_editor: BaseDatabaseSchemaEditor) -> list[tuple[str, str, str]]:
        """Return name, table and definition of every trigger, with a place for the table."""
        if schema_editor.connection.vendor == "postgresql":
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
