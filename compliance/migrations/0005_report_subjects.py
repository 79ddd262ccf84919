"""Reports on issuers and on issuances; reports that are made in the background."""

import uuid
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from audit.append_only import AppendOnly


class Unfrozen(AppendOnly):
    """Takes the triggers of an append-only table away, for SQLite makes an altered table anew."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Let the table of {self.model_name} be altered"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("compliance", "0003_seal_and_inputs"),
        ("deployments", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "report_type",
                    models.CharField(
                        choices=[
                            ("MicaReadiness", "Mica Readiness"),
                            ("AuditTrail", "Audit Trail"),
                            ("ComplianceBadge", "Compliance Badge"),
                            ("Full", "Full"),
                        ],
                        max_length=20,
                    ),
                ),
                ("asked_as_of", models.DateTimeField(null=True)),
                ("period_from", models.DateTimeField(null=True)),
                ("period_to", models.DateTimeField(null=True)),
                ("ask_key", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("Queued", "Queued"),
                            ("Running", "Running"),
                            ("Finished", "Finished"),
                            ("Failed", "Failed"),
                            ("Cancelled", "Cancelled"),
                        ],
                        default="Queued",
                        max_length=9,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("as_of", models.DateTimeField(null=True)),
                ("packs", models.JSONField(default=list)),
                ("tokens_total", models.PositiveIntegerField(default=1)),
                ("tokens_done", models.PositiveIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("restarts", models.PositiveSmallIntegerField(default=0)),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("error_message", models.CharField(blank=True, max_length=1000)),
            ],
            options={
                "verbose_name": "report in the background",
                "verbose_name_plural": "reports in the background",
            },
        ),
        migrations.CreateModel(
            name="ReportJobPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("content", models.TextField()),
                ("fingerprint", models.CharField(max_length=64)),
                ("snapshot", models.TextField()),
                ("snapshot_digest", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "part of a report",
                "verbose_name_plural": "parts of reports",
            },
        ),
        Unfrozen("ComplianceReport", unique=["id"]),
        migrations.AddField(
            model_name="compliancereport",
            name="deployment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reports",
                to="deployments.deployment",
            ),
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="issuer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reports",
                to="accounts.issuer",
            ),
        ),
        migrations.AlterField(
            model_name="compliancereport",
            name="token",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reports",
                to="accounts.token",
            ),
        ),
        migrations.AddIndex(
            model_name="compliancereport",
            index=models.Index(fields=["issuer", "-created_at", "-id"], name="report_issuer"),
        ),
        migrations.AddConstraint(
            model_name="compliancereport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("issuer__isnull", True), ("token__isnull", False)),
                    models.Q(
                        ("deployment__isnull", True),
                        ("issuer__isnull", False),
                        ("token__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="report_one_subject",
            ),
        ),
        AppendOnly("ComplianceReport", unique=["id"]),
        migrations.AddField(
            model_name="reportjob",
            name="deployment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="deployments.deployment",
            ),
        ),
        migrations.AddField(
            model_name="reportjob",
            name="issuer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.issuer",
            ),
        ),
        migrations.AddField(
            model_name="reportjob",
            name="report",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="compliance.compliancereport",
            ),
        ),
        migrations.AddField(
            model_name="reportjob",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reportjob",
            name="token",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.token",
            ),
        ),
        migrations.AddField(
            model_name="reportjobpart",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="compliance.reportjob",
            ),
        ),
        migrations.AddField(
            model_name="reportjobpart",
            name="token",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.token"
            ),
        ),
        migrations.AddIndex(
            model_name="reportjob",
            index=models.Index(fields=["-created_at", "-id"], name="report_job_created"),
        ),
        migrations.AddIndex(
            model_name="reportjob",
            index=models.Index(
                condition=models.Q(("status__in", ["Queued", "Running"])),
                fields=["created_at"],
                name="report_job_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["Queued", "Running"])),
                fields=("requested_by", "ask_key"),
                name="report_job_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("issuer__isnull", True), ("token__isnull", False)),
                    models.Q(
                        ("deployment__isnull", True),
                        ("issuer__isnull", False),
                        ("token__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="report_job_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["Queued", "Running", "Finished", "Failed", "Cancelled"])
                ),
                name="report_job_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "Finished"), _negated=True),
                    ("report__isnull", False),
                    _connector="OR",
                ),
                name="report_job_finished_has_report",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportjobpart",
            constraint=models.UniqueConstraint(
                fields=("job", "token"), name="report_job_part_once"
            ),
        ),
    ]
