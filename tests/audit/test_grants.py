"""The grants that `docs/audit-log.md` gives a production role name every append-only table."""

import re
from pathlib import Path

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from audit.append_only import AppendOnly

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "audit-log.md"


def test_no_append_only_table_is_forgotten() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    revoked = set(re.findall(r"\w+", " ".join(re.findall(r"REVOKE ([^;]*);", text))))
    tables = {
        apps.get_model(label, operation.model_name)._meta.db_table
        for (label, _), migration in MigrationLoader(None).disk_migrations.items()
        for operation in migration.operations
        if isinstance(operation, AppendOnly)
    }
    assert len(tables) > 10
    assert tables <= revoked
