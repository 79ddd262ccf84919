"""Who else signed a checkpoint, and where checkpoints are written down."""

import django.db.models.deletion
from django.db import migrations, models

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0009_signed_rows"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditAnchoring",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=32)),
                ("reference", models.CharField(max_length=200, null=True)),
                ("at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.auditcheckpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "anchoring",
                "indexes": [models.Index(fields=["kind", "-id"], name="anchoring_last")],
            },
        ),
        migrations.CreateModel(
            name="AuditCosignature",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("witness", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=8)),
                ("seconds", models.BigIntegerField()),
                ("line", models.CharField(max_length=400)),
                ("received_at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="audit.auditcheckpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "cosignature",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("checkpoint", "witness"), name="cosignature_unique"
                    )
                ],
            },
        ),
        AppendOnly("AuditCosignature", unique=["id", ("checkpoint_id", "witness")]),
        AppendOnly("AuditAnchoring", unique=["id"]),
    ]
