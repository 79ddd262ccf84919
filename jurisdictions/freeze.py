"""Triggers that keep a version of a rule pack as it was, and that stamp changes of the rules.

A version that is no Draft cannot change in content, nor can its requirements; its status moves
only along `STEPS`; and whoever made, changed or submitted it cannot be the one who activated it.
The stamps tell every process that what it cached is old (`selectors`).
"""

# ruff: noqa: S608 - every name and word in the statements is a constant of this module
from collections.abc import Sequence

from audit.trigger_operations import TableOf, TriggerOperation

PACKS = "jurisdictions_rulepack"
REQUIREMENTS = "jurisdictions_requirement"
STAMPS = "jurisdictions_referencestamp"
# Tables whose every change makes what was cached of their topic old.
STAMPED = (
    ("jurisdictions_factdefinition", "facts"),
    ("jurisdictions_jurisdiction", "directory"),
    ("jurisdictions_ambiguousspelling", "directory"),
)

# Only reference data goes from Draft to Active: what staff make is reviewed in between.
STEPS = (
    ("Draft", "InReview"),
    ("Draft", "Active"),
    ("Draft", "Retired"),
    ("InReview", "Draft"),
    ("InReview", "Active"),
    ("InReview", "Retired"),
    ("Active", "Superseded"),
    ("Active", "Retired"),
    ("Superseded", "Retired"),
)
CONTENT = (
    "id",
    "pack_id",
    "version",
    "jurisdiction_code",
    "territory",
    "framework_id",
    "framework_name",
    "regulators",
    "origin",
    "as_of",
    "applies_when",
    "sources",
    "parameters",
    "retention",
    "notes",
    "disclaimer",
    "loaded_digest",
    "authors",
    "created_by",
    "created_by_id",
    "created_at",
    "submitted_by",
    "submitted_by_id",
    "submitted_at",
)
ACTIVATION = ("activated_by", "activated_by_id", "activated_at")

_FROZEN = "only a Draft rule pack can be edited"
_NO_STEP = "no such step in the life of a rule pack"
_SECOND_PERSON = "an author of a rule pack cannot activate it"


def _any_differs(columns: Sequence[str], operator: str) -> str:
    return " OR ".join(f'NEW."{column}" {operator} OLD."{column}"' for column in columns)


def _content_changes(operator: str) -> str:
    """The condition that an UPDATE changes what a version that is no Draft keeps."""
    activating = "(NEW.status = 'Active' AND OLD.status <> 'Active')"
    superseding = "(NEW.status = 'Superseded' AND OLD.status = 'Active')"
    from_changes = _any_differs(["effective_from", *ACTIVATION], operator)
    to_changes = _any_differs(["effective_to"], operator)
    return (
        f"OLD.status <> 'Draft' AND ({_any_differs(CONTENT, operator)} "
        f"OR (NOT {activating} AND ({from_changes})) OR (NOT {superseding} AND ({to_changes})))"
    )


def _strange_step() -> str:
    known = " OR ".join(
        f"(OLD.status = '{before}' AND NEW.status = '{after}'"
        + (" AND NEW.origin = 'Loaded')" if (before, after) == ("Draft", "Active") else ")")
        for before, after in STEPS
    )
    return f"NEW.status <> OLD.status AND NOT ({known})"


def postgres_statements() -> list[str]:
    """Return the SQL that creates the triggers on PostgreSQL."""
    refuse = "USING ERRCODE = 'restrict_violation'"
    statements = [
        f"""
        CREATE FUNCTION assayer_freeze_pack() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF OLD.status <> 'Draft' THEN RAISE EXCEPTION '{_FROZEN}' {refuse}; END IF;
                RETURN OLD;
            END IF;
            IF {_content_changes("IS DISTINCT FROM")} THEN
                RAISE EXCEPTION '{_FROZEN}' {refuse};
            END IF;
            IF {_strange_step()} THEN RAISE EXCEPTION '{_NO_STEP}' {refuse}; END IF;
            IF NEW.status = 'Active' AND OLD.status <> 'Active'
                AND NEW.authors @> to_jsonb(NEW.activated_by_id) THEN
                RAISE EXCEPTION '{_SECOND_PERSON}' {refuse};
            END IF;
            RETURN NEW;
        END $$
        """,
        # Locks the pack, so that a requirement cannot slip into one that is leaving Draft.
        f"""
        CREATE FUNCTION assayer_freeze_requirement() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            standing text;
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                SELECT status INTO standing FROM {PACKS} WHERE id = OLD.pack_id FOR SHARE;
                IF standing <> 'Draft' THEN RAISE EXCEPTION '{_FROZEN}' {refuse}; END IF;
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            SELECT status INTO standing FROM {PACKS} WHERE id = NEW.pack_id FOR SHARE;
            IF standing <> 'Draft' THEN RAISE EXCEPTION '{_FROZEN}' {refuse}; END IF;
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE FUNCTION assayer_no_truncate_rules() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM {PACKS} WHERE status <> 'Draft') THEN
                RAISE EXCEPTION '{_FROZEN}' {refuse};
            END IF;
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE FUNCTION assayer_stamp_reference() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO {STAMPS} (topic, value) VALUES (TG_ARGV[0], gen_random_uuid()::text)
            ON CONFLICT (topic) DO UPDATE SET value = EXCLUDED.value;
            RETURN NULL;
        END $$
        """,
        f"CREATE TRIGGER {PACKS}_frozen BEFORE UPDATE OR DELETE ON {PACKS} "
        "FOR EACH ROW EXECUTE FUNCTION assayer_freeze_pack()",
        f"CREATE TRIGGER {REQUIREMENTS}_frozen BEFORE INSERT OR UPDATE OR DELETE "
        f"ON {REQUIREMENTS} FOR EACH ROW EXECUTE FUNCTION assayer_freeze_requirement()",
        f"CREATE TRIGGER {PACKS}_stamped_insert AFTER INSERT ON {PACKS} FOR EACH ROW "
        "WHEN (NEW.status IN ('Active', 'Superseded')) "
        "EXECUTE FUNCTION assayer_stamp_reference('packs')",
        f"CREATE TRIGGER {PACKS}_stamped_update AFTER UPDATE ON {PACKS} FOR EACH ROW "
        "WHEN (OLD.status IN ('Active', 'Superseded') OR NEW.status IN ('Active', 'Superseded')) "
        "EXECUTE FUNCTION assayer_stamp_reference('packs')",
    ]
    statements += [
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION assayer_no_truncate_rules()"
        for table in (PACKS, REQUIREMENTS)
    ]
    statements += [
        f"CREATE TRIGGER {table}_stamped AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION assayer_stamp_reference('{topic}')"
        for table, topic in STAMPED
    ]
    return statements


