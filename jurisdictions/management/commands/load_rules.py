"""`manage.py load_rules`: load facts, jurisdictions, lists and rule packs; safe to repeat."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.api.errors import DomainError
from jurisdictions.loading import rules_load


class Command(BaseCommand):
    """Load the reference data; what is there already, and what staff made, stays as it is."""

    help = "Load facts, jurisdictions, lists and rule packs from fixtures/. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--activate",
            action="append",
            default=[],
            metavar="PACK",
            help="Bring this pack into force as reference data; may be repeated.",
        )
        parser.add_argument("--fixtures", type=Path, help="Another folder than fixtures/.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = rules_load(activate=options["activate"], fixtures=options["fixtures"])
        except DomainError as refusal:
            lines = [f"{name}: {text}" for name, texts in refusal.details.items() for text in texts]
            raise CommandError("\n".join([refusal.message, *lines])) from refusal
        self.stdout.write(f"{report.reference_rows} facts, jurisdictions and lists changed.")
        for what in ("loaded", "activated", "kept"):
            for name in getattr(report, what):
                self.stdout.write(f"{what}: {name}")
        if not report.loaded:
            self.stdout.write("No new rule packs.")
