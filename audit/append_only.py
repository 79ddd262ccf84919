"""Append-only tables: triggers that refuse UPDATE, DELETE and TRUNCATE, on both databases.

PostgreSQL refuses through one shared function. SQLite also refuses `INSERT OR REPLACE`, which
would otherwise rewrite a row without firing the others (reference/audit.md, B.4).
"""

from collections.abc import Sequence

from audit.trigger_operations import TableOf, TriggerOperation

UniqueKey = str | Sequence[str]
"""A unique column, or the columns of a composite unique constraint."""

FUNCTION = """
CREATE OR REPLACE FUNCTION assayer_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$
"""


def create_statements(vendor: str, table: str, unique: Sequence[UniqueKey]) -> list[str]:
    """Return the SQL that makes `table` append-only; `unique` are its unique keys."""
    if vendor == "postgresql":
        return [
            FUNCTION,
            f'CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION assayer_refuse_change()",
            f'CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION assayer_refuse_change()",
        ]
    same = " OR ".join(_same_values(key) for key in unique)
    clash = f'SELECT 1 FROM "{table}" WHERE {same}'  # noqa: S608 - names of models
    message = f"'{table} is append-only'"
    return [
        f'CREATE TRIGGER {table}_no_update BEFORE UPDATE ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, {message}); END",
        f'CREATE TRIGGER {table}_no_delete BEFORE DELETE ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, {message}); END",
        f'CREATE TRIGGER {table}_no_replace BEFORE INSERT ON "{table}" '
        f"WHEN EXISTS ({clash}) "
        f"BEGIN SELECT RAISE(ABORT, {message}); END",
    ]


def _same_values(key: str | Sequence[str]) -> str:
    columns = [key] if isinstance(key, str) else key
    return "(" + " AND ".join(f'"{column}" = NEW."{column}"' for column in columns) + ")"


def drop_statements(vendor: str, table: str) -> list[str]:
    """Return the SQL that takes the triggers of `create_statements` away."""
    if vendor == "postgresql":
        return [
            f'DROP TRIGGER IF EXISTS {table}_no_change ON "{table}"',
            f'DROP TRIGGER IF EXISTS {table}_no_truncate ON "{table}"',
        ]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete", "replace")]


class AppendOnly(TriggerOperation):
    """A migration operation that makes the table of `model_name` append-only."""

    def __init__(self, model_name: str, unique: Sequence[UniqueKey]) -> None:
        self.model_name = model_name
        self.unique = tuple(unique)

    def create_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return create_statements(vendor, table_of(self.model_name), self.unique)

    def drop_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return drop_statements(vendor, table_of(self.model_name))

    def describe(self) -> str:
        return f"Make {self.model_name} append-only"
