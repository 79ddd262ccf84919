"""A transfer validated, from the WSGI call to the answer, against its statements in plain SQL."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import count
from json import dumps, loads
from threading import local
from typing import Any
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, connection, connections

from accounts.addresses import encode_algorand_address
from benchmarks.database import plain_connection
from benchmarks.measure import Call, Row, Samples, sample
from benchmarks.metadata_write import EVENT, Statement, shown, statements_of
from benchmarks.world import ASSET, call_wsgi, environment, requester, sigtx, token_with_record
from whitelist.services.policies import whitelist_policy_set

PATH = "/api/v1/whitelist/validate-transfer"
CLIENTS = (1, 4, 16)
_ENTRIES, _QUICK = 1_000_000, 20_000
_KNOWN = 500
_FILL = """
INSERT INTO whitelist_whitelistentry (id, token_id, address, status, kyc_verified, created_by,
    created_at)
SELECT gen_random_uuid(), %(token)s, 'FILL' || lpad(n::text, 54, '0'), 'Active', true,
    'benchmark', now()
FROM generate_series(1, %(count)s) AS n
"""
_KNOW = """
INSERT INTO whitelist_whitelistentry (id, token_id, address, status, kyc_verified,
    expiration_date, created_by, created_at)
SELECT gen_random_uuid(), %(token)s, a, 'Active', true, now() + interval '1 year', 'benchmark',
    now()
FROM unnest(%(addresses)s::text[]) AS a
"""


def run(quick: bool) -> Iterator[Row]:
    token, owner = token_with_record()
    whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
    addresses = [
        encode_algorand_address(sha256(b"%d" % number).digest()) for number in range(_KNOWN)
    ]
    entries = _QUICK if quick else _ENTRIES
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"token": token.pk, "count": entries - _KNOWN})
        cursor.execute(_KNOW, {"token": token.pk, "addresses": addresses})
        cursor.execute("VACUUM ANALYZE")
    numbers = count()

    def body() -> bytes:
        number = next(numbers)
        pair = addresses[number % _KNOWN], addresses[number * 7 % _KNOWN]
        content = {"assetId": ASSET, "fromAddress": pair[0], "toAddress": pair[1], "amount": 1000}
        return dumps(content).encode()

    send = requester(sigtx())
    answer = loads(send(PATH, body=body()))
    assert answer["isAllowed"], answer
    statements = statements_of(lambda: send(PATH, body=body()))
    floor = bare_statements(statements)

    def validate() -> object:
        return send(PATH, body=body())

    def replay() -> object:
        return floor(body())

    for clients in CLIENTS:
        with several(clients) as together:
            samples = sample(
                {"api": together(validate), "sql": together(replay)},
                rounds=(7 if quick else 51) if clients < 16 else (5 if quick else 25),
                batch=1,
                warm_up=2,
            )
        samples = Samples(
            {
                name: [one / (clients * _CALLS) for one in taken]
                for name, taken in samples.seconds.items()
            }
        )
        yield samples.row(
            f"transfer validated, SigTx remembered, whole stack, {entries:,} entries, "
            f"{clients} client{'s' if clients > 1 else ''}",
            "api",
            "sql",
            goal=5,
            against=f"bare WSGI, its {len(statements)} statements by psycopg",
            remarks=[shown(sql) for sql, _ in statements] if clients == 1 else (),
        )


_CALLS = 20


@contextmanager
def several(clients: int) -> Iterator[Any]:
    """Give what makes of a call one that several threads make at once, each `_CALLS` times."""
    settings, kind = connection.settings_dict, type(connection._connections[DEFAULT_DB_ALIAS])
    opened: list[Any] = []

    def begin() -> None:
        wrapper = kind(dict(settings), DEFAULT_DB_ALIAS)
        connections[DEFAULT_DB_ALIAS] = wrapper
        opened.append(wrapper)

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(clients, initializer=begin))

        def together(call: Call) -> Call:
            def repeat(_: int) -> None:
                for _number in range(_CALLS):
                    call()

            return lambda: list(pool.map(repeat, range(clients)))

        yield together
    for wrapper in opened:
        wrapper.inc_thread_sharing()
        wrapper.close()


def bare_statements(statements: Sequence[Statement]) -> Any:
    """Return a WSGI call that reads the body, sends the statements and answers their rows."""
    each = local()
    queries = [(sql.replace("%%", "%"), list(params)) for sql, params in statements]
    wrapper = connection._connections[DEFAULT_DB_ALIAS]

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        database = getattr(each, "database", None)
        if database is None:
            database = each.database = plain_connection(wrapper)
        asked = loads(environ["wsgi.input"].read())
        pair = {asked["fromAddress"], asked["toAddress"]}
        rows: list[Any] = []
        with database.cursor() as cursor:
            for sql, params in queries:
                if sql.startswith(EVENT):
                    params = [uuid4(), *params[1:]]
                elif sql.lstrip().startswith("WITH"):
                    params = _asked_for(params, pair)
                cursor.execute(sql, params)
                if cursor.description is not None:
                    rows = cursor.fetchall()
        content = {
            "success": True,
            "isAllowed": len(rows) == 2 and all(row[12] == "Active" for row in rows),
            "denialReason": None,
            "senderStatus": {"address": asked["fromAddress"], "status": "Active"},
            "receiverStatus": {"address": asked["toAddress"], "status": "Active"},
        }
        answered = dumps(content).encode()
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(answered)))]
        start_response("200 OK", head)
        return [answered]

    return lambda body: call_wsgi(application, environment(PATH, body=body))


def _asked_for(params: Sequence[Any], pair: set[str]) -> list[Any]:
    """Return the parameters of the read with the addresses of this request in their places."""
    found = iter((*pair, *pair))
    return [
        next(found) if isinstance(value, str) and len(value) == 58 else value for value in params
    ]
