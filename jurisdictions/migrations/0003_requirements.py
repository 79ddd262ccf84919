"""The requirements of rule packs."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import jurisdictions.models


class Migration(migrations.Migration):
    dependencies = [("jurisdictions", "0002_rule_packs")]

    operations = [
        migrations.CreateModel(
            name="Requirement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "key",
                    models.CharField(
                        help_text="Small letters and dots, such as base.kyc_status.",
                        max_length=100,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9]+(\\.[a-z0-9_]+)+\\Z",
                                "Use small letters and digits in parts joined by dots, such as base.kyc_status.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.CharField(blank=True, max_length=1000)),
                (
                    "citation",
                    models.CharField(
                        help_text="The provision, such as MiCA Art 8(5).",
                        max_length=300,
                        validators=[django.core.validators.MinLengthValidator(3)],
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="The id of one of the pack's sources.", max_length=50
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("law", "Law"),
                            ("standard", "Standard"),
                            ("guidance", "Guidance"),
                            ("policy", "Policy"),
                        ],
                        default="policy",
                        max_length=8,
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("scope", "Scope"),
                            ("licensing", "Licensing"),
                            ("disclosure", "Disclosure"),
                            ("marketing", "Marketing"),
                            ("investor_eligibility", "Investor eligibility"),
                            ("kyc_aml", "KYC and AML"),
                            ("transfer_control", "Transfer control"),
                            ("custody_reserve", "Custody and reserve"),
                            ("governance", "Governance"),
                            ("market_integrity", "Market integrity"),
                            ("record_keeping", "Record keeping"),
                            ("deployment", "Deployment"),
                            ("review", "Review"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("required", "Required"), ("recommended", "Recommended")],
                        default="required",
                        max_length=11,
                    ),
                ),
                (
                    "applies_when",
                    models.JSONField(
                        default=jurisdictions.models.always, verbose_name="applies when"
                    ),
                ),
                ("check_kind", models.CharField(max_length=50, verbose_name="kind of check")),
                ("params", models.JSONField(default=dict, verbose_name="parameters of the check")),
                (
                    "on_missing",
                    models.CharField(
                        choices=[("fail", "Fail"), ("unknown", "Unknown")],
                        default="unknown",
                        max_length=7,
                        verbose_name="without data",
                    ),
                ),
                (
                    "evidence",
                    models.CharField(
                        blank=True, help_text="What shows that it is met, in words.", max_length=200
                    ),
                ),
                (
                    "control",
                    models.CharField(
                        blank=True,
                        help_text="The control that requirements of several packs share.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "confidence",
                    models.CharField(
                        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
                        default="medium",
                        max_length=6,
                    ),
                ),
                (
                    "remediation",
                    models.CharField(
                        blank=True,
                        help_text="What to do where it is not met.",
                        max_length=500,
                        null=True,
                    ),
                ),
                ("effective_from", models.DateField(blank=True, null=True)),
                (
                    "effective_to",
                    models.DateField(blank=True, help_text="The last day of force.", null=True),
                ),
                ("note", models.CharField(blank=True, max_length=1000, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "pack",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requirements",
                        to="jurisdictions.rulepack",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="requirement",
            constraint=models.UniqueConstraint(
                fields=("pack", "key"), name="requirement_key_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="requirement",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["required", "recommended"])),
                name="requirement_severity_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="requirement",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_missing__in", ["fail", "unknown"])),
                name="requirement_on_missing_known",
            ),
        ),
    ]
