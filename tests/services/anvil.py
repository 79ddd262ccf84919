"""Local EVM nodes for tests, and a proxy before one that loses, refuses and falsifies answers."""

import contextlib
import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deployments.chains.contracts.compile import PackagesMissing, packages
from tests.services.processes import (
    OURSELVES,
    ServiceFailed,
    free_port,
    start,
    stop,
    temporary_folder,
    wait_until,
)

BASE_SEPOLIA = 84532


def anvil_program() -> Path:
    """Return the node's program: that of the pinned package, else the one on PATH.

    Raises `PackagesMissing` where there is neither.
    """
    found = shutil.which("anvil")
    try:
        program = packages() / f"@foundry-rs/anvil-{sys.platform}-amd64/bin/anvil"
    except PackagesMissing:
        if found is None:
            raise
        return Path(found)
    if program.exists():
        return program
    if found is None:
        raise PackagesMissing("the pinned packages have no anvil for this platform.")
    return Path(found)


@dataclass
class Anvil:
    """A running node; `ask` is a plain JSON-RPC call that shares nothing with our adapter."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, *params: object) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = json.loads(post(self.port, json.dumps(question).encode())[2])
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def fund(self, address: str, wei: int = 10**18) -> None:
        self.ask("anvil_setBalance", address, hex(wei))

    def mine(self, blocks: int = 1) -> None:
        self.ask("anvil_mine", hex(blocks))


def post(port: int, body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def answers(port: int) -> bool:
    try:
        return post(port, b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}')[0] == 200
    except OSError:
        return False


@contextlib.contextmanager
def own_anvil(
    program: Path, *options: str, chain_id: int = BASE_SEPOLIA, port: int = 0
) -> Iterator[Anvil]:
    """Give a node with an empty chain; it makes a block when it is asked to."""
    with temporary_folder() as folder:
        for _ in range(5):
            chosen = port or free_port()
            # It keeps blocks on disk under the home of whoever runs it.
            command = [
                "env",
                f"HOME={folder}",
                str(program),
                "--host",
                "127.0.0.1",
                "--port",
                str(chosen),
                "--silent",
            ]
            command += ["--chain-id", str(chain_id), "--no-cors", "--no-mining", *options]
            process = start(command, folder, OURSELVES, output=subprocess.DEVNULL)
            try:
                if wait_until(partial(answers, chosen), process):
                    yield Anvil(chosen)
                    return
            finally:
                stop(process, signal.SIGTERM)
    raise ServiceFailed(f"{program} did not start.")


@dataclass(frozen=True)
class Reply:
    """What the proxy answers instead of the node; a status of 0 drops the connection.

    With a `pause` in seconds, the body goes out byte by byte.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    forward: bool = False
    pause: float = 0

    @classmethod
    def error(cls, code: int, message: str, status: int = 200) -> "Reply":
        error = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}
        return cls(status, json.dumps(error).encode())

    @classmethod
    def result(cls, value: object) -> "Reply":
        return cls(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode())


@dataclass(frozen=True)
class Question:
    """One request that passed: its method, parameters and headers."""

    method: str
    params: list[Any]
    headers: dict[str, str]


@dataclass
class Proxy:
    """Stands before a node. `faults` names, by method, what to do instead of passing it on."""

    port: int
    faults: dict[str, Reply | Callable[[Question], Reply | None]] = field(default_factory=dict)
    seen: list[Question] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str) -> int:
        return sum(one.method == method for one in self.seen)


@contextlib.contextmanager
def proxy_of(node: int) -> Iterator[Proxy]:
    """Give a proxy, on a port of its own, of the node on this one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(body)
            question = Question(asked["method"], asked["params"], dict(self.headers))
            proxy.seen.append(question)
            fault = proxy.faults.get(question.method)
            reply = fault(question) if callable(fault) else fault
            if reply is None or reply.forward:
                status, _, answer = post(node, body)
                reply = reply or Reply(status, answer)
            if reply.status == 0:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            try:
                for byte in reply.body if reply.pause else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.pause)
                if not reply.pause:
                    self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True  # The adapter has had enough.

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests look at `seen`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
