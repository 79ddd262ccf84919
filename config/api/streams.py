"""Files that are sent while they are made: joined to chunks, counted, hashed, ended."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

logger = logging.getLogger("assayer.export")

CHUNK_BYTES = 64 * 1024
Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent before the end of a file; not complete where its source failed midway.

    `sha256` is that of all bytes sent, in hexadecimal digits.
    """

    rows: int
    sha256: str
    complete: bool


def file_stream(
    head: bytes, records: Iterable[Buffer], end: Callable[[Sent], bytes]
) -> Iterator[bytes]:
    """Yield `head` at once, the records joined to chunks of some 64 KiB, and what `end` makes.

    The first chunks are small, so that the reader need not wait for many records. A
    failure midway is logged, and `end` is told.
    """
    digest, rows, complete = sha256(head), 0, True
    if head:
        yield head
    source, at_once, more = iter(records), 1, True
    while more:
        batch: list[Buffer] = []
        try:
            batch.extend(islice(source, at_once))  # keeps what came before a failure
            more = len(batch) == at_once
        except Exception:
            logger.exception("export stopped midway")
            complete = more = False
        rows += len(batch)
        if chunk := b"".join(batch):
            digest.update(chunk)
            yield chunk
            # As many as fill a chunk if they are like these; no more than twice as many as before.
            at_once = max(1, min(2 * at_once, CHUNK_BYTES * len(batch) // len(chunk)))
    if last := end(Sent(rows, digest.hexdigest(), complete)):
        yield last
