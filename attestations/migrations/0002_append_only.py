"""Make attestations and their status changes append-only."""

from django.db import migrations

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("attestations", "0001_initial"), ("audit", "0002_append_only")]

    operations = [
        AppendOnly("Attestation", unique=["id"]),
        AppendOnly(
            "AttestationStatusChange",
            unique=["id", ("from_status", "attestation_id"), ("attestation_id", "status")],
        ),
    ]
