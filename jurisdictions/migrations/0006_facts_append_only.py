"""A recorded fact never changes: a new value is a new row."""

from django.db import migrations

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("jurisdictions", "0005_tags_facts_waivers"),
        ("audit", "0002_append_only"),
    ]

    operations = [AppendOnly("FactValue", unique=["id"])]
