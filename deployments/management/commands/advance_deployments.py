"""`manage.py advance_deployments`: do the work of the pipeline here, where there is no worker."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.services.work import deployment_advance, deployments_due


class Command(BaseCommand):
    """Takes every deployment that is due as far as it goes now."""

    help = "Sign, send and follow the deployments that are due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--follow", action="store_true", help="go on until it is stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            worked = sum(deployment_advance(deployment_id=one) for one in deployments_due())
            if not options["follow"]:
                self.stdout.write(f"{worked} deployments worked on")
                return
            if not worked:
                time.sleep(1)
