from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_tiles_and_checkpoints"),
    ]

    operations = [
        migrations.CreateModel(
            name="Overview",
            fields=[],
            options={
                "verbose_name": "overview",
                "verbose_name_plural": "overview",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("audit.auditevent",),
        ),
    ]
