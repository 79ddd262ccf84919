"""What is recorded of tokens and issuers for the rules: tags, facts and waivers."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("jurisdictions", "0004_freeze"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactValue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=100)),
                ("value", models.JSONField(blank=True, null=True)),
                ("recorded_by", models.CharField(editable=False, max_length=254)),
                ("recorded_by_id", models.CharField(editable=False, max_length=36, null=True)),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "issuer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fact_values",
                        to="accounts.issuer",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fact_values",
                        to="accounts.token",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["token", "path", "-id"], name="fact_value_token"),
                    models.Index(fields=["issuer", "path", "-id"], name="fact_value_issuer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("issuer__isnull", True), ("token__isnull", False)),
                            models.Q(("issuer__isnull", False), ("token__isnull", True)),
                            _connector="OR",
                        ),
                        name="fact_value_one_subject",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IssuerJurisdiction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=200)),
                ("recognized", models.BooleanField(default=True)),
                ("raw_text", models.CharField(max_length=200)),
                ("roles", models.JSONField(blank=True, default=list)),
                ("classification", models.CharField(blank=True, max_length=50, null=True)),
                ("offering_kind", models.CharField(blank=True, max_length=50, null=True)),
                ("exemption", models.CharField(blank=True, max_length=50, null=True)),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("assigned_by", models.CharField(editable=False, max_length=254)),
                ("assigned_by_id", models.CharField(editable=False, max_length=36, null=True)),
                (
                    "assigned_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("updated_by", models.CharField(editable=False, max_length=254, null=True)),
                ("updated_at", models.DateTimeField(editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "issuer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jurisdiction_tags",
                        to="accounts.issuer",
                    ),
                ),
            ],
            options={
                "verbose_name": "issuer jurisdiction",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("issuer", "code"), name="issuer_jurisdiction_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code", ""), _negated=True),
                        name="issuer_jurisdiction_code_given",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenJurisdiction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=200)),
                ("recognized", models.BooleanField(default=True)),
                ("raw_text", models.CharField(max_length=200)),
                ("roles", models.JSONField(blank=True, default=list)),
                ("classification", models.CharField(blank=True, max_length=50, null=True)),
                ("offering_kind", models.CharField(blank=True, max_length=50, null=True)),
                ("exemption", models.CharField(blank=True, max_length=50, null=True)),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("assigned_by", models.CharField(editable=False, max_length=254)),
                ("assigned_by_id", models.CharField(editable=False, max_length=36, null=True)),
                (
                    "assigned_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("updated_by", models.CharField(editable=False, max_length=254, null=True)),
                ("updated_at", models.DateTimeField(editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "is_primary",
                    models.BooleanField(
                        default=False,
                        help_text="Shown first by clients. All tags of a token are evaluated alike.",
                        verbose_name="primary",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jurisdiction_tags",
                        to="accounts.token",
                    ),
                ),
            ],
            options={
                "verbose_name": "token jurisdiction",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token", "code"), name="token_jurisdiction_unique"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_primary", True)),
                        fields=("token",),
                        name="token_jurisdiction_one_primary",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code", ""), _negated=True),
                        name="token_jurisdiction_code_given",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("requirement_key", models.CharField(max_length=100)),
                ("pack_id", models.CharField(blank=True, max_length=50, verbose_name="pack id")),
                (
                    "version_from",
                    models.CharField(blank=True, max_length=16, verbose_name="from version"),
                ),
                (
                    "version_to",
                    models.CharField(blank=True, max_length=16, verbose_name="to version"),
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
                        max_length=8,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("legal_opinion", "Legal opinion"),
                            ("regulator_relief", "Relief by the regulator"),
                            ("risk_acceptance", "Risk acceptance"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(max_length=2000)),
                (
                    "evidence_reference",
                    models.CharField(
                        blank=True,
                        help_text="Where the opinion, letter or minute is kept, such as a file number or link.",
                        max_length=500,
                        verbose_name="evidence",
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        help_text="At most a year ahead.", verbose_name="expires at"
                    ),
                ),
                ("requested_by", models.CharField(editable=False, max_length=254)),
                ("requested_by_id", models.CharField(editable=False, max_length=36)),
                (
                    "requested_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("approved_by", models.CharField(blank=True, editable=False, max_length=254)),
                ("approved_by_id", models.CharField(editable=False, max_length=36, null=True)),
                ("approved_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_by", models.CharField(blank=True, editable=False, max_length=254)),
                ("revoked_by_id", models.CharField(editable=False, max_length=36, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "revocation_reason",
                    models.CharField(blank=True, editable=False, max_length=2000),
                ),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waivers",
                        to="accounts.token",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-requested_at", "-id"], name="waiver_requested"),
                    models.Index(fields=["token", "-requested_at", "-id"], name="waiver_token"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("basis__in", ["law", "standard", "guidance", "policy"])
                        ),
                        name="waiver_basis_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                ["", "legal_opinion", "regulator_relief", "risk_acceptance"],
                            )
                        ),
                        name="waiver_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("basis", "law"), _negated=True),
                            models.Q(("type", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="waiver_of_law_is_typed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="waiver_reason_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("requested_at"))),
                        name="waiver_expires_after_request",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("version_from", ""), ("version_to", "")),
                            models.Q(("pack_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="waiver_versions_of_a_pack",
                        violation_error_message="Versions are those of a pack: name the pack too.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("approved_at__isnull", True), ("approved_by_id__isnull", True)
                            ),
                            models.Q(
                                ("approved_at__isnull", False),
                                ("approved_by_id__isnull", False),
                                models.Q(
                                    ("approved_by_id", models.F("requested_by_id")), _negated=True
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="waiver_second_person",
                        violation_error_message="Somebody who did not request it must approve it.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("revoked_at__isnull", True),
                            models.Q(("revocation_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="waiver_revocation_explained",
                    ),
                ],
            },
        ),
    ]
