"""The files of exports on Django's storage `exports`: a folder here, or an S3-compatible store."""

import hashlib
import logging
import zlib
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from django.core.files import File
from django.core.files.storage import Storage, storages

logger = logging.getLogger("assayer.export")

_CHUNK_BYTES = 64 * 1024
_IN_MEMORY_BYTES = 8 * 1024 * 1024
_GZIP = zlib.MAX_WBITS | 16  # as a member of gzip; the header that zlib makes tells no time


class Stored(NamedTuple):
    """A file in the storage: its name, its length in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


def export_storage() -> Storage:
    """Return the storage that exports are kept in."""
    return storages["exports"]


def file_store(name: str, chunks: Iterable[bytes], *, zipped: bool) -> Stored:
    """Store `chunks` as one file, `zipped` as one member of gzip.

    Nothing is stored where reading the chunks fails.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        for chunk in _gzipped(chunks) if zipped else chunks:
            file.write(chunk)
        return spool_store(name, file)


def spool_store(name: str, file: IO[bytes]) -> Stored:
    """Store what was written to a temporary file."""
    file.seek(0)
    size, digest = 0, hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        size += len(chunk)
        digest.update(chunk)
    file.seek(0)
    return Stored(export_storage().save(name, File(file, name)), size, digest.hexdigest())


def file_chunks(name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield a stored file, or `length` bytes of it from `start` on."""
    with export_storage().open(name, "rb") as file:
        file.seek(start)
        while length is None or length > 0:
            chunk = file.read(_CHUNK_BYTES if length is None else min(_CHUNK_BYTES, length))
            if not chunk:
                return
            yield chunk
            length = None if length is None else length - len(chunk)


def unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a member of gzip was made of."""
    reader = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        yield reader.decompress(chunk)
    yield reader.flush()


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    writer = zlib.compressobj(wbits=_GZIP)
    for chunk in chunks:
        yield writer.compress(chunk)
    yield writer.flush()


def file_delete(name: str) -> None:
    """Delete a file if that is possible now; else the sweep finds it."""
    try:
        export_storage().delete(name)
    except Exception:
        logger.warning("a file of an export is left to the sweep", exc_info=True)


def folder_delete(folder: str) -> None:
    """Delete a folder and its files; raise what the storage raises."""
    storage = export_storage()
    try:
        _, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        storage.delete(f"{folder}/{name}")
    storage.delete(folder)
