"""What an Algorand node and an indexer are asked, through py-algorand-sdk: each call asks once.

Whatever goes wrong is a `ChainFault`, in words and codes that `deployments.failures` can read.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError

from algosdk.error import AlgodHTTPError, AlgodResponseError, IndexerHTTPError
from algosdk.v2client.algod import AlgodClient
from algosdk.v2client.indexer import IndexerClient

from accounts.arc14.chain import AlgodNode
from deployments.chains.port import ChainFault

_NOT_FOUND: Final = 404
_LONGEST_WAIT_SECONDS: Final = 3_600


class AlgorandNodes:
    """One algod and one indexer of a network; no answer is kept."""

    def __init__(self, algod: AlgodNode, indexer: AlgodNode, timeout_seconds: float) -> None:
        self._algod = AlgodClient(algod.token, algod.url.rstrip("/"), dict(algod.headers))
        self._indexer = IndexerClient(indexer.token, indexer.url.rstrip("/"), dict(indexer.headers))
        self._timeout: Any = timeout_seconds

    def parameters(self) -> Mapping[str, Any]:
        """Return what a new transaction needs to know of the network now."""
        with _asking("algod"):
            return record(self._algod.algod_request("GET", "/transactions/params", **self._once))

    def account(self, address: str) -> Mapping[str, Any]:
        """Return the account without its assets and applications, of which there may be many."""
        with _asking("algod"):
            return record(self._algod.account_info(address, exclude="all", **self._once))

    def send(self, signed: bytes) -> None:
        """Post a signed transaction, byte for byte."""
        headers = {"Content-Type": "application/x-binary"}
        with _asking("algod"):
            answer = self._algod.algod_request(
                "POST", "/transactions", data=signed, headers=headers, **self._once
            )
            text(record(answer), "txId")

    def pending(self, transaction_id: str) -> Mapping[str, Any] | None:
        """Return what algod's pool and its last 1000 rounds say, None where it is in neither."""
        with _asking("algod"):
            try:
                return record(self._algod.pending_transaction_info(transaction_id, **self._once))
            except AlgodHTTPError as error:
                # A page of a proxy is no statement of algod's: only its own JSON has a text.
                if error.code == _NOT_FOUND and isinstance(error.args[0], str):
                    return None
                raise

    def indexed(self, transaction_id: str) -> tuple[int, Mapping[str, Any] | None]:
        """Return the round the indexer has reached, and the transaction where it is in a block.

        Both come from one answer, so a transaction that is missing is in no block up to there.
        """
        with _asking("indexer"):
            answer = self._indexer.search_transactions(txid=transaction_id, **self._once)
            found = [record(one) for one in answer["transactions"]]
            # An inner transaction has no id of its own, and is listed under that of its parent.
            mine = next((one for one in found if one.get("id") == transaction_id), None)
            return whole(answer, "current-round"), mine

    def block_genesis(self, round_: int) -> tuple[str, str]:
        """Return the genesis id and hash (base64) in a block's header as the indexer has it."""
        with _asking("indexer"):
            header = self._indexer.block_info(round_num=round_, header_only=True, **self._once)
            return text(header, "genesis-id"), text(header, "genesis-hash")

    def asset(self, asset_id: int) -> Mapping[str, Any] | None:
        """Return algod's asset, else the indexer's (`deleted` says that it was destroyed)."""
        with _asking("algod"):
            try:
                return record(self._algod.asset_info(asset_id, **self._once))
            except AlgodHTTPError as error:
                if error.code != _NOT_FOUND:
                    raise
        with _asking("indexer"):
            try:
                answer = self._indexer.asset_info(asset_id, include_all=True, **self._once)
                return record(answer["asset"])
            except IndexerHTTPError as error:
                if (refusal := _refusal(error)) is not None and refusal.code == _NOT_FOUND:
                    return None
                raise

    @property
    def _once(self) -> dict[str, Any]:
        return {"timeout": self._timeout}


def record(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; TypeError where it is anything else."""
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} in place of an object")
    return value


def whole(answer: Mapping[str, Any], name: str) -> int:
    """Return a whole number of an answer, 0 or more; KeyError or TypeError without one."""
    value = answer[name]
    if type(value) is not int or value < 0:
        raise TypeError(f"{name} is no whole number")
    return value


def text(answer: Mapping[str, Any], name: str) -> str:
    """Return a text of an answer; KeyError or TypeError without one."""
    value = answer[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


@contextmanager
def understanding(what: str) -> Iterator[None]:
    """Turn a value that is missing or of the wrong type in an answer into a `ChainFault`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ChainFault(
            f"could not decode the answer of {what}: {error}", exception=_name(error)
        ) from error


@contextmanager
def _asking(what: str) -> Iterator[None]:
    before = sys.exception()
    try:
        yield
    except Exception as error:
        refusal = _refusal(error, before)
        if refusal is not None:
            raise ChainFault(
                str(error),
                http_status=refusal.code,
                retry_after=_retry_after(refusal),
                exception=_name(error),
            ) from error
        if isinstance(error, (OSError, HTTPException)):
            # urllib wraps what happened; the rules know the cause by its name.
            reason = error.reason if isinstance(error, URLError) else error
            cause = reason if isinstance(reason, BaseException) else error
            raise ChainFault(f"no answer from {what}: {error}", exception=_name(cause)) from error
        if isinstance(error, AlgodResponseError):
            raise ChainFault(f"could not decode: {error}", exception=_name(error)) from error
        with understanding(what):
            raise


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _refusal(error: BaseException, before: BaseException | None = None) -> HTTPError | None:
    """Return the HTTP answer behind an error of the SDK, which keeps neither code nor headers.

    What was being handled `before` the call is behind the error too, and is another story.
    """
    link: BaseException | None = error
    while link is not None and link is not before:
        if isinstance(link, HTTPError):
            return link
        link = link.__cause__ or link.__context__
    return None


def _retry_after(refusal: HTTPError) -> int | None:
    value = str(refusal.headers.get("Retry-After", "")).strip()
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        return None
    return min(int(value), _LONGEST_WAIT_SECONDS)
