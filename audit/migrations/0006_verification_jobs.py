import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_partitions_by_year"),
    ]

    operations = [
        migrations.CreateModel(
            name="VerificationJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
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
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("error_message", models.CharField(blank=True, max_length=1000)),
                ("requested_by", models.CharField(max_length=254)),
                ("events_total", models.PositiveBigIntegerField(default=0)),
                ("events_done", models.PositiveBigIntegerField(default=0)),
                (
                    "verification",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.auditverification",
                    ),
                ),
            ],
            options={
                "verbose_name": "verification in the background",
                "verbose_name_plural": "verifications in the background",
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="verification_job_created")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("status__in", ["Queued", "Running"])),
                        name="verification_job_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["Queued", "Running", "Finished", "Failed", "Cancelled"])
                        ),
                        name="verification_job_status_known",
                    ),
                ],
            },
        ),
    ]
