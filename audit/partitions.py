"""Partitions of the log by year (UTC), on PostgreSQL; SQLite keeps one table.

A year that has no partition goes to the default one, so that no event is ever refused. One function
of the database creates partitions: it runs with the rights of the schema's owner, so that the
application's role needs none, and it alone knows what each partition must have.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from audit.seal import TABLE

FUNCTION = "assayer_audit_partition"
_MOST = 100_000

# Row triggers are cloned to a partition, the one against TRUNCATE is not (reference/audit.md, B.4).
# ATTACH lets writers go on; CREATE TABLE ... PARTITION OF would not. Rights that every table of the
# schema was given would lead past those of the log.
CREATE_FUNCTION = f"""
CREATE FUNCTION {FUNCTION}(year integer) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = {{schema}}, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    part text := format('{TABLE}_%s', coalesce(year::text, 'default'));
    bounds text := 'DEFAULT';
    other text;
BEGIN
    IF year NOT BETWEEN 1970 AND 2199 THEN
        RAISE EXCEPTION 'no partition for the year %', year USING ERRCODE = 'data_exception';
    END IF;
    LOCK TABLE ONLY {TABLE} IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    IF year IS NOT NULL THEN
        bounds := format('FOR VALUES FROM (%L) TO (%L)',
            make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC'),
            make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC'));
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
        'EXECUTE FUNCTION assayer_refuse_change()', part || '_no_truncate', part);
    EXECUTE format('ALTER TABLE {TABLE} ATTACH PARTITION %I %s', part, bounds);
    FOR other IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = part::regclass AND a.grantee <> c.relowner GROUP BY a.grantee
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %s', part, other);
    END LOOP;
    RETURN true;
END $$
"""  # noqa: S608 - constants
DROP_FUNCTION = f"DROP FUNCTION {FUNCTION}(integer)"

_YEARS = f"""
SELECT right(c.relname, 4)::integer FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = '{TABLE}'::regclass AND c.relname ~ '_[0-9]{{4}}$' ORDER BY 1
"""  # noqa: S608 - constants
_STRAYED = f"""
SELECT count(*) FROM (
    SELECT 1 FROM "{TABLE}" WHERE occurred_at < %s OR occurred_at >= %s LIMIT {_MOST}) AS strayed
"""  # noqa: S608 - constants


def partitions_prepare(*, first_year: int | None = None) -> list[int]:
    """Create the partitions that are missing from `first_year`, or this year, to the next year.

    Returns their years. Moves nothing: a year with events in the default partition raises
    `django.db.IntegrityError`. Raises `OperationalError` where the log is locked for more than 3 s,
    and `ProgrammingError` without the right to call the function. Nothing happens on SQLite.
    """
    if connection.vendor != "postgresql":
        return []
    this_year = timezone.now().astimezone(UTC).year
    years = range(this_year if first_year is None else first_year, this_year + 2)
    missing = sorted(set(years) - set(partition_years()))
    with connection.cursor() as cursor:
        made = []
        for year in missing:
            cursor.execute(f"SELECT {FUNCTION}(%s)", [year])
            if cursor.fetchone()[0]:
                made.append(year)
    return made


def partition_years() -> list[int]:
    """Return the years that have a partition of their own, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_YEARS)
        return [year for (year,) in cursor.fetchall()]


def strayed_events() -> int:
    """Return how many events are in the default partition, at most 100,000.

    Asked of the log itself: the application's role reads no partition by its name.
    """
    if connection.vendor != "postgresql":
        return 0
    years = partition_years()
    bounds = [datetime(year, 1, 1, tzinfo=UTC) for year in (years[0], years[-1] + 1)]
    with connection.cursor() as cursor:
        cursor.execute(_STRAYED, bounds)
        return int(cursor.fetchone()[0])


def partition_gauges() -> Iterator[tuple[str, str, float]]:
    """Yield name, meaning and value of what monitoring watches of the partitions."""
    if connection.vendor != "postgresql":
        return
    end = datetime(partition_years()[-1] + 1, 1, 1, tzinfo=UTC)
    ahead = (end - timezone.now()).total_seconds() / 86_400
    yield "assayer_audit_partition_days_ahead", "Days until no partition is prepared.", ahead
    yield "assayer_audit_default_partition_events", "Events outside those.", strayed_events()
