"""What each filter of the log reads: the indexes of its plan, rows, pages; and what they cost."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.http import QueryDict

from audit.api.filters import ComplianceAuditFilter
from audit.counting import exact_count
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from audit.principal import SYSTEM
from audit.querysets import AuditEventQuerySet
from audit.services import record_event
from benchmarks.events import BEGIN, THIRD_NETWORK, events_wanted, fill
from benchmarks.measure import Row, duration
from benchmarks.world import ASSET, wallet_address

_PAGE = 51
_NEW = 1_000
_GOAL_SECONDS = 0.020
_WARM = 5
_PARENTS = """
SELECT c.relname, p.relname FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent WHERE c.relkind = 'i'
"""
_BYTES = """
SELECT p.relname, sum(pg_relation_size(c.oid)) FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'i' GROUP BY 1 ORDER BY 1
"""


def run(quick: bool) -> Iterator[Row]:
    total = events_wanted(20_000 if quick else 1_000_000)
    fill(total)
    parents = dict(_rows(_PARENTS))
    used: set[str] = set()
    for label, events in filters().items():
        page = events.order_by("-occurred_at", "-seq").values("seq", "occurred_at", "body")[:_PAGE]
        for _ in range(2):  # the second time from memory
            plan = orjson.loads(page.explain(format="json", analyze=True, buffers=True))[0]
        indexes, read = _scans(plan["Plan"], parents)
        used |= indexes
        yield Row(
            f"page of {total:,} by {label}",
            ", ".join(sorted(indexes)) or "no index",
            f"{read:,} rows, {_pages(plan['Plan']):,} pages, {plan['Execution Time']:.2f} ms",
        )
    yield from totals(total)
    for name, size in _rows(_BYTES):
        yield Row(
            f"bytes of {name}, an event",
            "" if name in used else "in no plan above",
            f"{int(size) / total:.1f}",
        )


def totals(total: int) -> Iterator[Row]:
    """Yield how long each exact total takes, the first time and with new events since."""
    first = {}
    for label, events in filters().items():
        started = time.perf_counter()
        exact_count(events)
        first[label] = time.perf_counter() - started
    for _ in range(_NEW):
        record_event("compliance.metadata.read", actor=SYSTEM, asset_id=ASSET)
    for label, events in filters().items():
        taken = []
        for _ in range(_WARM):
            started = time.perf_counter()
            exact_count(events)
            taken.append(time.perf_counter() - started)
        again = sorted(taken)[_WARM // 2]
        yield Row(
            f"total of {total:,} by {label}, {_NEW:,} new",
            f"20 ms; the first one took {duration(first[label])}",
            duration(again),
            ratio=again / _GOAL_SECONDS,
            goal=1,
            rounds=_WARM,
        )


def filters() -> Mapping[str, AuditEventQuerySet]:
    """Return the events of each documented filter, and of some that go together."""
    everything = AuditEvent.objects.all()
    some = everything.filter(affected_address__isnull=False).order_by("seq")[100]
    name = "whitelist.entry.updated"
    kind = EVENT_TYPES[name]
    day = f"{BEGIN:%Y}-02-01"
    wire = {
        "nothing": {},
        "assetId, a tenth of the log": {"assetId": str(ASSET)},
        "assetId, a thousandth": {"assetId": str(some.asset_id)},
        "network, nearly all": {"network": str(some.network)},
        "network, a thousandth": {"network": THIRD_NETWORK},
        "network, none": {"network": "nowhere-v1.0"},
        "performedBy, most": {"performedBy": wallet_address()},
        "performedBy, one in 2,000": {"performedBy": "user7@example.org"},
        "performedBy, nobody": {"performedBy": "nobody@example.org"},
        "success=false": {"success": "false"},
        "actionType": {"actionType": "Read"},
        "actionType, none": {"actionType": "Logout"},
        "a day": {"fromDate": day, "toDate": day},
        "assetId and actionType": {"assetId": str(some.asset_id), "actionType": "List"},
        "assetId and success=false": {"assetId": str(some.asset_id), "success": "false"},
        "assetId and network": {"assetId": str(some.asset_id), "network": "voimain-v1.0"},
        "network and success=false": {"network": "base-mainnet", "success": "false"},
        "performedBy and a day": {
            "performedBy": "user7@example.org",
            "fromDate": day,
            "toDate": day,
        },
    }
    found = {label: _select(everything, asked) for label, asked in wire.items()}
    return {
        **found,
        "category": everything.filter(category=kind.category),
        "category and actionType": everything.filter(
            category=kind.category, action_type=kind.action_type
        ),
        "category, actionType, success=false": everything.filter(
            category="Compliance", action_type="Create", success=False
        ),
        "eventType": everything.filter(name=name),
        "eventType, none": everything.filter(name="audit.trail.broken"),
        "affectedAddress": everything.filter(affected_address=some.affected_address),
        "receiver, none": everything.filter(to_address=some.affected_address),
        "referenceId": everything.filter(reference_id=some.reference_id),
        "issuer": everything.filter(issuer_id=some.issuer_id),
        "two issuers, without events": everything.filter(issuer_id__in=[UUID(int=2), UUID(int=3)]),
        "issuer and category": everything.filter(issuer_id=some.issuer_id, category=kind.category),
    }


def _select(events: AuditEventQuerySet, asked: Mapping[str, str]) -> AuditEventQuerySet:
    query = QueryDict(mutable=True)
    query.update(asked)
    return ComplianceAuditFilter.select(events, query)[0]


def _scans(node: Mapping[str, Any], parents: Mapping[str, str]) -> tuple[set[str], int]:
    """Return the indexes that a plan reads, and how many rows it looks at."""
    indexes, read = set[str](), 0
    if (name := node.get("Index Name")) is not None:
        indexes.add(parents.get(name, name))
    if "Relation Name" in node:
        read = round(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        )
    for child in node.get("Plans", ()):
        further, more = _scans(child, parents)
        indexes |= further
        read += more
    return indexes, read


def _pages(node: Mapping[str, Any]) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
