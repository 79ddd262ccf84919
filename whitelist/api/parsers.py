"""Reading an uploaded CSV file: as the part `file` of a form, or as the body itself."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser, MultiPartParser

from config.api.json import PayloadTooLarge

_FORM_BYTES = 10_000  # what a form has around its file


class CsvParser(BaseParser):
    """Reads a CSV file that is the body: `raw`, and no `name`."""

    media_type = "text/csv"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        raw = stream.read(settings.WHITELIST_IMPORT_MAX_BYTES + 1)
        if len(raw) > settings.WHITELIST_IMPORT_MAX_BYTES:
            raise PayloadTooLarge
        return {"raw": raw, "name": ""}


class CsvFormParser(MultiPartParser):
    """Reads a form with one part, the file `file`: `raw`, and its `name`."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # Before a byte is read: what is too large is never stored.
        length = getattr(stream, "META", {}).get("CONTENT_LENGTH") or "0"
        if int(length) > settings.WHITELIST_IMPORT_MAX_BYTES + _FORM_BYTES:
            raise PayloadTooLarge
        try:
            form = super().parse(stream, media_type, parser_context)
        except ParseError:
            raise ValidationError({"file": ["Not a form with a file."]}) from None
        names = [*form.data.keys(), *form.files.keys()]
        if unknown := sorted(name for name in names if name != "file"):
            raise ValidationError({name[:100]: ["Unknown field."] for name in unknown[:20]})
        files = form.files.getlist("file")
        if len(files) != 1:
            raise ValidationError({"file": ["Give exactly one file."]})
        (file,) = files
        if file.size > settings.WHITELIST_IMPORT_MAX_BYTES:
            raise PayloadTooLarge
        return {"raw": file.read(), "name": file.name or ""}
