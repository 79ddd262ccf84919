"""Requests and answers of reports and of the jobs that make them in the background."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.networks import NetworkField
from compliance.choices import OverallStatus, ReportType, SubjectKind
from compliance.models import ComplianceReport, ReportJob
from compliance.report_subjects import Subject
from compliance.reports.schema import SCHEMA_PATH
from config.api.serializers import (
    AssetIdField,
    BooleanField,
    ChoiceField,
    MomentField,
    WireSerializer,
)
from config.jobs.models import JobStatus


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": list(ReportType.values)},
            {"type": "integer", "minimum": 0, "maximum": len(ReportType) - 1},
        ]
    }
)
class ReportTypeField(ChoiceField):
    """A type of report; `TokenCompliance` is what Full was called before."""

    def to_internal_value(self, data: Any) -> str:
        former = isinstance(data, str) and data.strip().casefold() == "tokencompliance"
        return super().to_internal_value(ReportType.FULL if former else data)


class LastMomentField(MomentField):
    """The inclusive end of a period: a date includes that whole day."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        return moment + timedelta(days=1, microseconds=-1) if len(value) == 10 else moment


class IdField(serializers.UUIDField):
    """A UUID as text; numbers, which would be read as one too, are refused."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class ReportRequestSerializer(WireSerializer):
    """Ask for a report on exactly one subject; `asOf` defaults to now.

    `assetId` is about a token, `issuerId` about an issuer with all of its tokens, `deploymentId`
    about an issuance. `fromDate` and `toDate` bound the events that Full counts and AuditTrail
    lists. `background` asks for a job (202) instead of an answer that may take long.
    """

    asset_id = AssetIdField(required=False, allow_null=True)
    network = NetworkField()
    issuer_id = IdField(required=False, allow_null=True)
    deployment_id = IdField(required=False, allow_null=True)
    report_type = ReportTypeField(ReportType, required=False, allow_null=True)
    as_of = MomentField(required=False, allow_null=True)
    from_date = MomentField(required=False, allow_null=True)
    to_date = LastMomentField(required=False, allow_null=True)
    background = BooleanField(required=False, allow_null=True)


class SubjectSerializer(WireSerializer):
    """How an answer names the subject of a report."""

    subject = serializers.SerializerMethodField(help_text="Token, Issuer or Issuance.")
    asset_id = serializers.IntegerField(
        source="token.asset_id", default=None, allow_null=True, help_text="Null for an issuer."
    )
    network = serializers.SerializerMethodField()
    issuer_id = serializers.UUIDField(
        allow_null=True, help_text="The issuer that the report is about; null for tokens."
    )
    deployment_id = serializers.UUIDField(
        allow_null=True, help_text="The issuance that the report is about."
    )

    @extend_schema_field({"type": "string", "enum": list(SubjectKind.values)})
    def get_subject(self, row: ComplianceReport | ReportJob) -> str:
        return str(Subject.of(row).kind)

    def get_network(self, row: ComplianceReport | ReportJob) -> str | None:
        return (row.token.network or None) if row.token is not None else None


class ReportSummarySerializer(SubjectSerializer):
    """A stored report without its content."""

    report_id = serializers.UUIDField(source="pk")
    report_type = ChoiceField(ReportType)
    schema_version = serializers.CharField()
    status = ChoiceField(OverallStatus)
    as_of = MomentField()
    digest = serializers.CharField()
    key_id = serializers.SerializerMethodField()
    generated_at = MomentField(source="created_at")
    generated_by = serializers.CharField(source="created_by")

    def get_key_id(self, report: object) -> str | None:
        return report.key_id or None  # type: ignore[attr-defined]


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {},
        "description": "What the report says. Its schema is the property `content` of the document "
        f"at {SCHEMA_PATH}; of reports on issuers and issuances, of version 1.1.",
        "externalDocs": {
            "url": SCHEMA_PATH,
            "description": "The JSON Schema 2020-12 of sealed reports, every field described.",
        },
    }
)
class ReportContentField(serializers.DictField):
    """The content of a report, described by its own schema."""


class ReportSerializer(ReportSummarySerializer):
    """A stored report. `digest` is the SHA-256 of the RFC 8785 form of `content`.

    `reused` says that the report was stored before and nothing has changed since. The sealed file,
    with the signature over all of it, is the download in the format `json`.
    """

    signature = serializers.SerializerMethodField()
    reused = serializers.BooleanField()
    content = ReportContentField()

    def get_signature(self, report: object) -> str | None:
        return report.signature or None  # type: ignore[attr-defined]


class ReportJobSerializer(SubjectSerializer):
    """A report that is made in the background, and how far it is."""

    job_id = serializers.UUIDField(source="pk")
    status = ChoiceField(JobStatus)
    progress_percent = serializers.IntegerField(
        min_value=0, max_value=100, help_text="100 once the report is stored."
    )
    tokens_total = serializers.IntegerField()
    tokens_done = serializers.IntegerField()
    report_type = ChoiceField(ReportType)
    as_of = serializers.SerializerMethodField(
        help_text="The one moment that the report speaks of; null until the work begins."
    )
    from_date = MomentField(source="period_from", allow_null=True)
    to_date = MomentField(source="period_to", allow_null=True)
    requested_by = serializers.CharField(source="requested_by.label")
    requested_at = MomentField(source="created_at")
    started_at = MomentField(allow_null=True)
    finished_at = MomentField(allow_null=True)
    report_id = serializers.UUIDField(allow_null=True, help_text="Once the job is Finished.")
    error_message = serializers.SerializerMethodField(help_text="Why the job Failed.")

    @extend_schema_field({"type": "string", "format": "date-time", "nullable": True})
    def get_as_of(self, job: ReportJob) -> Any:
        moment = job.as_of or job.asked_as_of
        return MomentField().to_representation(moment) if moment else None

    def get_error_message(self, job: ReportJob) -> str | None:
        return job.error_message or None


class FindingSerializer(WireSerializer):
    """One thing that was looked at in an uploaded report."""

    name = serializers.CharField(
        help_text="form, digest, keyKnown, signature, keyValid; only form where it has no shape."
    )
    holds = serializers.BooleanField()
    detail = serializers.CharField()


class VerificationSerializer(WireSerializer):
    """What holds of an uploaded report. `valid`: everything does."""

    valid = serializers.BooleanField()
    stored_here = serializers.BooleanField(
        help_text="Whether this very report, to the byte, is stored here."
    )
    report_id = serializers.CharField(allow_null=True)
    key_id = serializers.CharField(allow_null=True)
    findings = FindingSerializer(many=True)
