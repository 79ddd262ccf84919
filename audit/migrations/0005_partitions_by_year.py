"""On PostgreSQL, partition the log by year; every event, index name and right is kept."""

from typing import Any

from django.db import migrations

from audit.append_only import create_statements
from audit.partitions import CREATE_FUNCTION, DROP_FUNCTION, FUNCTION
from audit.seal import TABLE

_INDEXES = f"""
SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index
WHERE indrelid = '{TABLE}'::regclass
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid
"""  # noqa: S608 - constants
_RIGHTS = f"""
SELECT format('GRANT %s%s ON {TABLE} TO %s', privilege_type, named,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
FROM (
    SELECT a.privilege_type, '' AS named, a.grantee, c.relowner FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = '{TABLE}'::regclass
    UNION ALL
    SELECT a.privilege_type, format(' (%I)', n.attname), a.grantee, c.relowner
    FROM pg_attribute n JOIN pg_class c ON c.oid = n.attrelid, aclexplode(n.attacl) a
    WHERE c.oid = '{TABLE}'::regclass
) AS given WHERE grantee <> relowner
"""  # noqa: S608 - constants
_FIRST_YEAR = f"""
SELECT extract(year FROM least(min(occurred_at), now()) AT TIME ZONE 'UTC')::integer,
    extract(year FROM now() AT TIME ZONE 'UTC')::integer + 1
FROM {TABLE}_before
"""  # noqa: S608 - constants


def _all(cursor: Any, statement: str) -> list[Any]:
    cursor.execute(statement)
    return list(cursor.fetchall())


def _replace(schema_editor: Any, *, partitioned: bool) -> None:
    """Put a table of the other kind in the place of the log, with all that the log had."""
    if schema_editor.connection.vendor != "postgresql":
        return
    clause, keys = (
        (" PARTITION BY RANGE (occurred_at)", ", occurred_at") if partitioned else ("", "")
    )
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        again = [row[0] for row in _all(cursor, _INDEXES) + _all(cursor, _RIGHTS)]
        ((sequence, schema),) = _all(
            cursor,
            f"SELECT pg_get_serial_sequence('{TABLE}', 'seq'), quote_ident(current_schema())",
        )
        ((last, called),) = _all(cursor, f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608
        name = sequence.rpartition(".")[2]
        cursor.execute(f"ALTER SEQUENCE {sequence} RENAME TO {TABLE}_before_seq")
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO {TABLE}_before")
        cursor.execute(
            f"CREATE TABLE {TABLE} (LIKE {TABLE}_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS "
            f"INCLUDING IDENTITY){clause}"
        )
        if partitioned:
            cursor.execute(CREATE_FUNCTION.format(schema=schema))
            cursor.execute(f"REVOKE ALL ON FUNCTION {FUNCTION}(integer) FROM PUBLIC")
            cursor.execute(f"SELECT {FUNCTION}(NULL)")
            ((first, end),) = _all(cursor, _FIRST_YEAR)
            for year in range(first, end + 1):
                cursor.execute(f"SELECT {FUNCTION}(%s)", [year])
        cursor.execute(f"INSERT INTO {TABLE} SELECT * FROM {TABLE}_before ORDER BY seq")  # noqa: S608
        cursor.execute(f"DROP TABLE {TABLE}_before")
        ((made,),) = _all(cursor, f"SELECT pg_get_serial_sequence('{TABLE}', 'seq')")
        if made.rpartition(".")[2] != name:
            cursor.execute(f"ALTER SEQUENCE {made} RENAME TO {name}")
        cursor.execute("SELECT setval(%s, %s, %s)", [sequence, last, called])
        cursor.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_pkey PRIMARY KEY (seq{keys})")
        cursor.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_id_key UNIQUE (id{keys})")
        for statement in (*again, *create_statements("postgresql", TABLE, ())):
            cursor.execute(statement)
        if not partitioned:
            cursor.execute(DROP_FUNCTION)
        cursor.execute(f"ANALYZE {TABLE}")


def forwards(apps: Any, schema_editor: Any) -> None:
    _replace(schema_editor, partitioned=True)


def backwards(apps: Any, schema_editor: Any) -> None:
    _replace(schema_editor, partitioned=False)


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_overview")]

    operations = [migrations.RunPython(forwards, backwards)]
