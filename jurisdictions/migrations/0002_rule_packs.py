"""Versions of rule packs."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import jurisdictions.models


class Migration(migrations.Migration):
    dependencies = [("jurisdictions", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="RulePack",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "pack_id",
                    models.CharField(
                        max_length=50,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9-]+\\Z", "Use small letters, digits and hyphens."
                            )
                        ],
                        verbose_name="pack id",
                    ),
                ),
                (
                    "version",
                    models.CharField(
                        max_length=16,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\d{4}\\.\\d{2}\\.\\d{1,4}\\Z", "Write it as 2026.11.1."
                            )
                        ],
                    ),
                ),
                (
                    "territory",
                    models.JSONField(
                        default=dict,
                        help_text="Kind, name, members and treaty states of the jurisdiction in this version.",
                    ),
                ),
                ("framework_id", models.CharField(max_length=50, verbose_name="framework id")),
                ("framework_name", models.CharField(max_length=200, verbose_name="framework")),
                ("regulators", models.JSONField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("Draft", "Draft"),
                            ("InReview", "In review"),
                            ("Active", "Active"),
                            ("Superseded", "Superseded"),
                            ("Retired", "Retired"),
                        ],
                        default="Draft",
                        max_length=10,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("Loaded", "Loaded"), ("Staff", "Staff")],
                        default="Staff",
                        max_length=6,
                    ),
                ),
                ("effective_from", models.DateField(blank=True, null=True)),
                (
                    "effective_to",
                    models.DateField(blank=True, help_text="The last day of force.", null=True),
                ),
                (
                    "as_of",
                    models.DateField(
                        blank=True,
                        help_text="The day on which the law was read.",
                        null=True,
                        verbose_name="as of",
                    ),
                ),
                ("applies_when", models.JSONField(default=jurisdictions.models.always)),
                ("sources", models.JSONField(default=list)),
                ("parameters", models.JSONField(blank=True, null=True)),
                ("retention", models.JSONField(blank=True, null=True)),
                ("notes", models.JSONField(blank=True, null=True)),
                ("disclaimer", models.CharField(blank=True, max_length=1000, null=True)),
                (
                    "loaded_digest",
                    models.CharField(
                        editable=False,
                        help_text="SHA-256 of the document it came from.",
                        max_length=64,
                        null=True,
                    ),
                ),
                ("authors", models.JSONField(default=list, editable=False)),
                ("created_by", models.CharField(editable=False, max_length=254)),
                ("created_by_id", models.CharField(editable=False, max_length=36, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("submitted_by", models.CharField(editable=False, max_length=254, null=True)),
                ("submitted_by_id", models.CharField(editable=False, max_length=36, null=True)),
                ("submitted_at", models.DateTimeField(editable=False, null=True)),
                ("activated_by", models.CharField(editable=False, max_length=254, null=True)),
                ("activated_by_id", models.CharField(editable=False, max_length=36, null=True)),
                ("activated_at", models.DateTimeField(editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        db_column="jurisdiction_code",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packs",
                        to="jurisdictions.jurisdiction",
                        to_field="code",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.UniqueConstraint(
                fields=("pack_id", "version"), name="rule_pack_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "Active")),
                fields=("pack_id",),
                name="rule_pack_one_active_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["Draft", "InReview", "Active", "Superseded", "Retired"])
                ),
                name="rule_pack_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["Loaded", "Staff"])),
                name="rule_pack_origin_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["Active", "Superseded"]), _negated=True),
                    ("activated_at__isnull", False),
                    _connector="OR",
                ),
                name="rule_pack_active_was_activated",
            ),
        ),
        migrations.AddConstraint(
            model_name="rulepack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("activated_at__isnull", True),
                    models.Q(("activated_by_id__isnull", True), ("origin", "Loaded")),
                    models.Q(
                        ("activated_by_id__isnull", False),
                        ("submitted_by_id__isnull", False),
                        models.Q(("activated_by_id", models.F("created_by_id")), _negated=True),
                        models.Q(("activated_by_id", models.F("submitted_by_id")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="rule_pack_second_person",
                violation_error_message="Somebody who did not make or submit it must activate it.",
            ),
        ),
    ]
