"""Which expiries of waivers are in the log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jurisdictions", "0009_facts_edited"),
    ]

    operations = [
        migrations.AddField(
            model_name="waiver",
            name="expiry_recorded_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(
                condition=models.Q(expiry_recorded_at__isnull=True, revoked_at__isnull=True),
                fields=["expires_at", "id"],
                name="waiver_expiry_unrecorded",
            ),
        ),
    ]
