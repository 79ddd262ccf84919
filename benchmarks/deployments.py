"""Deployments: a change of status, the figures of 100,000, and the list of 10,000 and a million."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import cycle
from urllib.parse import urlencode

import orjson
from django.db import connection
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts.choices import Role
from accounts.services import user_create
from audit.principal import SYSTEM
from benchmarks.database import throw_away, using
from benchmarks.measure import Call, Row, sample
from benchmarks.metadata_write import replay, statements_of
from benchmarks.world import requester, wallet_address
from deployments.choices import Origin
from deployments.metrics import Period, deployment_metrics
from deployments.models import Deployment
from deployments.services.transitions import Change, deployment_move
from deployments.vocabulary import Status

_PATH = "/api/v1/token/deployments"
_ROUND = (
    Change(Status.SUBMITTED, "sent", transaction_id="0x" + "ab" * 32),
    Change(Status.PENDING, "seen"),
    Change(Status.FAILED, "failed"),
    Change(Status.QUEUED, "again"),
)
# Of ten, one has failed, one was cancelled, two are at work; the rest failed once and completed.
_FILL = """
INSERT INTO deployments_deployment (id, network, standard, name, symbol, parameters, status, origin,
    deployed_by, correlation_id, created_by, created_at, updated_at, faults, error)
SELECT gen_random_uuid(), (ARRAY['base-sepolia', 'testnet-v1.0'])[1 + n %% 2],
    (ARRAY['ASA_FT', 'ERC20_Mintable', 'ASA_NFT'])[1 + n %% 3], 'Bond ' || n, 'BND', '{}',
    (ARRAY['Failed', 'Cancelled', 'Queued', 'Pending'])[1 + n %% 4], 'Pipeline', '0xabc', '', 'x',
    now() - make_interval(secs => n), now() - make_interval(secs => n) + interval '30 seconds', 0,
    CASE WHEN n %% 4 = 0 THEN '{"category": "NetworkError", "technicalMessage": "down",
        "suggestedRetryDelaySeconds": 30}'::jsonb END
FROM generate_series(1, %(count)s) AS n
"""
_HISTORY = """
INSERT INTO deployments_deploymenttransition (deployment_id, from_status, to_status, occurred_at,
    actor, reason_code, duration_ms, error)
SELECT d.id, s.before, s.after, d.created_at + s.at, 'x', 'X', 1000,
    CASE WHEN s.after = 'Failed' THEN '{"category": "NetworkError"}'::jsonb END
FROM deployments_deployment d, (VALUES
    (NULL, 'Queued', interval '0'), ('Queued', 'Submitted', interval '1 second'),
    ('Submitted', 'Failed', interval '2 seconds')) AS s (before, after, at)
"""


def run(quick: bool) -> Iterator[Row]:
    yield _transitions(quick)
    total = 10_000 if quick else 100_000
    _fill(total, history=True)
    now = timezone.now()
    figures = partial(
        deployment_metrics,
        Deployment.objects.all(),
        Period(now - timedelta(days=3650), now),
    )
    sent = statements_of(figures)
    calls: dict[str, Call] = {"metrics": figures, "sql": replay(sent)}
    yield sample(calls, rounds=5 if quick else 15, batch=1, clock=time.perf_counter).row(
        f"the figures of {total:,} deployments",
        "metrics",
        "sql",
        goal=1.2,
        against=f"its {len(sent)} statements by psycopg",
    )
    yield from _lists(quick)


def _transitions(quick: bool) -> Row:
    row = Deployment.objects.create(
        network="base-sepolia", standard="ERC20_Mintable", status="Queued", origin=Origin.PIPELINE
    )
    changes = cycle(_ROUND)

    def move() -> object:
        return deployment_move(deployment=row, change=next(changes), actor=SYSTEM)

    move()
    sent = statements_of(move)
    for _ in range(2):
        move()
    calls: dict[str, Call] = {"move": move, "sql": replay(sent)}
    samples = sample(calls, rounds=15 if quick else 101, batch=8)
    return samples.row(
        "a change of status with its transition and event",
        "move",
        "sql",
        against=f"its {len(sent)} statements by psycopg, one transaction",
    )


def _lists(quick: bool) -> Iterator[Row]:
    total = 100_000 if quick else 1_000_000
    with ExitStack() as stack:
        readers = {}
        for name, count in (("small", 10_000), ("large", total)):
            wrapper = stack.enter_context(throw_away(f"_{name}"))
            with using(wrapper):
                _fill(count, history=False)
                auditor = user_create(address=wallet_address(), roles=[Role.AUDITOR])
                send = requester(f"Bearer {AccessToken.for_user(auditor)}")

            def read(parameters: dict[str, str], wrapper=wrapper, send=send) -> bytes:  # type: ignore[no-untyped-def]
                with using(wrapper):
                    body: bytes = send(_PATH, urlencode(parameters))
                    return body

            readers[name] = read
        for label, filters in {"no filter": {}, "what has failed": {"status": "Failed"}}.items():
            first = {**filters, "pageSize": "100"}
            further = {**first, "cursor": orjson.loads(readers["large"](first))["nextCursor"]}
            calls: dict[str, Call] = {
                "small": partial(readers["small"], first),
                "large": partial(readers["large"], first),
                "deep": partial(readers["large"], further),
            }
            samples = sample(calls, rounds=7 if quick else 31, batch=1, clock=time.perf_counter)
            yield samples.row(
                f"page 1 and total of {total:,} deployments, {label}",
                "large",
                "small",
                against="the same of 10,000",
            )


def _fill(count: int, *, history: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"count": count})
        if history:
            cursor.execute(_HISTORY)
        cursor.execute("ANALYZE deployments_deployment, deployments_deploymenttransition")
