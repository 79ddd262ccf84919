"""Pages of the audit log at 10 thousand and 1 million events or more, and page 1,000 by cursor."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlencode

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper
from rest_framework_simplejwt.tokens import AccessToken

from accounts.choices import Role
from accounts.services import user_create
from audit.api.log_views import COMPLIANCE_AUDIT_LOG
from benchmarks.database import plain_connection, throw_away, using
from benchmarks.events import events_wanted, fill
from benchmarks.measure import Call, Row, sample
from benchmarks.world import ASSET, requester, wallet_address

_PATH = "/api/v1/compliance/audit-log"
_SMALL, _LARGE = 10_000, 1_000_000
_DEEP = 1_000
_PAGE = 100
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_COUNT = """
SELECT count(*) FROM audit_auditevent WHERE category = 'Compliance' AND xid >= (%s::text)::xid8
"""
_NEWEST = """
SELECT body FROM audit_auditevent WHERE category = 'Compliance'
ORDER BY occurred_at DESC, seq DESC LIMIT %s
"""
_FILTERS = {
    "no filter": dict[str, str](),
    "one asset (10 % of the log)": {"assetId": str(ASSET)},
    "category and action (26 %)": {"actionType": "Read"},
    "actor (75 %)": {"performedBy": wallet_address()},
    "failures (6 %)": {"success": "false"},
}


def run(quick: bool) -> Iterator[Row]:
    total, deep = (100_000, 100) if quick else (events_wanted(_LARGE), _DEEP)
    with ExitStack() as stack:
        small = reader(stack.enter_context(throw_away("_small")), _SMALL)
        wrapper = stack.enter_context(throw_away("_large"))
        large = reader(wrapper, total)
        page: dict[str, Call] = {
            "page": partial(large, {"pageSize": str(_PAGE)}),
            "raw": raw_page(wrapper),
        }
        yield sample(page, rounds=15 if quick else 101, batch=5).row(
            f"page of {_PAGE} and total of {total:,}, CPU",
            "page",
            "raw",
            goal=5.5,
            against="the page and the count by psycopg, orjson",
        )
        for label, filters in _FILTERS.items():
            before = orjson.loads(large({**filters, "page": str(deep - 1)}))
            further = {**filters, "cursor": before["nextCursor"]}
            calls: dict[str, Call] = {
                "small": partial(small, filters),
                "large": partial(large, filters),
                "deep": partial(large, further),
            }
            samples = sample(calls, rounds=15 if quick else 101, batch=3, clock=time.perf_counter)
            yield samples.row(
                f"page 1 and total of {total:,}, {label}",
                "large",
                "small",
                goal=1.5,
                against=f"the same of {_SMALL:,}",
            )
            yield samples.row(
                f"page {deep:,} by cursor, {label}",
                "deep",
                "large",
                goal=1.5,
                against=f"page 1 of {total:,}",
            )


def raw_page(wrapper: BaseDatabaseWrapper) -> Call:
    """Return a call that reads the newest page and counts what is new, and answers both as JSON."""
    database = plain_connection(wrapper)
    (horizon,) = database.execute(_HORIZON).fetchone() or ("0",)

    def call() -> bytes:
        with database.cursor() as cursor:
            (new,) = cursor.execute(_COUNT, [horizon]).fetchone() or (0,)
            rows = cursor.execute(_NEWEST, [_PAGE]).fetchall()
        entries = [COMPLIANCE_AUDIT_LOG.entry(str(body)) for (body,) in rows]
        return orjson.dumps({"success": True, "entries": entries, "totalCount": new})

    return call


def reader(wrapper: BaseDatabaseWrapper, total: int) -> Callable[[dict[str, str]], bytes]:
    """Fill the database and return a function by which an auditor reads a page of its log."""
    with using(wrapper):
        fill(total)
        auditor = user_create(address=wallet_address(), roles=[Role.AUDITOR])
        send = requester(f"Bearer {AccessToken.for_user(auditor)}")

    def read(parameters: dict[str, str]) -> bytes:
        with using(wrapper):
            return send(_PATH, urlencode(parameters))

    return read
