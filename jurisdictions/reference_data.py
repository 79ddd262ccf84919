"""The documents that come with the software: facts, jurisdictions, lists, rule packs, schema."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

FIXTURES = Path(settings.BASE_DIR) / "fixtures"


@cache
def rule_pack_schema() -> dict[str, Any]:
    """Return the JSON Schema of rule pack documents."""
    return read_document(FIXTURES / "reference" / "rulepack-schema.json")


def pack_paths(fixtures: Path) -> list[Path]:
    """Return the files of the rule packs under `fixtures`, ordered."""
    return sorted((fixtures / "rulepacks").glob("*.json"))


def list_paths(fixtures: Path) -> list[Path]:
    """Return the files of the screening lists under `fixtures`, ordered."""
    return sorted((fixtures / "reference").glob("lists-*.json"))


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raises ValueError where there is none."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return document
