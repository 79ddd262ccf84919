"""Reports get a type, a seal and a fingerprint; what they were made from is kept beside them."""

from typing import Any

import django.utils.timezone
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
        ("compliance", "0002_append_only"),
    ]

    operations = [
        Unfrozen("ComplianceReport", unique=["id"]),
        migrations.CreateModel(
            name="ReportInput",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("Snapshot", "Snapshot"), ("Pack", "Pack")], max_length=8
                    ),
                ),
                ("content", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "report input",
            },
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="fingerprint",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="key_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="report_type",
            field=models.CharField(
                choices=[
                    ("MicaReadiness", "Mica Readiness"),
                    ("AuditTrail", "Audit Trail"),
                    ("ComplianceBadge", "Compliance Badge"),
                    ("Full", "Full"),
                ],
                default="Full",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="compliancereport",
            name="signature",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddIndex(
            model_name="compliancereport",
            index=models.Index(
                fields=["token", "fingerprint", "-created_at", "-id"], name="report_fingerprint"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportinput",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["Snapshot", "Pack"])),
                name="report_input_kind_known",
            ),
        ),
        AppendOnly("ComplianceReport", unique=["id"]),
        AppendOnly("ReportInput", unique=["digest"]),
    ]
