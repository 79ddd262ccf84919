"""Whatever was verified before there were credentials gets its place in the status lists."""

from typing import Any

from django.db import migrations


def give_places(apps: Any, schema_editor: Any) -> None:
    change = apps.get_model("attestations", "AttestationStatusChange")
    credential = apps.get_model("attestations", "AttestationCredential")
    verified = change.objects.filter(status="Verified", attestation__credential__isnull=True)
    rows = verified.order_by("pk").values_list("attestation_id", "changed_at")
    credential.objects.bulk_create(
        (credential(attestation_id=pk, issued_at=moment) for pk, moment in rows.iterator()),
        batch_size=1_000,
    )


class Migration(migrations.Migration):
    dependencies = [("attestations", "0003_reminders_and_credentials")]

    operations = [migrations.RunPython(give_places, migrations.RunPython.noop)]
