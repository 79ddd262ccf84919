"""Triggers on the tiles of the Merkle tree: a tile grows at its end, and changes nowhere else."""

from audit.trigger_operations import TableOf, TriggerOperation

_REFUSED = "a tile only grows"


class OnlyGrows(TriggerOperation):
    """A migration operation: rows of `AuditTile` keep what they hold."""

    def create_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        table = table_of("AuditTile")
        if vendor == "postgresql":
            return [
                f"""
                CREATE FUNCTION assayer_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id AND NEW.level = OLD.level
                        AND NEW.number = OLD.number
                        AND substring(NEW.hashes FOR length(OLD.hashes)) = OLD.hashes
                        AND substring(NEW.places FOR length(OLD.places)) = OLD.places THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'restrict_violation';
                END $$
                """,
                f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION assayer_only_grows()",
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION assayer_only_grows()",
            ]
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        return [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN "
            "NEW.id IS NOT OLD.id OR NEW.level IS NOT OLD.level "
            "OR NEW.number IS NOT OLD.number "
            "OR coalesce(substr(NEW.hashes, 1, length(OLD.hashes)), x'') IS NOT OLD.hashes "
            "OR coalesce(substr(NEW.places, 1, length(OLD.places)), x'') IS NOT OLD.places "
            f"{refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {table} WHERE id = NEW.id "
            f"OR (level = NEW.level AND number = NEW.number)) {refuse}",
        ]

    def drop_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        table = table_of("AuditTile")
        if vendor == "postgresql":
            return ["DROP FUNCTION IF EXISTS assayer_only_grows() CASCADE"]
        names = ("no_update", "no_delete", "no_replace")
        return [f"DROP TRIGGER IF EXISTS {table}_{name}" for name in names]

    def describe(self) -> str:
        return "Let tiles only grow"
