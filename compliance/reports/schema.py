"""The published JSON Schema of sealed reports, by version."""

import json
from functools import cache
from pathlib import Path
from typing import Any

VERSIONS = ("1.0", "1.1")
SCHEMA_PATH = "/api/v1/compliance/reports/schema/1.0"
_FOLDER = Path(__file__).parent


@cache
def schema_bytes(version: str) -> bytes:
    """Return the document of a version as it is served. Raises KeyError for an unknown one."""
    if version not in VERSIONS:
        raise KeyError(version)
    return (_FOLDER / f"schema-{version}.json").read_bytes()


@cache
def schema_document(version: str) -> dict[str, Any]:
    """Return the document of a version. Raises KeyError for an unknown one."""
    document: dict[str, Any] = json.loads(schema_bytes(version))
    return document
