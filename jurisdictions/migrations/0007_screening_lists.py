"""Screening lists."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from jurisdictions.stamps import StampChanges

TABLES = ("jurisdictions_screeninglist", "jurisdictions_screeninglistentry")


class Migration(migrations.Migration):
    dependencies = [("jurisdictions", "0006_facts_append_only")]

    operations = [
        migrations.AlterField(
            model_name="referencestamp",
            name="topic",
            field=models.CharField(
                choices=[
                    ("packs", "Packs"),
                    ("facts", "Facts"),
                    ("directory", "Directory"),
                    ("lists", "Lists"),
                ],
                max_length=10,
                primary_key=True,
                serialize=False,
            ),
        ),
        migrations.CreateModel(
            name="ScreeningList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "list_id",
                    models.CharField(
                        max_length=50,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9]+(\\.[a-z0-9_]+)+\\Z",
                                "Use small letters and digits in parts joined by dots, such as "
                                "fatf.watch.",
                            )
                        ],
                        verbose_name="list id",
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "as_of",
                    models.DateField(
                        help_text="The day of the publication it was taken from.",
                        verbose_name="as of",
                    ),
                ),
                (
                    "max_age_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty for a list that never ages.",
                        null=True,
                        verbose_name="stale after days",
                    ),
                ),
                ("sources", models.JSONField(blank=True, default=list)),
                ("edited_by", models.CharField(blank=True, editable=False, max_length=254)),
                ("edited_at", models.DateTimeField(editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="ScreeningListEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=16)),
                ("measure", models.CharField(blank=True, max_length=200)),
                ("since", models.DateField(blank=True, null=True)),
                (
                    "screening_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="jurisdictions.screeninglist",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("screening_list", "code"), name="screening_list_entry_unique"
                    )
                ],
            },
        ),
        StampChanges("lists", TABLES),
    ]
