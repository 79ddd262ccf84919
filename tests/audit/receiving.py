"""A real receiver of webhooks on this machine, which can be killed and started again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from uuid import UUID

from django.test import override_settings

from accounts.models import User
from audit.webhooks.delivery import subscription_deliver
from audit.webhooks.models import WebhookSubscription
from audit.webhooks.services import WithSecret, subscription_create
from tests.factories import wait_for_horizon


class Received(NamedTuple):
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[Received], tuple[int, dict[str, str]]]


def _ok(received: Received) -> tuple[int, dict[str, str]]:
    return 204, {}


class Receiver:
    """An HTTP server on a port of its own, which keeps what it gets and answers by `answer`."""

    def __init__(self) -> None:
        self._dying = threading.Lock()
        self.port = 0  # any that is free, and then always that
        self.received: list[Received] = []
        self.answer: Answer = _ok
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?of=us"

    @property
    def event_ids(self) -> list[str]:
        return [one.event_id for one in self.received]

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.path, headers, self.rfile.read(length))
                receiver.received.append(received)
                status, more = receiver.answer(received)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def kill(self) -> None:
        with self._dying:  # who comes second waits until its port is free
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
                self._server = None


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a running receiver, with settings that let webhooks reach it."""
    receiver = Receiver()
    receiver.start()
    with override_settings(
        WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOWED_NETWORKS=["127.0.0.0/8"], WEBHOOK_PORTS=[]
    ):
        yield receiver
    receiver.kill()


def subscribed(owner: User, url: str, *patterns: str, **more: Any) -> WithSecret:
    """Return a subscription of `owner`, whose own creation is behind the horizon."""
    made = subscription_create(actor=owner, url=url, event_types=patterns or ("*",), **more)
    wait_for_horizon()
    return made


def deliver(subscription: WebhookSubscription | UUID) -> int:
    """Deliver everything recorded so far, as a worker would; return how many arrived."""
    wait_for_horizon()
    pk = subscription if isinstance(subscription, UUID) else subscription.pk
    return subscription_deliver(subscription_id=pk)
