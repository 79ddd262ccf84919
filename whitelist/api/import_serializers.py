"""The documented shapes of imports of whitelists."""

from typing import Any

from django.db import models
from rest_framework import serializers

from config.api.serializers import ChoiceField, MomentField, WireSerializer
from config.jobs.models import JobStatus
from whitelist.choices import BulkMode
from whitelist.models import WhitelistImport

FIRST_REJECTED = 20
IMPORTS = "/api/v1/whitelist/imports"


class RejectedRowSerializer(WireSerializer):
    """A row that was not used."""

    line = serializers.IntegerField(help_text="Where the row begins in the file; 1 is its first.")
    address = serializers.CharField()
    reason = serializers.CharField()


class WhitelistImportSerializer(WireSerializer):
    """An import: how far it is, and what became of its rows."""

    import_id = serializers.UUIDField(source="pk")
    asset_id = serializers.IntegerField(source="token.asset_id")
    network = serializers.SerializerMethodField()
    file_name = serializers.CharField()
    file_digest = serializers.CharField(help_text="SHA-256 of the file.")
    mode = ChoiceField(BulkMode)
    dry_run = serializers.BooleanField(help_text="Nothing is changed: the counts say what would.")
    status = ChoiceField(JobStatus)
    progress_percent = serializers.IntegerField()
    rows_total = serializers.IntegerField()
    rows_done = serializers.IntegerField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    first_rejected = serializers.SerializerMethodField()
    rejected_rows_url = serializers.SerializerMethodField(help_text="All of them, as CSV.")
    requested_by = serializers.CharField(source="requested_by.label")
    requested_at = MomentField(source="created_at")
    started_at = MomentField(allow_null=True)
    finished_at = MomentField(allow_null=True)
    error_message = serializers.SerializerMethodField(help_text="Why the import Failed.")

    def get_network(self, row: WhitelistImport) -> str | None:
        return row.token.network or None

    def get_first_rejected(self, row: WhitelistImport) -> list[dict[str, Any]]:
        return first_rejected(row) if row.rejected else []

    def get_rejected_rows_url(self, row: WhitelistImport) -> str | None:
        return f"{IMPORTS}/{row.pk}/rejected/csv" if row.rejected else None

    def get_error_message(self, row: WhitelistImport) -> str | None:
        return row.error_message or None


def first_rejected(row: WhitelistImport) -> list[dict[str, Any]]:
    """Return the first rows of the file that were not used."""
    rows: models.QuerySet[Any] = row.rejections.order_by("line")
    return list(rows.values("line", "address", "reason")[:FIRST_REJECTED])
