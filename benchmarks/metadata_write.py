"""A metadata update with its event, by service and by API, against the same statements in SQL."""

import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
from django.db import connection

from accounts.models import User
from benchmarks.database import plain_connection
from benchmarks.measure import Call, Row, sample
from benchmarks.world import ASSET, NETWORK, requester, sigtx, token_with_record
from compliance.services import metadata

Statement = tuple[str, Sequence[Any]]
EVENT = 'INSERT INTO "audit_auditevent"'
_SERVICE = "metadata_upsert with its event: the service"


def run(quick: bool) -> Iterator[Row]:
    _, owner = token_with_record()
    numbers = count()
    send = requester(sigtx())

    def by_service() -> object:
        # As in a request: the user was just read, and none of their roles is known yet.
        return metadata.metadata_upsert(
            actor=User.objects.get(pk=owner.pk),
            asset_id=ASSET,
            network=NETWORK,
            changes={"max_holders": next(numbers) % 1000 + 1},
        )

    def by_api() -> object:
        body = {"assetId": ASSET, "network": NETWORK, "maxHolders": next(numbers) % 1000 + 1}
        return send("/api/v1/compliance", body=orjson.dumps(body))

    def without_event() -> object:
        recorded = metadata.record_event
        metadata.record_event = lambda *args, **kwargs: None  # type: ignore[assignment]
        try:
            return by_service()
        finally:
            metadata.record_event = recorded

    by_service()
    by_api()
    service, api = statements_of(by_service), statements_of(by_api)
    calls: dict[str, Call] = {
        "service": by_service,
        "api": by_api,
        "without": without_event,
        "service sql": replay(service),
        "api sql": replay(api),
    }
    samples = sample(calls, rounds=15 if quick else 101, batch=8)
    yield samples.row(
        _SERVICE,
        "service",
        "service sql",
        against=f"its {len(service)} statements by psycopg, one transaction",
        remarks=[shown(sql) for sql, _ in service],
    )
    yield samples.row(
        "the same through the API, SigTx remembered",
        "api",
        "api sql",
        against=f"its {len(api)} statements by psycopg, one transaction",
    )
    yield samples.row(
        _SERVICE, "service", "without", goal=1.5, against="the same service without its event"
    )


def statements_of(call: Call) -> list[Statement]:
    """Return the statements that `call` sends, without savepoints, which plain SQL needs not."""
    sent: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            sent.append((sql, tuple(params or ())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    return sent


def replay(statements: Sequence[Statement], work: float = 0.0) -> Call:
    """Return a call that sends the statements in one transaction; the event gets a new id.

    Before the commit it waits for `work` seconds, as for something else.
    """
    database = plain_connection(connection)

    def call() -> None:
        with database.transaction(), database.cursor() as cursor:
            for sql, params in statements:
                if sql.startswith(EVENT):
                    params = (uuid4(), *params[1:])
                cursor.execute(sql, params)
                if cursor.description is not None:
                    cursor.fetchall()
            if work:
                time.sleep(work)

    return call


def shown(sql: str) -> str:
    """Return a statement as one short line."""
    line = " ".join(sql.split())
    selected, _, source = line.partition(" FROM ")
    return f"SELECT ... FROM {source}"[:100] if line.startswith("SELECT") else selected[:100]
