"""`manage.py prepare_partitions`: create the log's partitions up to next year."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from audit.partitions import partitions_prepare


class Command(BaseCommand):
    """For a role that owns the schema, where the daily task may not."""

    help = "Create the yearly partitions of the log that are missing, up to next year."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=int, metavar="YEAR", help="this year, unless given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = partitions_prepare(first_year=options["first"])
        except DatabaseError as problem:
            raise CommandError(f"not created: {problem}") from None
        self.stdout.write(f"created: {', '.join(map(str, made)) or 'none was missing'}")
