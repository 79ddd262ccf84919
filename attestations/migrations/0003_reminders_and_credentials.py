"""Reminders of expiries, and the places of verified attestations in the status lists."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("attestations", "0002_append_only")]

    operations = [
        migrations.AddIndex(
            model_name="attestation",
            index=models.Index(fields=["expires_at"], name="attestation_expiry"),
        ),
        migrations.CreateModel(
            name="AttestationReminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("days_ahead", models.PositiveSmallIntegerField()),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "attestation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="attestations.attestation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("attestation", "days_ahead"), name="attestation_reminded_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AttestationCredential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issued_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "attestation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credential",
                        to="attestations.attestation",
                    ),
                ),
            ],
        ),
        AppendOnly("AttestationReminder", unique=["id", ("attestation_id", "days_ahead")]),
        AppendOnly("AttestationCredential", unique=["id", "attestation_id"]),
    ]
