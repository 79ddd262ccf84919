"""Attestation packages, append-only."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("compliance", "0005_report_subjects"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttestationPackage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("period_from", models.DateTimeField(null=True)),
                ("period_to", models.DateTimeField(null=True)),
                ("attestation_count", models.PositiveIntegerField()),
                ("content", models.TextField()),
                ("content_hash", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=64)),
                ("public_key", models.CharField(max_length=44)),
                ("signature", models.CharField(max_length=100)),
                ("created_by", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestation_packages",
                        to="accounts.token",
                    ),
                ),
            ],
            options={
                "verbose_name": "attestation package",
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="package_created"),
                    models.Index(fields=["token", "-created_at", "-id"], name="package_token"),
                ],
            },
        ),
        AppendOnly("AttestationPackage", unique=["id"]),
    ]
