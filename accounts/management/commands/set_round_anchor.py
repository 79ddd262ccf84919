"""`manage.py set_round_anchor`: says which round a network has just finished."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.anchors import anchor_set
from audit.principal import SYSTEM
from config.api.errors import DomainError


class Command(BaseCommand):
    """Records an anchor as of now, for where no node is configured."""

    help = "Record the round that an Algorand network has just finished; signatures expire by it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network", help="such as mainnet-v1.0 or voi")
        parser.add_argument("round", type=int, help="the last finished round, from an explorer")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchor = anchor_set(
                actor=SYSTEM, network=options["network"], round_number=options["round"]
            )
        except DomainError as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{anchor.network} is at round {anchor.round} now.")
