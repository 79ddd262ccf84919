"""Stored reports never change."""

from django.db import migrations

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial"), ("audit", "0002_append_only")]

    operations = [AppendOnly("ComplianceReport", unique=["id"])]
