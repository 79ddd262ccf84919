"""Exports for tests: a log to export, and jobs that are asked for and worked on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import InMemoryStorage
from django.db import transaction

from accounts.models import User
from audit.body import EventDraft
from audit.exports.models import ExportJob
from audit.principal import NamedPrincipal
from audit.services import record_events
from tests.factories import VOI, client_for

EXPORTS = "/api/v1/exports"
VIEW = "compliance-audit-log"
LIST = "/api/v1/compliance/audit-log"
FIRST = datetime(2026, 1, 22, 10, 30, tzinfo=UTC)
NASTY = '=1+1, "quoted"\r\n@and a second line \u202e \U0001f600'


def recorded(count: int, *, issuer_id: UUID | None = None, at: datetime = FIRST) -> None:
    """Events of the compliance audit log; every three share their moment."""
    with transaction.atomic():
        for number in range(count):
            draft = EventDraft(
                "compliance.metadata.updated",
                asset_id=1_000 + number,
                network=VOI,
                issuer_id=issuer_id,
                notes=f"{number} {NASTY}" if number % 2 else NASTY,
                success=number % 4 != 3,
            )
            moment = at + timedelta(seconds=number // 3)
            record_events([draft], actor=NamedPrincipal("ALICE"), occurred_at=moment)


def ask(user: User, *, status: int = 202, **body: Any) -> dict[str, Any]:
    """Ask for an export, and return it."""
    response = client_for(user).post(
        EXPORTS, {"view": VIEW, "format": "csv", **body}, format="json"
    )
    assert response.status_code == status, response.content
    answered: dict[str, Any] = response.json()
    if status == 202:
        assert response.headers["Location"] == f"{EXPORTS}/{answered['export']['exportId']}"
        return dict(answered["export"])
    return answered


def job_of(export: dict[str, Any]) -> ExportJob:
    return ExportJob.objects.get(pk=export["exportId"])


def content(user: User, export: dict[str, Any], **headers: str) -> bytes:
    """Download the file of a finished export."""
    response = client_for(user).get(f"{EXPORTS}/{export['exportId']}/download", **headers)
    assert response.status_code in (200, 206), response.content
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def entries(raw: bytes) -> list[dict[str, Any]]:
    return list(json.loads(raw)["entries"])


class BrokenStorage(InMemoryStorage):
    """A store that is down whenever `is_down` says so."""

    is_down = True

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._require()
        return super()._open(name, mode)

    def _save(self, name: str, content: Any) -> str:
        self._require()
        return str(super()._save(name, content))

    def listdir(self, path: str) -> Any:
        self._require()
        return super().listdir(path)

    @classmethod
    def _require(cls) -> None:
        if cls.is_down:
            raise ConnectionError("the store is down")

    @classmethod
    @contextmanager
    def up(cls) -> Iterator[None]:
        cls.is_down = False
        try:
            yield
        finally:
            cls.is_down = True
