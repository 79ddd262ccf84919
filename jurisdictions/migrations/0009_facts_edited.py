"""Who edited a definition of the facts catalogue, and when.

Columns that may be null are added without making the table anew, so its triggers stay on SQLite.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jurisdictions", "0008_dry_runs")]

    operations = [
        migrations.AddField(
            model_name="factdefinition",
            name="edited_by",
            field=models.CharField(blank=True, editable=False, max_length=254, null=True),
        ),
        migrations.AddField(
            model_name="factdefinition",
            name="edited_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
