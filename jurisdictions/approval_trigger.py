"""A trigger: staff bring a version into force only on an approved dry-run report.

Reference data that loading activates has no person, and so needs none.
"""

from audit.trigger_operations import TableOf, TriggerOperation
from jurisdictions.freeze import PACKS

APPROVALS = "jurisdictions_packapproval"
REPORTS = "jurisdictions_dryrunreport"

_UNAPPROVED = "a rule pack is activated by who approved a dry-run report of it"
# Every name is a constant.
_APPROVED = (
    f"EXISTS (SELECT 1 FROM {APPROVALS} a JOIN {REPORTS} r ON r.run_id = a.report_id "  # noqa: S608
    "WHERE a.pack_id = NEW.id AND r.pack_id = NEW.id AND r.pack_digest = a.pack_digest "
    "AND a.approved_by_id = NEW.activated_by_id)"
)
_ACTIVATES = "NEW.status = 'Active' AND OLD.status <> 'Active' AND NEW.activated_by_id IS NOT NULL"


def create_statements(vendor: str) -> list[str]:
    """Return the SQL that creates the trigger."""
    if vendor == "postgresql":
        return [
            f"""
            CREATE FUNCTION assayer_require_approval() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {_ACTIVATES} AND NOT {_APPROVED} THEN
                    RAISE EXCEPTION '{_UNAPPROVED}' USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NEW;
            END $$
            """,
            f"CREATE TRIGGER {PACKS}_approved BEFORE UPDATE ON {PACKS} "
            "FOR EACH ROW EXECUTE FUNCTION assayer_require_approval()",
        ]
    return [
        f"CREATE TRIGGER {PACKS}_approved BEFORE UPDATE ON {PACKS} "
        f"WHEN {_ACTIVATES} AND NOT {_APPROVED} "
        f"BEGIN SELECT RAISE(ABORT, '{_UNAPPROVED}'); END"
    ]


def drop_statements(vendor: str) -> list[str]:
    """Return the SQL that takes the trigger away."""
    if vendor == "postgresql":
        return ["DROP FUNCTION IF EXISTS assayer_require_approval() CASCADE"]
    return [f"DROP TRIGGER IF EXISTS {PACKS}_approved"]


class RequireApproval(TriggerOperation):
    """A migration operation that creates the trigger of this module."""

    def create_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return create_statements(vendor)

    def drop_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return drop_statements(vendor)

    def describe(self) -> str:
        return "Require an approved dry-run report of who activates a rule pack"
