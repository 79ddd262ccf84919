"""JSON-RPC over HTTP: one request, one answer, and every fault as a `ChainFault`."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from deployments.chains.port import ChainFault

_TEXT_LIMIT: Final = 2_000
_DATA_LIMIT: Final = 200
_LONGEST_WAIT: Final = 3_600
_SHORTEST_KEY: Final = 16
_CONNECT_SECONDS: Final = 3.0
_LONGEST_ANSWER: Final = 4_000_000
_LONGEST_QUANTITY: Final = 66  # 256 bits
_PART: Final = 65_536


class JsonRpc:
    """One node. Nothing is ever sent twice, and no fault shows the address or the token of it.

    An answer may take `timeout` seconds and have 4 MB. A `token` is sent as a bearer token.
    """

    def __init__(self, url: str, *, timeout: float, token: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("The address of a node starts with http:// or https://.")
        self._secrets = _secrets(url, token)
        headers = HTTPProvider.get_request_headers()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._provider = HTTPProvider(
            url,
            request_kwargs={
                "timeout": (min(timeout, _CONNECT_SECONDS), timeout),
                "headers": headers,
                # A redirect would turn the request into another one, and tell the token elsewhere.
                "allow_redirects": False,
            },
            session=_session(timeout),
            # It would send a transaction again by itself.
            exception_retry_configuration=None,
        )

    def ask(self, method: str, *params: object) -> Any:
        """Return the result, which may be None. Raises `ChainFault` where there is none."""
        try:
            answer: object = self._provider.make_request(RPCEndpoint(method), list(params))
        except OSError as error:
            # From None: the traceback would show the address of the node.
            raise self._not_answered(error) from None
        except (ValueError, RecursionError) as error:
            raise self._fault(f"could not decode the answer: {error}", error) from None
        if not isinstance(answer, dict):
            raise self._fault("could not decode the answer: it is no object")
        if error_object := answer.get("error"):
            raise self._refused(error_object)
        if "result" not in answer:
            raise self._fault("could not decode the answer: it has no result")
        return answer["result"]

    def quantity(self, method: str, *params: object) -> int:
        """Return a result that must be a number."""
        return quantity(self.ask(method, *params))

    def block(self, which: str) -> Mapping[str, Any] | None:
        """Return a block by number or tag, without its transactions; None where there is none."""
        try:
            return as_object(self.ask("eth_getBlockByNumber", which, False))
        except ChainFault as fault:
            if fault.rpc_code == _UNKNOWN_BLOCK or "block not found" in fault.text.lower():
                return None
            raise

    def _not_answered(self, error: OSError) -> ChainFault:
        response = getattr(error, "response", None)
        if response is None:
            return self._fault(str(error) or type(error).__name__, error)
        wait = _seconds(response.headers.get("Retry-After", ""))
        status: int = response.status_code
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and (error_object := body.get("error")):
            return self._refused(error_object, http_status=status, retry_after=wait)
        text = response.content[:_TEXT_LIMIT].decode(errors="replace")
        return self._fault(
            f"HTTP {status} {response.reason}: {text}", error, http_status=status, retry_after=wait
        )

    def _refused(self, error: object, **codes: int | None) -> ChainFault:
        if not isinstance(error, dict):
            return self._fault(str(error), None, **codes)
        code, text, data = error.get("code"), str(error.get("message", "")), error.get("data")
        if isinstance(data, str) and data not in text:
            text = f"{text} ({data[:_DATA_LIMIT]})"
        known = code if isinstance(code, int) and not isinstance(code, bool) else None
        return self._fault(text, None, rpc_code=known, **codes)

    def _fault(
        self, text: str, error: Exception | None = None, /, **codes: int | None
    ) -> ChainFault:
        for secret in self._secrets:
            text = text.replace(secret, "[…]")
        kind = type(error)
        name = f"{kind.__module__}.{kind.__qualname__}" if error else ""
        return ChainFault(text[:_TEXT_LIMIT], exception=name, **codes)


_UNKNOWN_BLOCK: Final = -39001


class _Limited(HTTPAdapter):
    """Takes no answer that is too long, or that takes too long to arrive however it trickles."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        deadline = time.monotonic() + self._seconds
        response = super().send(request, *args, **{**options, "stream": True})
        raw: HTTPResponse = response.raw
        body = bytearray()
        try:
            while part := raw.read1(_PART, decode_content=True):
                body += part
                if len(body) > _LONGEST_ANSWER:
                    raise requests.ConnectionError("could not decode the answer: it is too long")
                if time.monotonic() > deadline:
                    raise requests.ReadTimeout("The answer timed out.")
        except HTTPError as error:
            raise requests.ConnectionError(f"Connection aborted: {error}") from None
        finally:
            raw.close()
        response.raw = BytesIO(bytes(body))
        return response


def _session(seconds: float) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Limited(seconds))
    return session


def quantity(value: object) -> int:
    """Read a number of JSON-RPC. Raises `ChainFault` where it is none."""
    try:
        if isinstance(value, str) and value.startswith("0x") and len(value) <= _LONGEST_QUANTITY:
            return int(value, 16)
    except ValueError:
        pass
    raise ChainFault(f"could not decode the answer: {str(value)[:80]} is no quantity")


def data(value: object) -> bytes:
    """Read bytes of JSON-RPC. Raises `ChainFault` where they are none."""
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise ChainFault(f"could not decode the answer: {str(value)[:80]} are no bytes")


def as_object(value: object) -> Mapping[str, Any] | None:
    """Read an object or null of JSON-RPC. Raises `ChainFault` where it is neither."""
    if value is None or isinstance(value, dict):
        return value
    raise ChainFault(f"could not decode the answer: {str(value)[:80]} is no object")


def _secrets(url: str, token: str) -> tuple[str, ...]:
    """Return what may hold a key: the whole address, its parts, and the token; longest first."""
    parts = urlsplit(url)
    tail = parts.path + (f"?{parts.query}" if parts.query else "")
    words = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    keys = (word for word in words if len(word) >= _SHORTEST_KEY)
    found = {url, tail, parts.query, parts.username, parts.password, token, *keys}
    return tuple(sorted((one for one in found if one and len(one) > 1), key=len, reverse=True))


def _seconds(text: str) -> int | None:
    """Read a Retry-After header: seconds, or a date; None where it is neither."""
    if text.isascii() and text.strip().isdigit():
        return min(int(text), _LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(int(wait), 0), _LONGEST_WAIT)
