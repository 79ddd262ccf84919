"""`manage.py sign_arc14`: an `Authorization` header of a wallet, to try the API with."""

import hashlib
import os
from base64 import b64decode
from typing import Any

from algosdk.mnemonic import to_private_key
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.anchors import anchor_record, round_estimate
from accounts.arc14.signer import sign_arc14
from accounts.arc14.verifier import Arc14Error
from accounts.networks import Network, known_network
from accounts.signatures import chain

MNEMONIC_VARIABLE = "ARC14_MNEMONIC"
DEMO_ROUND = 46_916_000


class Command(BaseCommand):
    """Prints the header and nothing else: `curl -H "Authorization: $(manage.py sign_arc14)"`."""

    help = (
        "Print an ARC-0014 Authorization header (development only): of a demo wallet, or of the "
        f"25 words in --mnemonic or in the environment variable {MNEMONIC_VARIABLE}."
    )

    requires_system_checks: tuple[str, ...] = ()  # their warnings would bury the header

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--network", default="voimain-v1.0", help="default: voimain-v1.0")
        parser.add_argument("--mnemonic", help="25 words, in quotes")
        parser.add_argument(
            "--demo-wallet", type=int, metavar="NUMBER", help="a wallet that everybody can sign for"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT != "development":
            raise CommandError("sign_arc14 is for development only; elsewhere sign with a wallet.")
        network = known_network(options["network"])
        if network is None or network.kind != "avm":
            raise CommandError(f"{options['network']} is not a known Algorand network.")
        if options["mnemonic"] and options["demo_wallet"] is not None:
            raise CommandError("Give --mnemonic or --demo-wallet, not both.")
        key = self._key(options["mnemonic"], options["demo_wallet"])
        try:
            current = self._current_round(network)
        except Arc14Error:
            raise CommandError(f"The node of {network.name} does not answer.") from None
        self.stdout.write(sign_arc14(key, settings.ARC14_REALMS[0], network.name, current))

    @staticmethod
    def _key(mnemonic: str | None, demo_wallet: int | None) -> bytes:
        words = mnemonic
        if demo_wallet is None:
            words = words or os.environ.get(MNEMONIC_VARIABLE)
        if not words:
            number = 1 if demo_wallet is None else demo_wallet
            return hashlib.sha256(f"assayer demo wallet {number}".encode()).digest()
        try:
            return b64decode(to_private_key(" ".join(words.split())))
        except Exception:  # noqa: BLE001 - the SDK raises several kinds, which may quote the words
            raise CommandError("These are not the 25 words of an Algorand account.") from None

    @staticmethod
    def _current_round(network: Network) -> int:
        if settings.ARC14_ALGOD_URLS:
            low, _ = chain().round_bounds(network.name)
            return low
        estimate = round_estimate(network)
        current = DEMO_ROUND if estimate is None else estimate
        # Anchored anew: doubt about the round grows with the anchor's age, and shortens headers.
        anchor_record(network=network.name, round_number=current)
        return current
