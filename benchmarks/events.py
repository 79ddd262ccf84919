"""Many events at once: bodies as `record_event` writes them, rows by INSERT ... SELECT."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
from django.db import connection

from audit.body import EventDraft, Stamp, body_line
from audit.partitions import partitions_prepare
from benchmarks.world import ASSET, NETWORK, wallet_address

OTHER_NETWORK, THIRD_NETWORK = "base-mainnet", "testnet-v1.0"
COMMIT_EVERY = 5_000
"""Rows a transaction, and so a transaction id: the log's own are smaller still."""

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
"""When the first of them happened."""

_ID = UUID(int=0)
_ISSUER = UUID(int=1)
_MOMENT = datetime(2001, 1, 1, tzinfo=UTC)
_MOMENT_TEXT = "2001-01-01T00:00:00.000000Z"
_OTHER_ASSET = 7_777_777
_CORRELATION = "correlation-of-the-event"
_ADDRESS = "ADDRESS-OF-THE-EVENT"

# Of a hundred events, how many are of which kind.
_MIX = (
    (26, EventDraft("compliance.metadata.read", notes="Retrieved compliance metadata")),
    (14, EventDraft("compliance.metadata.listed", item_count=20, filter_criteria="No filters")),
    (
        14,
        EventDraft(
            "compliance.metadata.updated",
            old_status="UnderReview",
            new_status="Compliant",
            notes="Updated compliance metadata",
            details={"fields": ["compliance_status", "notes"]},
        ),
    ),
    (6, EventDraft("compliance.metadata.create_failed", success=False, error_message="Refused")),
    (
        30,
        EventDraft(
            "whitelist.entry.updated",
            old_status="Pending",
            new_status="Active",
            affected_address=_ADDRESS,
        ),
    ),
    (10, EventDraft("security.access.denied", success=False, details={"code": "FORBIDDEN"})),
)

# One event in ten is about ASSET, the others about a thousand assets of 200 issuers; an hour has a
# hundred. One in four is by one of 500 others; one in twenty is on another network, and of those
# one in fifty on a third. A change of a whitelist is about one of 20,000 addresses.
_INSERT = """
INSERT INTO audit_auditevent (id, name, category, action_type, occurred_at, actor, success,
    network, asset_id, issuer_id, affected_address, reference_type, reference_id, correlation_id,
    body)
SELECT e.id, k.name, k.category, k.action_type, e.moment, e.actor, k.success,
    e.network, e.asset, e.issuer, CASE WHEN k.about_address THEN e.address END, 'metadata',
    e.id::text, e.correlation,
    replace(replace(replace(replace(replace(replace(replace(replace(k.body, %(id)s, e.id::text),
        %(moment)s, e.moment_text), %(asset)s, e.asset::text), %(correlation)s, e.correlation),
        %(actor)s, e.actor), %(network)s, e.network), %(address)s, e.address),
        %(issuer)s, coalesce('"issuerId":"' || e.issuer || '",', ''))
FROM (
    SELECT *, CASE WHEN asset <> %(subject)s THEN md5('i' || asset %% 200)::uuid END AS issuer,
        CASE WHEN asset = %(subject)s OR n %% 20 <> 9 THEN %(network)s WHEN n %% 1000 = 9
            THEN %(third_network)s ELSE %(other_network)s END AS network
    FROM (
        SELECT n, md5('id' || n)::uuid AS id, md5('c' || n) AS correlation,
            CASE WHEN n %% 10 = 3 THEN %(subject)s ELSE 100000 + n %% 997 END AS asset, moment,
            CASE WHEN n %% 4 = 1 THEN 'user' || n * 7 %% 500 || '@example.org'
                ELSE %(actor)s END AS actor,
            upper(md5('a' || n * 11 %% 20000)) || 'ASSAYERBENCHMARKADDRESS234' AS address,
            to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS moment_text
        FROM (
            SELECT n, %(begin)s::timestamptz + n * interval '36.000001 s' AS moment
            FROM generate_series(%(first)s, %(last)s) AS n
        ) AS numbered
    ) AS told
) AS e
JOIN jsonb_to_recordset(%(kinds)s::jsonb) AS k(name text, category text, action_type text,
    success boolean, body text, about_address boolean, low integer, high integer)
    ON (e.n * 37) %% 100 >= k.low AND (e.n * 37) %% 100 < k.high
ORDER BY e.n
"""


def events_wanted(ordinarily: int) -> int:
    """Return how many events `--events` asks for, or those that are enough ordinarily."""
    return int(os.environ.get("BENCHMARK_EVENTS", ordinarily))


def fill(total: int) -> None:
    """Write `total` events, oldest first, in transactions of `COMMIT_EVERY`; then ANALYZE."""
    parameters = _parameters()
    partitions_prepare(first_year=BEGIN.year)
    with connection.cursor() as cursor:
        for first in range(0, total, COMMIT_EVERY):
            last = min(first + COMMIT_EVERY, total) - 1
            cursor.execute(_INSERT, {**parameters, "first": first, "last": last})
        cursor.execute("VACUUM ANALYZE audit_auditevent")


def _parameters() -> dict[str, object]:
    return {
        "kinds": orjson.dumps(_kinds()).decode(),
        "actor": wallet_address(),
        "begin": BEGIN,
        "network": NETWORK,
        "other_network": OTHER_NETWORK,
        "third_network": THIRD_NETWORK,
        "address": _ADDRESS,
        "issuer": f'"issuerId":"{_ISSUER}",',
        "subject": ASSET,
        "id": str(_ID),
        "moment": _MOMENT_TEXT,
        "asset": str(_OTHER_ASSET),
        "correlation": _CORRELATION,
    }


def _kinds() -> list[dict[str, object]]:
    stamp = Stamp(_ID, _MOMENT, wallet_address(), str(_ID), "Api", _CORRELATION)
    kinds: list[dict[str, object]] = []
    low = 0
    for share, draft in _MIX:
        complete = replace(
            draft,
            network=NETWORK,
            asset_id=_OTHER_ASSET,
            issuer_id=_ISSUER,
            reference_type="metadata",
            reference_id=str(_ID),
        )
        kinds.append(
            {
                "name": draft.name,
                "category": str(draft.type.category),
                "action_type": str(draft.type.action_type),
                "success": draft.success,
                "body": body_line(complete, stamp),
                "about_address": draft.affected_address is not None,
                "low": low,
                "high": low + share,
            }
        )
        low += share
    return kinds
