"""The known types of attestation (`fixtures/reference/attestation-types.json`)."""

import json
from collections.abc import Mapping
from functools import cache

from django.conf import settings


@cache
def _spellings() -> Mapping[str, str]:
    path = settings.BASE_DIR / "fixtures" / "reference" / "attestation-types.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    return {entry["type"].casefold(): entry["type"] for entry in document["types"]}


def is_known_type(text: str) -> bool:
    """Return whether `text` is the name of a known type, spelled as in the catalogue."""
    return bool(text) and _spellings().get(text.casefold()) == text


def canonical_type(text: str) -> str:
    """Return the catalogue's spelling of a known type, and any other text as it is.

    Rules ask for types by name; evidence must not be missed because it says `kyc`.
    """
    return _spellings().get(text.casefold(), text)
