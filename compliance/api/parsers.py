"""Reading an uploaded report: its bytes are what is checked, so they are kept."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from config.api.json import PayloadTooLarge

MAX_BYTES = 16_000_000  # an audit trail of 10,000 events has some six million


class SealedReportParser(BaseParser):
    """Parses one JSON document of at most 16,000,000 bytes: `document`, and its bytes as `raw`."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PayloadTooLarge
        try:
            return {"raw": raw, "document": orjson.loads(raw)}
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error.msg}.") from None
