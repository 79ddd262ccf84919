"""A fresh status read, from the WSGI call to the answer, against a bare SELECT."""

from collections.abc import Iterator
from json import dumps
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.database import plain_connection
from benchmarks.measure import Call, Row, sample
from benchmarks.world import ASSET, call_wsgi, environment, requester, sigtx, token_with_record
from compliance.services.status import status_recalculate
from config.api.json import JsonRenderer

_SELECT = """
SELECT t.network, s.status, s.digest, s.evaluated_at
FROM compliance_tokenstatus s JOIN accounts_token t ON t.id = s.token_id WHERE t.asset_id = %s
"""


def run(quick: bool) -> Iterator[Row]:
    token, _ = token_with_record()
    status_recalculate(token_id=token.pk)
    address = f"/api/v1/compliance/{ASSET}/status"
    send = requester(sigtx())
    send(address)
    with CaptureQueriesContext(connection) as queries:
        send(address)
        count = len(queries)
    calls: dict[str, Call] = {
        "status": lambda: send(address),
        "select": bare_select(address),
        "trivial": trivial_view(),
    }
    samples = sample(calls, rounds=15 if quick else 151, batch=20)
    yield samples.row(
        f"status read, SigTx remembered, whole stack, {count} queries",
        "status",
        "select",
        goal=10,
        against="bare WSGI, one indexed SELECT, psycopg",
    )
    yield samples.row(
        "the same",
        "status",
        "trivial",
        goal=7.5,
        against="trivial DRF view, no middleware",
    )


def bare_select(address: str) -> Call:
    """Return a call of a WSGI function that reads one row and answers it as JSON."""
    database = plain_connection(connection)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asset_id = int(environ["PATH_INFO"].split("/")[-2])
        with database.cursor() as cursor:
            cursor.execute(_SELECT, [asset_id])
            network, status, digest, evaluated_at = cursor.fetchone() or (None,) * 4
        content = {
            "success": True,
            "status": {
                "assetId": asset_id,
                "network": network,
                "status": status,
                "evaluatedAt": evaluated_at.isoformat(),
            },
        }
        body = dumps(content).encode()
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", [*head, ("ETag", f'"{digest}"')])
        return [body]

    return lambda: call_wsgi(application, environment(address))


class TrivialView(APIView):
    """The least that DRF does: nobody signs in, nothing is counted, nothing is read."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JsonRenderer,)

    def get(self, request: Request) -> Response:
        return Response({"success": True})


urlpatterns = [path("trivial", TrivialView.as_view())]


class _TrivialRequest(WSGIRequest):
    urlconf = __name__


class _TrivialHandler(WSGIHandler):
    request_class = _TrivialRequest


def trivial_view() -> Call:
    """Return a call of the trivial view through Django's handler without any middleware."""
    with override_settings(MIDDLEWARE=[]):
        handler = _TrivialHandler()
    return lambda: call_wsgi(handler, environment("/trivial"))
