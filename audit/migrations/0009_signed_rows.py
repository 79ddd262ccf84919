"""Seals and checkpoints are signed as rows: what the tree does not hold is bound too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_export_jobs")]

    # Nullable columns without a default: no table is made anew, and no trigger is lost.
    operations = [
        migrations.AddField(
            "auditseal", "order_digest", models.CharField(max_length=64, null=True)
        ),
        migrations.AddField("auditseal", "signature", models.CharField(max_length=88, null=True)),
        migrations.AddField("auditcheckpoint", "previous", models.BigIntegerField(null=True)),
        migrations.AddField(
            "auditcheckpoint", "signature", models.CharField(max_length=88, null=True)
        ),
    ]
