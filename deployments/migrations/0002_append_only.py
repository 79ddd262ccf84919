"""Make the transitions of deployments append-only."""

from django.db import migrations

from audit.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("deployments", "0001_initial")]

    operations = [AppendOnly("DeploymentTransition", unique=["id"])]
