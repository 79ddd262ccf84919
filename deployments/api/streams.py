"""Server-sent events: the changes of a deployment as they are committed.

A stream lasts until the deployment is over, a minute at most: a reader comes back by itself, with
`Last-Event-ID`, and misses nothing. It polls one indexed query a second and holds no transaction.
"""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import connection

from config.api.json import dumps
from deployments.documents import history_entry
from deployments.models import Deployment, DeploymentTransition
from deployments.vocabulary import Status

SECONDS = 60
_POLL_SECONDS = 1.0
_OVER = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
CONTENT_TYPE = "text/event-stream"


def changes(
    deployment_id: UUID,
    *,
    after: int,
    technical: bool,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """Yield the history behind the entry `after`, then every change as it comes."""
    yield b"retry: 2000\n\n"
    end = clock() + SECONDS
    while True:
        # In this order: what is committed between the two is found by the next round.
        status = Deployment.objects.values_list("status", flat=True).get(pk=deployment_id)
        rows = DeploymentTransition.objects.filter(deployment=deployment_id, pk__gt=after)
        news = list(rows.order_by("pk"))
        for row in news:
            after = row.pk
            data = dumps(history_entry(row, technical=technical))
            yield b"id: %d\nevent: status\ndata: %s\n\n" % (row.pk, data)
        if status in _OVER and not news:
            yield b"event: end\ndata: {}\n\n"
            return
        if clock() >= end:
            return
        if not news:
            yield b": still here\n\n"
            _release()
            wait(_POLL_SECONDS)


def _release() -> None:
    # Between two looks the stream needs no connection; a test's is not its own to close.
    if not connection.in_atomic_block:
        connection.close()
