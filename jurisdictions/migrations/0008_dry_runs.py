"""Dry runs of drafts, their sealed reports, and the approvals that rest on them."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from audit.append_only import AppendOnly
from jurisdictions.approval_trigger import RequireApproval


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("audit", "0002_append_only"),
        ("jurisdictions", "0007_screening_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="DryRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "pack_digest",
                    models.CharField(max_length=64, verbose_name="digest of the draft"),
                ),
                ("rules_stamp", models.CharField(max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("Queued", "Queued"),
                            ("Running", "Running"),
                            ("Finished", "Finished"),
                            ("Failed", "Failed"),
                            ("Cancelled", "Cancelled"),
                        ],
                        default="Queued",
                        max_length=10,
                    ),
                ),
                ("moment", models.DateTimeField(verbose_name="evaluated as of")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="tokens")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="tokens evaluated")),
                (
                    "flips",
                    models.PositiveIntegerField(
                        default=0, verbose_name="tokens that change status"
                    ),
                ),
                (
                    "shifts",
                    models.PositiveIntegerField(
                        default=0, verbose_name="tokens with other changed checks"
                    ),
                ),
                ("position", models.BigIntegerField(default=0)),
                ("requested_by", models.CharField(max_length=254)),
                ("requested_by_id", models.CharField(max_length=36)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="requested at"
                    ),
                ),
                ("advanced_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=500)),
                (
                    "pack",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dry_runs",
                        to="jurisdictions.rulepack",
                    ),
                ),
            ],
            options={
                "verbose_name": "dry run",
            },
        ),
        migrations.CreateModel(
            name="DryRunReport",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="report",
                        serialize=False,
                        to="jurisdictions.dryrun",
                    ),
                ),
                (
                    "pack_digest",
                    models.CharField(max_length=64, verbose_name="digest of the draft"),
                ),
                ("document", models.TextField()),
                ("digest", models.CharField(db_index=True, max_length=64)),
                ("key_id", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField()),
                (
                    "pack",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dry_run_reports",
                        to="jurisdictions.rulepack",
                    ),
                ),
            ],
            options={
                "verbose_name": "dry-run report",
            },
        ),
        migrations.CreateModel(
            name="DryRunChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("before", models.CharField(max_length=20, verbose_name="from")),
                ("after", models.CharField(max_length=20, verbose_name="to")),
                ("checks", models.JSONField(verbose_name="decided by")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="jurisdictions.dryrun",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.token",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of status in a dry run",
                "verbose_name_plural": "changes of status in dry runs",
            },
        ),
        migrations.CreateModel(
            name="PackApproval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "pack_digest",
                    models.CharField(max_length=64, verbose_name="digest of the draft"),
                ),
                ("approved_by", models.CharField(max_length=254)),
                ("approved_by_id", models.CharField(max_length=36)),
                ("approved_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "pack",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="jurisdictions.rulepack",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="jurisdictions.dryrunreport",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval of a rule pack",
                "verbose_name_plural": "approvals of rule packs",
            },
        ),
        migrations.AddIndex(
            model_name="dryrun",
            index=models.Index(fields=["-created_at", "-id"], name="dry_run_created"),
        ),
        migrations.AddIndex(
            model_name="dryrun",
            index=models.Index(
                condition=models.Q(("state__in", ("Queued", "Running"))),
                fields=["advanced_at"],
                name="dry_run_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="dryrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("Queued", "Running"))),
                fields=("pack",),
                name="dry_run_one_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="dryrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["Queued", "Running", "Finished", "Failed", "Cancelled"])
                ),
                name="dry_run_state_known",
            ),
        ),
        migrations.AddIndex(
            model_name="dryrunchange",
            index=models.Index(fields=["run", "-created_at", "-id"], name="dry_run_change_created"),
        ),
        migrations.AddConstraint(
            model_name="dryrunchange",
            constraint=models.UniqueConstraint(
                fields=("run", "token"), name="dry_run_change_unique"
            ),
        ),
        AppendOnly("DryRunReport", unique=["run_id"]),
        AppendOnly("PackApproval", unique=["id", "pack_id"]),
        RequireApproval(),
    ]
