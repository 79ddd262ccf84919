"""Freeze rule packs that are no Drafts, and stamp changes of the rules."""

from django.db import migrations

from jurisdictions.freeze import FreezeRules


class Migration(migrations.Migration):
    dependencies = [("jurisdictions", "0003_requirements")]

    operations = [FreezeRules()]
