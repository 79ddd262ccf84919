"""Make the log append-only, and let PostgreSQL stamp each row with its transaction."""

from typing import Any

from django.db import migrations

from audit.append_only import AppendOnly

_FORWARDS = (
    "ALTER TABLE audit_auditevent ALTER COLUMN xid SET DEFAULT pg_current_xact_id()",
    "ALTER TABLE audit_auditevent ALTER COLUMN xid SET NOT NULL",
    "ALTER TABLE audit_auditevent ADD CONSTRAINT event_body_size "
    "CHECK (octet_length(body) <= 65535)",
)
_BACKWARDS = (
    "ALTER TABLE audit_auditevent DROP CONSTRAINT event_body_size",
    "ALTER TABLE audit_auditevent ALTER COLUMN xid DROP NOT NULL",
    "ALTER TABLE audit_auditevent ALTER COLUMN xid DROP DEFAULT",
)


def _on_postgres(schema_editor: Any, statements: tuple[str, ...]) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


def forwards(apps: Any, schema_editor: Any) -> None:
    _on_postgres(schema_editor, _FORWARDS)


def backwards(apps: Any, schema_editor: Any) -> None:
    _on_postgres(schema_editor, _BACKWARDS)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(forwards, backwards),
        AppendOnly("AuditEvent", unique=["seq", "id"]),
        AppendOnly("AuditSeal", unique=["size"]),
        AppendOnly("AuditVerification", unique=["id"]),
    ]
