"""Files that are sent while they are made: joined to chunks, counted, hashed, ended."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

logger = logging.getLogger("assayer.export")

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent before the end of a file; not complete where its source failed midway.

    `sha256` is that of all bytes sent, in hexadecimal digits.
    """

    rows: int
    sha256: str
    complete: bool


def file_stream(
    head: bytes, records: Iterable[bytes], end: Callable[[Sent], bytes]
) -> Iterator[bytes]:
    """Yield `head` at once, the records joined to chunks of 64 KiB, and what `end` makes.

    A failure midway is logged, and `end` is told.
    """
    digest, rows, complete = sha256(head), 0, True
    buffer: list[bytes] = []
    size = 0
    if head:
        yield head
    try:
        for record in records:
            buffer.append(record)
            rows += 1
            size += len(record)
            if size >= CHUNK_BYTES:
                chunk = b"".join(buffer)
                digest.update(chunk)
                buffer, size = [], 0
                yield chunk
    except Exception:
        logger.exception("export stopped midway")
        complete = False
    rest = b"".join(buffer)
    digest.update(rest)
    if last := rest + end(Sent(rows, digest.hexdigest(), complete)):
        yield last
