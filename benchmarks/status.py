"""A fresh status read, from the WSGI call to the answer, against a bare SELECT."""

import io
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.database import plain_connection
from benchmarks.measure import Call, Row, sample
from benchmarks.world import ASSET, requester, sigtx, token_with_record
from compliance.services.status import status_recalculate
from config.api.json import JsonRenderer

_SELECT = "SELECT payload FROM compliance_tokenstatus WHERE token_id = %s"


class TrivialView(APIView):
    """The least that DRF does: nobody signs in, nothing is counted, nothing is chosen."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JsonRenderer,)

    def get(self, request: Request) -> Response:
        return Response({"success": True})


def run(quick: bool) -> Iterator[Row]:
    token, _ = token_with_record()
    status_recalculate(token_id=token.pk)
    path = f"/api/v1/compliance/{ASSET}/status"
    send = requester(sigtx())
    send(path)
    with CaptureQueriesContext(connection) as queries:
        send(path)
    calls: dict[str, Call] = {
        "status": lambda: send(path),
        "select": bare_select(token.pk),
        "trivial": trivial_view(),
    }
    samples = sample(calls, rounds=15 if quick else 101, batch=20)
    yield samples.row(
        "status read: SigTx remembered, whole stack, CPU",
        "status",
        "select",
        goal=10,
        against="bare WSGI, one indexed SELECT by psycopg",
    )
    yield samples.row(
        f"the same ({len(queries)} queries)",
        "status",
        "trivial",
        goal=7.5,
        against="trivial DRF view without middleware",
    )


def bare_select(token_id: int) -> Call:
    """Return a call of a WSGI function that answers the stored status and does nothing else."""
    database = plain_connection(connection)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        row = database.execute(_SELECT, [token_id]).fetchone()
        body = b'{"success":true,"status":' + row[0].encode() + b"}" if row else b"{}"
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", head)
        return [body]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{token_id}"}
    return lambda: b"".join(application(dict(environ), lambda status, headers: None))


def trivial_view() -> Call:
    view = TrivialView.as_view()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": io.BytesIO()}

    def call() -> object:
        response = view(WSGIRequest(dict(environ)))
        return response.render().content

    return call
