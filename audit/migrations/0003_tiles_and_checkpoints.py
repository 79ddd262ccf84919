"""The tiles of the Merkle tree, and the signed checkpoints."""

from django.db import migrations, models

from audit.append_only import AppendOnly
from audit.tile_trigger import OnlyGrows


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.CharField(max_length=64)),
                ("note", models.TextField()),
                ("key", models.CharField(max_length=200)),
                ("signed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "checkpoint",
            },
        ),
        migrations.CreateModel(
            name="AuditTile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("level", models.PositiveSmallIntegerField()),
                ("number", models.PositiveBigIntegerField()),
                ("hashes", models.BinaryField()),
                ("places", models.BinaryField()),
            ],
            options={
                "verbose_name": "tile",
            },
        ),
        migrations.AddField(
            model_name="auditseal",
            name="floor_seq",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="auditseal",
            index=models.Index(fields=["last_xid", "last_seq"], name="seal_place"),
        ),
        migrations.AddIndex(
            model_name="auditcheckpoint",
            index=models.Index(fields=["-signed_at"], name="checkpoint_time"),
        ),
        migrations.AddConstraint(
            model_name="audittile",
            constraint=models.UniqueConstraint(fields=("level", "number"), name="tile_unique"),
        ),
        AppendOnly("AuditCheckpoint", unique=["size"]),
        OnlyGrows(),
    ]
