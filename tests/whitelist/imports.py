"""Sending CSV files of whitelists, as clients do."""

from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Token, User
from tests.factories import client_for, wallet
from whitelist.choices import BulkMode
from whitelist.models import WhitelistEntry, WhitelistImport
from whitelist.services.imports import whitelist_import_request

IMPORTS = "/api/v1/whitelist/imports"


def csv_of(*rows: str, header: str = "Address,Status,Reason,KycVerified,KycProvider") -> bytes:
    return "\r\n".join([header, *rows, ""]).encode()


def rows_of(count: int, *, first: int = 0, more: str = "") -> list[str]:
    return [f"{wallet(number)}{more}" for number in range(first, first + count)]


def send(user: User | None, token: Token, raw: bytes, **query: Any) -> Any:
    """Upload the file as the part `file` of a form."""
    name = query.pop("name", "holders.csv")
    url = f"/api/v1/whitelist/{token.asset_id}/import/csv?{urlencode(query)}"
    file = SimpleUploadedFile(name, raw, content_type="text/csv")
    return client_for(user).post(url, {"file": file}, format="multipart")


def requested(
    user: User,
    token: Token,
    raw: bytes,
    mode: BulkMode = BulkMode.PARTIAL,
    *,
    dry_run: bool = False,
) -> WhitelistImport:
    """Ask for an import; nothing works on it, for the transaction never commits."""
    return whitelist_import_request(
        actor=user, token=token, raw=raw, file_name="holders.csv", mode=mode, dry_run=dry_run
    )


def counts(row: WhitelistImport) -> tuple[int, int, int, int]:
    row.refresh_from_db()
    return row.created, row.changed, row.unchanged, row.rejected


def listed(token: Token) -> dict[str, str]:
    """Return the status of every address on the whitelist."""
    rows = WhitelistEntry.objects.filter(token=token)
    return dict(rows.values_list("address", "status"))
