"""What the migration operations that create triggers have in common."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

TableOf = Callable[[str], str]
"""Gives the name of a model's table, as it is at that point of the migrations."""


class TriggerOperation(Operation):
    """Runs `create_sql` forwards and `drop_sql` backwards; the models stay as they are.

    A later migration that alters one of the tables on SQLite, where Django makes such a table anew
    and the triggers go with the old one, undoes this operation before and repeats it after.
    """

    reversible = True
    reduces_to_sql = True

    def create_sql(self, vendor: str, table_of: TableOf) -> Iterable[str]:
        """Return the statements that create the triggers on a database of `vendor`."""
        raise NotImplementedError

    def drop_sql(self, vendor: str, table_of: TableOf) -> Iterable[str]:
        """Return the statements that take them away."""
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        _execute(self.create_sql, schema_editor, app_label, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        _execute(self.drop_sql, schema_editor, app_label, from_state)


def _execute(
    statements: Callable[[str, TableOf], Iterable[str]],
    schema_editor: BaseDatabaseSchemaEditor,
    app_label: str,
    state: Any,
) -> None:
    def table_of(model_name: str) -> str:
        table: str = state.apps.get_model(app_label, model_name)._meta.db_table
        return table

    for statement in statements(schema_editor.connection.vendor, table_of):
        schema_editor.execute(statement, params=None)
