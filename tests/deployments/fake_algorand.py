"""An algod and an indexer for tests, over real HTTP on the loopback, around one small ledger.

Every 200 answer is held against its shape; `close` says what was not. Faults are put in line with
`fail`, and each is used once.
"""

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.networks import Network
from tests.deployments.algorand_ledger import CONSENSUS, Ledger, Refused, Sent, shown_params
from tests.deployments.algorand_shapes import ALGOD, INDEXER, problems

TOKEN = "a" * 64
MEMORY_ROUNDS = 1_000


@dataclass
class Fault:
    """What goes wrong with one request whose method and path start with `at`.

    A `status` answers in place of the node, `delay_seconds` makes it slow, and `drop` closes the
    connection `before` or `after` the node has done what it was asked.
    """

    at: str = ""
    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    drop: str = ""


class NotFound(Exception):
    """Answered with 404 and this text."""


class Service(ThreadingHTTPServer):
    """One HTTP API on a port of its own."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        answer: Callable[[str, dict[str, str], bytes], tuple[Any, Any]],
        token_header: str,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer, self.token_header = answer, token_header
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.misshapen: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, at: str = "", **what: Any) -> None:
        """Let the next request that starts with `at` go wrong."""
        self.faults.append(Fault(at, **what))

    def fault(self, request: str) -> Fault | None:
        found = next((one for one in self.faults if request.startswith(one.at)), None)
        if found is not None:
            self.faults.remove(found)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def _serve(self, body: bytes) -> None:
        path = urlsplit(self.path)
        request = f"{self.command} {path.path}"
        self.server.requests.append(request)
        fault = self.server.fault(request) or Fault()
        time.sleep(fault.delay_seconds)
        if fault.drop == "before":
            self.close_connection = True
            return
        if fault.status:
            self._write(fault.status, fault.body.encode(), fault.headers)
            return
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        status, answer = self._answer(request, query, body)
        if fault.drop == "after":
            self.close_connection = True
            return
        content = {"Content-Type": "application/json"}
        self._write(status, json.dumps(answer).encode(), content)

    def _answer(self, request: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if self.headers[self.server.token_header] != TOKEN:
            return 401, {"message": "Invalid API Token"}
        try:
            schema, answer = self.server.answer(request, query, body)
        except Refused as refused:
            return 400, {"message": str(refused)}
        except NotFound as missing:
            return 404, {"message": str(missing)}
        self.server.misshapen += [f"{request}: {text}" for text in problems(schema, answer)]
        return 200, answer

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # the client had no patience

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class FakeAlgorand:
    """A network of one node and one indexer; `indexer_lag` is in rounds."""

    def __init__(self, network: Network) -> None:
        assert network.genesis_hash is not None
        self.ledger = Ledger(network.name, network.genesis_hash)
        self.indexer_genesis = (network.name, network.genesis_hash)
        self.indexer_lag = 0
        self._lock = threading.Lock()
        self.algod = Service(self._algod, "X-Algo-API-Token")
        self.indexer = Service(self._indexer, "X-Indexer-API-Token")
        self._stopped: list[Service] = []

    def stop(self, service: str = "algod") -> None:
        """Let nothing listen on the port of a service; a node loses its pool."""
        running: Service = getattr(self, service)
        running.shutdown()
        running.server_close()
        self._stopped.append(running)
        if service == "algod":
            self.ledger.forget_pool()

    def start(self, service: str = "algod") -> None:
        """Listen again on the same port."""
        old: Service = getattr(self, service)
        port = int(old.server_address[1])
        answer, header = old.answer, old.token_header
        setattr(self, service, Service(answer, header, port))

    def close(self) -> None:
        """Stop both, and refuse answers that were not of their shape."""
        running = [one for one in (self.algod, self.indexer) if one not in self._stopped]
        for one in running:
            one.shutdown()
            one.server_close()
        wrong = [text for one in (*self._stopped, *running) for text in one.misshapen]
        if wrong:
            raise AssertionError("; ".join(wrong))

    def _algod(self, request: str, query: dict[str, str], body: bytes) -> tuple[Any, Any]:
        with self._lock:
            if request == "GET /v2/transactions/params":
                return ALGOD["parameters"], self._parameters()
            if request == "POST /v2/transactions":
                return ALGOD["sent"], {"txId": self.ledger.receive(body)}
            kind, _, name = request.removeprefix("GET /v2/").rpartition("/")
            if kind == "accounts" and query.get("exclude") == "all":
                return ALGOD["account"], self._account(name)
            if kind == "transactions/pending":
                return ALGOD["pending"], self._pending(name)
            if kind == "assets":
                if int(name) not in self.ledger.assets:
                    raise NotFound("asset does not exist")
                params = self.ledger.asset_params(int(name))
                return ALGOD["asset"], {"index": int(name), "params": params}
        raise NotFound("Not Found")

    def _indexer(self, request: str, query: dict[str, str], body: bytes) -> tuple[Any, Any]:
        with self._lock:
            reached = self.ledger.round - self.indexer_lag
            if request == "GET /v2/transactions":
                found = self.ledger.landed.get(query["txid"])
                rows = [_indexed(found)] if found and (found.round or 0) <= reached else []
                return INDEXER["transactions"], {"current-round": reached, "transactions": rows}
            kind, _, name = request.removeprefix("GET /v2/").rpartition("/")
            if kind == "blocks" and int(name) <= reached:
                return INDEXER["block"], self._header(int(name))
            if kind == "assets":
                return INDEXER["asset"], self._indexed_asset(int(name), reached, query)
        raise NotFound(f"no {request.split('/')[2]} found")

    def _parameters(self) -> dict[str, Any]:
        return {
            "consensus-version": CONSENSUS,
            "fee": self.ledger.fee_per_byte,
            "genesis-hash": base64.b64encode(self.ledger.genesis_hash).decode(),
            "genesis-id": self.ledger.genesis_id,
            "last-round": self.ledger.round,
            "min-fee": self.ledger.min_fee,
        }

    def _account(self, name: str) -> dict[str, Any]:
        account = self.ledger.account(name)
        shown = {
            "address": name,
            "amount": account.amount,
            "amount-without-pending-rewards": account.amount,
            "min-balance": account.min_balance,
            "round": self.ledger.round,
            "status": "Offline",
            "total-assets-opted-in": account.assets,
            "total-created-assets": account.assets,
            **dict.fromkeys(("pending-rewards", "rewards"), 0),
            **dict.fromkeys(("total-apps-opted-in", "total-created-apps"), 0),
        }
        return {**shown, "auth-addr": account.auth_address} if account.auth_address else shown

    def _pending(self, name: str) -> dict[str, Any]:
        ledger = self.ledger
        sent = ledger.pool.get(name) or ledger.landed.get(name) or ledger.evicted.get(name)
        if sent is None or (sent.round or ledger.round) < ledger.round - MEMORY_ROUNDS:
            raise NotFound(
                "could not find the transaction in the transaction pool or in the last 1000"
                " confirmed rounds"
            )
        shown = {"pool-error": sent.pool_error, "txn": {"txn": {"snd": sent.sender}}}
        if sent.round is None:
            return shown
        return {**shown, "confirmed-round": sent.round, "asset-index": sent.asset}

    def _header(self, round_: int) -> dict[str, Any]:
        name, digest = self.indexer_genesis
        nothing = base64.b64encode(bytes(32)).decode()
        return {
            "genesis-hash": base64.b64encode(digest).decode(),
            "genesis-id": name,
            "round": round_,
            "timestamp": 1_750_000_000,
            **dict.fromkeys(("previous-block-hash", "seed", "transactions-root"), nothing),
        }

    def _indexed_asset(self, asset: int, reached: int, query: dict[str, str]) -> dict[str, Any]:
        sent = next((one for one in self.ledger.landed.values() if one.asset == asset), None)
        gone = self.ledger.destroyed.get(asset)
        shown = gone is None or query.get("include-all") == "True"
        if sent is None or sent.round is None or sent.round > reached or not shown:
            raise NotFound(f"no assets found for asset-id: {asset}")
        document: dict[str, Any] = {
            "index": asset,
            "params": self.ledger.asset_params(asset),
            "created-at-round": sent.round,
            "deleted": gone is not None,
        }
        if gone is not None:
            document["destroyed-at-round"] = gone
        return {"asset": document, "current-round": reached}


def _indexed(sent: Sent) -> dict[str, Any]:
    fields = sent.fields
    params = shown_params(fields["apar"], sent.sender)
    shown: dict[str, Any] = {
        "asset-config-transaction": {"params": params},
        "confirmed-round": sent.round,
        "created-asset-index": sent.asset,
        "fee": fields["fee"],
        "first-valid": fields["fv"],
        "genesis-hash": base64.b64encode(fields["gh"]).decode(),
        "genesis-id": fields["gen"],
        "id": sent.id,
        "intra-round-offset": 0,
        "last-valid": fields["lv"],
        "round-time": 1_750_000_000,
        "sender": sent.sender,
        "signature": {"sig": base64.b64encode(sent.signed["sig"]).decode()},
        "tx-type": "acfg",
    }
    if "lx" in fields:
        shown["lease"] = base64.b64encode(fields["lx"]).decode()
    return shown
