"""The overview of the log in the admin at 10 thousand and 1 million events."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial

import time_machine
from django.core.cache import cache
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from accounts.choices import Role
from accounts.services import user_create
from audit.activity import Period
from audit.models import AuditEvent
from audit.seal import seal_events
from benchmarks.database import throw_away, using
from benchmarks.events import fill
from benchmarks.measure import Call, Row, duration, sample
from benchmarks.world import wallet_address

_PATH = "/admin/audit/overview/"
_SMALL, _LARGE = 10_000, 1_000_000


def run(quick: bool) -> Iterator[Row]:
    total = 100_000 if quick else _LARGE
    with ExitStack() as stack:
        small = _Page(stack.enter_context(throw_away("_small")), _SMALL)
        large = _Page(stack.enter_context(throw_away("_large")), total)
        for page in (small, large):
            for period in Period:
                page.read(period)
        for period in Period:
            calls: dict[str, Call] = {
                "small": partial(small.read, period),
                "large": partial(large.read, period),
            }
            samples = sample(
                calls, rounds=15 if quick else 51, batch=1, clock=time.perf_counter, warm_up=3
            )
            yield samples.row(
                f"overview of {total:,}, {period.label}",
                "large",
                "small",
                goal=3,
                against=f"the same of {_SMALL:,}",
            )
        cache.clear()
        started = time.perf_counter()
        large.read(Period.YEAR)
        first = time.perf_counter() - started
        yield Row(f"overview of {total:,}, 12 months, nothing kept yet", "", duration(first))


class _Page:
    """The overview as an auditor reads it a minute after the last event."""

    def __init__(self, wrapper: BaseDatabaseWrapper, total: int) -> None:
        self._wrapper = wrapper
        with using(wrapper):
            fill(total)
            seal_events()
            last: datetime = AuditEvent.objects.latest("occurred_at").occurred_at
            self._moment = last + timedelta(minutes=1)
            auditor = user_create(address=wallet_address(), roles=[Role.AUDITOR])
            self._client = Client(headers={"host": "benchmark.example"})
            with time_machine.travel(self._moment, tick=False):
                self._client.force_login(
                    auditor, backend="django.contrib.auth.backends.ModelBackend"
                )

    def read(self, period: Period) -> None:
        with using(self._wrapper), time_machine.travel(self._moment, tick=False):
            page = self._client.get(_PATH, {"period": str(period)}, secure=True)
        assert page.status_code == 200