def postgres_drop_statements() -> list[str]:
    """Return the SQL that takes the triggers away from PostgreSQL."""
    names = (
        "assayer_freeze_pack",
        "assayer_freeze_requirement",
        "assayer_no_truncate_rules",
        "assayer_stamp_reference",
    )
    return [f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in names]


def _sqlite_triggers() -> dict[str, str]:
    frozen_pack = f"EXISTS (SELECT 1 FROM {PACKS} WHERE id = %s.pack_id AND status <> 'Draft')"
    old, new = frozen_pack % "OLD", frozen_pack % "NEW"
    author = "EXISTS (SELECT 1 FROM json_each(NEW.authors) WHERE value = NEW.activated_by_id)"
    return {
        f"{PACKS}_frozen": f"BEFORE UPDATE ON {PACKS} WHEN {_content_changes('IS NOT')} "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        f"{PACKS}_steps": f"BEFORE UPDATE ON {PACKS} WHEN {_strange_step()} "
        f"BEGIN SELECT RAISE(ABORT, '{_NO_STEP}'); END",
        f"{PACKS}_second_person": f"BEFORE UPDATE ON {PACKS} "
        f"WHEN NEW.status = 'Active' AND OLD.status <> 'Active' AND {author} "
        f"BEGIN SELECT RAISE(ABORT, '{_SECOND_PERSON}'); END",
        f"{PACKS}_no_delete": f"BEFORE DELETE ON {PACKS} WHEN OLD.status <> 'Draft' "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        # INSERT OR REPLACE deletes without firing the trigger on DELETE unless triggers recurse.
        f"{PACKS}_no_replace": f"BEFORE INSERT ON {PACKS} WHEN EXISTS (SELECT 1 FROM {PACKS} "
        "WHERE status <> 'Draft' AND (id = NEW.id "
        "OR (pack_id = NEW.pack_id AND (version = NEW.version "
        "OR (status = 'Active' AND NEW.status = 'Active'))))) "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        f"{REQUIREMENTS}_no_update": f"BEFORE UPDATE ON {REQUIREMENTS} WHEN {old} OR {new} "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        f"{REQUIREMENTS}_no_delete": f"BEFORE DELETE ON {REQUIREMENTS} WHEN {old} "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        f"{REQUIREMENTS}_no_insert": f"BEFORE INSERT ON {REQUIREMENTS} WHEN {new} "
        "OR EXISTS (SELECT 1 FROM "
        f"{REQUIREMENTS} AS same JOIN {PACKS} AS pack ON pack.id = same.pack_id "
        "WHERE same.id = NEW.id AND pack.status <> 'Draft') "
        f"BEGIN SELECT RAISE(ABORT, '{_FROZEN}'); END",
        f"{PACKS}_stamped_insert": f"AFTER INSERT ON {PACKS} "
        f"WHEN NEW.status IN ('Active', 'Superseded') BEGIN {_sqlite_stamp('packs')} END",
        f"{PACKS}_stamped_update": f"AFTER UPDATE ON {PACKS} "
        "WHEN OLD.status IN ('Active', 'Superseded') OR NEW.status IN ('Active', 'Superseded') "
        f"BEGIN {_sqlite_stamp('packs')} END",
        **{
            f"{table}_stamped_{verb.lower()}": f"AFTER {verb} ON {table} "
            f"BEGIN {_sqlite_stamp(topic)} END"
            for table, topic in STAMPED
            for verb in ("INSERT", "UPDATE", "DELETE")
        },
    }


def _sqlite_stamp(topic: str) -> str:
    return (
        f"INSERT INTO {STAMPS} (topic, value) VALUES ('{topic}', lower(hex(randomblob(16)))) "
        "ON CONFLICT (topic) DO UPDATE SET value = excluded.value;"
    )


def sqlite_statements() -> list[str]:
    """Return the SQL that creates the triggers on SQLite."""
    return [f"CREATE TRIGGER {name} {body}" for name, body in _sqlite_triggers().items()]


def sqlite_drop_statements() -> list[str]:
    """Return the SQL that takes the triggers away from SQLite."""
    return [f"DROP TRIGGER IF EXISTS {name}" for name in _sqlite_triggers()]


class FreezeRules(TriggerOperation):
    """A migration operation that creates the triggers of this module."""

    def create_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return postgres_statements() if vendor == "postgresql" else sqlite_statements()

    def drop_sql(self, vendor: str, table_of: TableOf) -> list[str]:
        return postgres_drop_statements() if vendor == "postgresql" else sqlite_drop_statements()

    def describe(self) -> str:
        return "Freeze rule packs that are no Drafts, and stamp changes of the rules"
