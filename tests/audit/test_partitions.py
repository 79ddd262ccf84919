"""The log's yearly partitions: made ahead, complete, out of the application's reach."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit import seal
from audit.body import EventDraft
from audit.models import AuditEvent
from audit.partitions import (
    FUNCTION,
    partition_gauges,
    partition_years,
    partitions_prepare,
    strayed_events,
)
from audit.principal import SYSTEM
from audit.services import record_event, record_events
from audit.tasks import prepare_partitions

pytestmark = pytest.mark.django_db
on_postgres = pytest.mark.postgres
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "audit-log.md"
NAME = "compliance.metadata.listed"
MIGRATION = import_module("audit.migrations.0005_partitions_by_year")


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def partitions() -> list[str]:
    found = rows(
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = 'audit_auditevent'::regclass ORDER BY 1"
    )
    return [name for (name,) in found]


def triggers(table: str) -> set[tuple[str, int]]:
    """The enabled triggers of ours: the function, and the type bits (row 1, before 2, ...)."""
    found = rows(
        "SELECT tgfoid::regproc::text, tgtype FROM pg_trigger "
        "WHERE tgrelid = %s::regclass AND tgenabled = 'O' AND tgname LIKE 'audit\\_%%'",
        table,
    )
    return {(function, kind) for function, kind in found}


def contents() -> list[tuple[Any, ...]]:
    return list(AuditEvent.objects.order_by("seq").values_list())


def at(year: int) -> datetime:
    return datetime(year, 6, 1, tzinfo=UTC)


def recorded_in(year: int) -> None:
    record_events([EventDraft(NAME)], actor=SYSTEM, occurred_at=at(year))


COMPLETE = {("assayer_refuse_change", 1 | 2 | 8 | 16), ("assayer_refuse_change", 2 | 32)}


@on_postgres
def test_every_partition_refuses_update_delete_and_truncate() -> None:
    with time_machine.travel(at(2031), tick=False):
        assert partitions_prepare() == [2031, 2032]
    record_event(NAME, actor=SYSTEM)
    recorded_in(2031)
    recorded_in(1999)
    assert {"audit_auditevent_2031", "audit_auditevent_default"} < set(partitions())
    before = contents()
    for table in partitions():
        assert triggers(table) == COMPLETE, table
        ((count,),) = rows(f"SELECT count(*) FROM {table}")
        statements = [f"TRUNCATE {table}"]
        if count:
            statements += [f"DELETE FROM {table}", f"UPDATE {table} SET success = NOT success"]
        for statement in statements:
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                execute(statement)
    assert contents() == before


@on_postgres
def test_the_next_year_is_prepared_ahead() -> None:
    years = partition_years()
    ahead = years[-1]
    assert years == list(range(years[0], ahead + 1))
    with time_machine.travel(at(ahead), tick=False):
        record_event(NAME, actor=SYSTEM)
        assert {name: value for name, _, value in partition_gauges()} == {
            "assayer_audit_partition_days_ahead": 214.0,
            "assayer_audit_default_partition_events": 0,
        }
        prepare_partitions()
        prepare_partitions()
        assert partition_years() == [*years, ahead + 1]
        assert partitions_prepare() == []
    ((where,),) = rows("SELECT tableoid::regclass::text FROM audit_auditevent")
    assert where == f"audit_auditevent_{ahead}"


@on_postgres
def test_a_year_begins_in_utc() -> None:
    first, last = partition_years()[0], partition_years()[-1]
    execute("SET LOCAL timezone = 'Pacific/Auckland'")
    with time_machine.travel(at(last), tick=False):
        partitions_prepare()
    for year in range(first, last + 2):
        for moment in (datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, tzinfo=UTC)):
            record_events([EventDraft(NAME)], actor=SYSTEM, occurred_at=moment)
    found = rows("SELECT tableoid::regclass::text, count(*) FROM audit_auditevent GROUP BY 1")
    assert dict(found) == {f"audit_auditevent_{year}": 2 for year in range(first, last + 2)}


@on_postgres
def test_an_event_of_another_year_is_kept_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    recorded_in(2040)
    record_event(NAME, actor=SYSTEM)
    before = contents()
    assert (len(before), strayed_events()) == (2, 1)
    with time_machine.travel(at(2040), tick=False):
        with pytest.raises(IntegrityError), transaction.atomic():
            partitions_prepare()
        with pytest.raises(CommandError, match="not created"), transaction.atomic():
            call_command("prepare_partitions")
    assert contents() == before
    assert 2040 not in partition_years()
    with caplog.at_level(logging.ERROR, logger="assayer.audit"):
        prepare_partitions()
    assert [record.message for record in caplog.records] == ["events are in the default partition"]


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_a_failure_is_logged_and_leaves_the_log_usable(caplog: pytest.LogCaptureFixture) -> None:
    recorded_in(2040)
    with time_machine.travel(at(2040), tick=False):
        prepare_partitions()
    assert caplog.records[0].message == "a partition of the log cannot be created"
    assert 2040 not in partition_years()
    record_event(NAME, actor=SYSTEM)
    assert AuditEvent.objects.count() == 2


@on_postgres
def test_the_command_says_what_it_created() -> None:
    first = partition_years()[0]
    said = StringIO()
    call_command("prepare_partitions", "--from", str(first - 2), stdout=said)
    call_command("prepare_partitions", stdout=said)
    assert said.getvalue().splitlines() == [
        f"created: {first - 2}, {first - 1}",
        "created: none was missing",
    ]
    with pytest.raises(CommandError, match="no partition for the year 1969"), transaction.atomic():
        call_command("prepare_partitions", "--from", "1969")


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="of the other database")
def test_another_database_has_none() -> None:
    record_event(NAME, actor=SYSTEM)
    assert (partitions_prepare(), list(partition_gauges())) == ([], [])
    prepare_partitions()
    assert AuditEvent.objects.count() == 1


@contextmanager
def role_of_the_application() -> Iterator[None]:
    """Act with the rights that the document gives; the role goes with the transaction."""
    (grants,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    execute(grants.replace("assayer_app", "test_partitions_app"))
    execute("SET LOCAL ROLE test_partitions_app")
    yield
    execute("RESET ROLE")


@on_postgres
def test_the_application_reaches_the_log_by_its_own_name_alone() -> None:
    record_event(NAME, actor=SYSTEM)
    with role_of_the_application():
        record_event(NAME, actor=SYSTEM)
        with time_machine.travel(at(2031), tick=False):
            assert partitions_prepare() == [2031, 2032]
        recorded_in(2031)
        assert (AuditEvent.objects.count(), strayed_events()) == (3, 0)
        for table in partitions():
            for statement in (
                f"SELECT body FROM {table}",
                f"INSERT INTO {table} SELECT * FROM audit_auditevent",
                f"UPDATE {table} SET success = NOT success",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
                f"LOCK TABLE {table}",
                f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                f"ALTER TABLE audit_auditevent DETACH PARTITION {table}",
                f"DROP TABLE {table}",
            ):
                with pytest.raises(DatabaseError, match=r"permission|owner"), transaction.atomic():
                    execute(statement)
    assert AuditEvent.objects.count() == 3


@on_postgres
def test_without_the_right_to_create_them_the_task_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with role_of_the_application():
        execute("RESET ROLE")
        execute(f"REVOKE ALL ON FUNCTION {FUNCTION}(integer) FROM test_partitions_app")
        execute("SET LOCAL ROLE test_partitions_app")
        with (
            time_machine.travel(at(2031), tick=False),
            pytest.raises(DatabaseError, match="permission denied for function"),
            transaction.atomic(),
        ):
            partitions_prepare()
    assert 2031 not in partition_years()


@on_postgres
def test_rights_for_all_tables_do_not_reach_a_new_partition() -> None:
    execute("CREATE ROLE test_partitions_other")
    execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO test_partitions_other, PUBLIC")
    with time_machine.travel(at(2031), tick=False):
        partitions_prepare()
    ((rights,),) = rows(
        "SELECT bool_or(a.grantee <> c.relowner) FROM pg_class c, aclexplode(c.relacl) a "
        "WHERE c.oid = 'audit_auditevent_2031'::regclass"
    )
    assert not rights


@on_postgres
def test_the_sealer_merges_the_partitions_in_their_order() -> None:
    record_event(NAME, actor=SYSTEM)
    for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
        execute(f"SET LOCAL {setting} = off")
    plan = "\n".join(line for (line,) in rows(f"EXPLAIN {seal._POSTGRES_BATCH}", "5", 1, 0, 5_000))
    assert "Merge Append" in plan
    assert plan.count("Index Scan using audit_auditevent_") == len(partitions())
    assert plan.count("_xid_seq_idx") == len(partitions())
    assert "Sort Key: e.xid, e.seq" in plan
    assert "Sort  " not in plan


@on_postgres
def test_the_migration_keeps_every_event_and_goes_back() -> None:
    for year in (2019, 2040):
        recorded_in(year)
    record_event(NAME, actor=SYSTEM)
    execute("CREATE ROLE test_partitions_reader")
    execute("GRANT SELECT, INSERT (id, name) ON audit_auditevent TO test_partitions_reader")
    before, indexes, rights = contents(), index_names(), log_rights()
    with connection.schema_editor(atomic=False) as editor:
        MIGRATION.backwards(None, editor)
        assert (partitions(), contents()) == ([], before)
        assert (index_names(), log_rights()) == (indexes, rights)
        record_event(NAME, actor=SYSTEM)
        MIGRATION.forwards(None, editor)
    assert partition_years()[:8] == list(range(2019, 2027))
    after = contents()
    assert (after[:3], len(after)) == (before, 4)
    assert (index_names(), log_rights()) == (indexes, rights)
    assert triggers("audit_auditevent") == COMPLETE
    record_event(NAME, actor=SYSTEM)
    assert contents()[4][0] > after[3][0]


def index_names() -> list[tuple[Any, ...]]:
    return rows("SELECT indexname FROM pg_indexes WHERE tablename = 'audit_auditevent' ORDER BY 1")


def log_rights() -> set[tuple[Any, ...]]:
    return set(
        rows(
            "SELECT grantee, privilege_type, column_name FROM information_schema.column_privileges "
            "WHERE table_name = 'audit_auditevent'"
        )
    )
