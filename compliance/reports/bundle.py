"""The bundle of a report: all that is needed to evaluate it again, in one archive. Pure.

Stored without compression and with fixed times, so that the same report gives the same bytes
whatever library writes it.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from audit.body import canonical
from jurisdictions.engine.replay import BUNDLE_FORMAT, ISSUER_BUNDLE_FORMAT

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that an archive can state
_READABLE = 0o644 << 16


def bundle_bytes(
    sealed: bytes, content: Mapping[str, Any], snapshot: bytes, packs: Sequence[tuple[str, bytes]]
) -> bytes:
    """Return the archive; `packs` are file names without an ending, and documents."""
    files = {"report.json": sealed, "snapshot.json": snapshot}
    files |= {f"packs/{name}.json": text for name, text in packs}
    return _archive(files, BUNDLE_FORMAT, content)


def issuer_bundle_bytes(
    sealed: bytes,
    content: Mapping[str, Any],
    snapshots: Mapping[str, bytes],
    packs: Sequence[tuple[str, bytes]],
) -> bytes:
    """Return the archive of a report on an issuer; `snapshots` by their digests."""
    files = {"report.json": sealed}
    files |= {f"snapshots/{digest}.json": text for digest, text in snapshots.items()}
    files |= {f"packs/{name}.json": text for name, text in packs}
    return _archive(files, ISSUER_BUNDLE_FORMAT, content)


def _archive(files: dict[str, bytes], form: str, content: Mapping[str, Any]) -> bytes:
    manifest = {
        "format": form,
        "engineVersion": content["engineVersion"],
        "evaluatedAt": content["asOf"],
        "files": [
            {"name": name, "sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])}
            for name in sorted(files)
        ],
    }
    files["manifest.json"] = canonical(manifest)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = _READABLE
            archive.writestr(entry, files[name])
    return buffer.getvalue()
