"""The documents that come with the software: facts, jurisdictions, lists, rule packs, schema."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

FIXTURES = Path(settings.BASE_DIR) / "fixtures"


@cache
def rule_pack_schema() -> dict[str, Any]:
    """Return the JSON Schema of rule pack documents, with what the software needs besides."""
    schema = read_document(FIXTURES / "reference" / "rulepack-schema.json")
    known = read_document(FIXTURES / "reference" / "attestation-types.json")["types"]
    parts = schema["properties"]
    types = {"items": {"enum": [entry["type"] for entry in known]}}
    check = parts["requirements"]["items"]["properties"]["check"]
    check["properties"]["params"]["properties"] = {"types": types}
    parts["jurisdiction"]["properties"]["extendedTo"]["items"] |= {
        "properties": {"code": {"type": "string"}},
        "required": ["code"],
    }
    parts["sources"]["items"]["properties"] |= {"url": {"type": "string"}}
    years = {"type": "object", "properties": {"maxYears": {"type": ["number", "null"]}}}
    parts["retention"]["items"] = {
        "type": "object",
        "properties": {"recordClass": {"type": "string"}, "personalData": years},
        "required": ["recordClass", "personalData"],
    }
    return schema


def pack_paths(fixtures: Path) -> list[Path]:
    """Return the files of the rule packs under `fixtures`, ordered."""
    return sorted((fixtures / "rulepacks").glob("*.json"))


def list_paths(fixtures: Path) -> list[Path]:
    """Return the files of the screening lists under `fixtures`, ordered."""
    return sorted((fixtures / "reference").glob("lists-*.json"))


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raises ValueError where there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_members)
    except RecursionError:
        raise ValueError(f"{path.name} nests too deep") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return document


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these members; of two by one name JSON would keep the last silently."""
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = [name for name, count in counts.items() if count > 1]
        raise ValueError(f"an object names {', '.join(twice)} twice")
    return members
