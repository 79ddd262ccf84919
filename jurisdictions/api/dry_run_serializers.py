"""Requests and answers about dry runs of drafts."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.serializers import MomentField, TextField, WireSerializer
from jurisdictions.models import DryRun, DryRunChange


class ActivationSerializer(WireSerializer):
    """What is approved: the digest of the sealed report of a dry run of this version."""

    dry_run_report = TextField(
        max_length=64, help_text="`report.digest` of a finished dry run of this version."
    )


class DryRunReportSerializer(WireSerializer):
    """The sealed report of a finished run."""

    digest = serializers.CharField(help_text="SHA-256 of the content; what is approved.")
    key_id = serializers.CharField()
    created_at = MomentField()
    url = serializers.SerializerMethodField()

    def get_url(self, report: Any) -> str:
        """The sealed file."""
        return dry_run_url(report.run_id, "-report")


class DryRunSerializer(WireSerializer):
    """A dry run and how far it is."""

    id = serializers.UUIDField()
    pack_id = serializers.CharField(source="pack.pack_id")
    version = serializers.CharField(source="pack.version")
    pack_digest = serializers.CharField(help_text="SHA-256 of the version's content.")
    status = serializers.CharField(source="state")
    problem = serializers.CharField(allow_blank=True, help_text="Why it ended without a report.")
    as_of = MomentField(source="moment")
    progress_percent = serializers.IntegerField(source="percent")
    tokens = serializers.IntegerField(source="total")
    evaluated = serializers.IntegerField(source="done")
    status_changes = serializers.IntegerField(source="flips")
    other_changed_checks = serializers.IntegerField(
        source="shifts", help_text="Tokens of the same status with other verdicts."
    )
    requested_by = serializers.CharField()
    requested_at = MomentField(source="created_at")
    finished_at = MomentField(allow_null=True)
    report = serializers.SerializerMethodField()

    @extend_schema_field(DryRunReportSerializer(allow_null=True))
    def get_report(self, run: DryRun) -> Any:
        report = getattr(run, "report", None)
        return None if report is None else DryRunReportSerializer(report).data


class DecisiveCheckSerializer(WireSerializer):
    """A check that the change of status turns on; null where that side has no such check."""

    key = serializers.CharField()
    jurisdiction = serializers.CharField()
    via_tag = serializers.CharField(allow_null=True)
    before = serializers.CharField(allow_null=True, help_text="Such as `Pass (required)`.")
    after = serializers.CharField(allow_null=True)


class DryRunChangeSerializer(WireSerializer):
    """A token whose status would change."""

    asset_id = serializers.IntegerField(source="token.asset_id")
    network = serializers.CharField(source="token.network")
    name = serializers.CharField(source="token.name", allow_blank=True)
    from_status = serializers.CharField(source="before")
    to_status = serializers.CharField(source="after")
    decided_by = serializers.SerializerMethodField()

    @extend_schema_field(DecisiveCheckSerializer(many=True))
    def get_decided_by(self, change: DryRunChange) -> Any:
        return change.checks


def dry_run_url(run_id: Any, part: str = "") -> str:
    """Return the path of a run, or of its report."""
    return reverse(f"dry-run{part}", kwargs={"run_id": run_id})
