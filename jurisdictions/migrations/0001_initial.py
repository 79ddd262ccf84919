"""Jurisdictions, the facts catalogue, and the stamps of what is cached."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AmbiguousSpelling",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=200, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="ReferenceStamp",
            fields=[
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("packs", "Packs"),
                            ("facts", "Facts"),
                            ("directory", "Directory"),
                        ],
                        max_length=10,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("value", models.CharField(max_length=36)),
            ],
        ),
        migrations.CreateModel(
            name="FactDefinition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=100, unique=True)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("string", "Text"),
                            ("enum", "One of its choices"),
                            ("boolean", "True or false"),
                            ("integer", "Whole number"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("list", "List of texts"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "enum",
                    models.JSONField(
                        blank=True,
                        help_text="The values it may hold; empty leaves them open.",
                        null=True,
                    ),
                ),
                (
                    "assume_when_missing",
                    models.JSONField(
                        blank=True, help_text="What is assumed where nobody recorded it.", null=True
                    ),
                ),
                ("origin", models.CharField(blank=True, max_length=100)),
                ("description", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                ["string", "enum", "boolean", "integer", "number", "date", "list"],
                            )
                        ),
                        name="fact_definition_type_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Jurisdiction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=16, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("country", "Country"),
                            ("subdivision", "Part of a country"),
                            ("supranational", "Union of countries"),
                            ("standard_setter", "Standard setter"),
                            ("global", "All tokens"),
                            ("private", "Legal area without an ISO code"),
                        ],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "members",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The codes of the countries in it, for a union.",
                    ),
                ),
                (
                    "aliases",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Other spellings of it in a jurisdiction text.",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("edited_by", models.CharField(blank=True, editable=False, max_length=254)),
                ("edited_at", models.DateTimeField(editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "country",
                                    "subdivision",
                                    "supranational",
                                    "standard_setter",
                                    "global",
                                    "private",
                                ],
                            )
                        ),
                        name="jurisdiction_kind_known",
                    )
                ],
            },
        ),
    ]
