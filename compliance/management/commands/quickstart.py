"""`manage.py quickstart`: from nothing to a running Assayer with demo data. Development only."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser

from audit.checkpoints import checkpoint_sign
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.verification import verify_trail
from compliance.demo import (
    PACKS_IN_FORCE,
    PASSWORD,
    STAFF,
    demo_header,
    demo_load,
    demo_report,
)
from jurisdictions.choices import PackStatus
from jurisdictions.loading import rules_load
from jurisdictions.models import RulePack


class Command(BaseCommand):
    """Migrates, loads rules and demo data, prints log-ins and calls to try, serves."""

    help = "Set up an embedded Assayer with demo data and serve it (development only)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop before serving")
        parser.add_argument("--port", type=int, default=8000, help="port to serve on")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT != "development":
            raise CommandError(
                "quickstart is for development only; run it with "
                "DJANGO_SETTINGS_MODULE=config.settings.development."
            )
        database = Path(str(settings.DATABASES["default"]["NAME"]))
        if database.is_absolute():
            database.parent.mkdir(parents=True, exist_ok=True)
        self.stdout.write("Migrating the database ...")
        call_command("migrate", verbosity=0)
        self.stdout.write("Loading jurisdictions, facts and rule packs ...")
        rules_load(actor=SYSTEM, activate=PACKS_IN_FORCE)
        self._print_packs()
        self.stdout.write("Loading demo data through the API ...")
        logging.disable(logging.INFO)  # the calls below would drown what this prints
        refusal = demo_load()
        seal_events()
        checkpoint_sign()
        verification = verify_trail()
        report = demo_report()
        logging.disable(logging.NOTSET)
        self.stdout.write(
            f"Audit trail: {verification.size} events sealed and verified, root "
            f"{verification.root[:16]}..."
        )
        self._print_report(report)
        self.stdout.write(f"Refused, as the seed says: {refusal}")
        self._print_access(options["port"])
        if not options["no_serve"]:
            self._serve(options["port"])

    def _print_packs(self) -> None:
        for status, words in ((PackStatus.ACTIVE, "in force"), (PackStatus.DRAFT, "to review")):
            rows = RulePack.objects.filter(status=status).order_by("pack_id", "version")
            self.stdout.write(f"  {words}: {', '.join(str(row) for row in rows)}")

    def _print_report(self, report: dict[str, Any]) -> None:
        summary = report["content"]["summary"]
        self.stdout.write(
            f"\nReport {report['reportId']} on asset {report['assetId']} ({report['network']}): "
            f"{report['status']}"
        )
        for item in summary["rationale"]:
            self.stdout.write(f"  {item['verdict']:<8} {item['key']}: {item['reason']}")

    def _print_access(self, port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        self.stdout.write(f"\nLog-ins (password {PASSWORD}), admin at {base}/admin/:")
        for email, _, roles in STAFF:
            words = ", ".join(roles) or "operator of the demo issuer, API only"
            self.stdout.write(f"  {email:<26} {words}")
        self.stdout.write(
            "\nTry (the token of the first call goes into the other two; "
            f"the documents are at {base}/api/docs):\n"
            f"  TOKEN=$(curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' "
            f'-d \'{{"email": "issuer@assayer.example", "password": "{PASSWORD}"}}\' '
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"accessToken\"])')\n"
            f'  curl -s {base}/api/v1/compliance/12345/status -H "Authorization: Bearer $TOKEN"\n'
            f"  curl -s '{base}/api/v1/compliance/audit-log?assetId=50001' "
            '-H "Authorization: Bearer $TOKEN"\n'
            "\nA wallet signs in without a password (ARC-0014); the demo wallet's signature, "
            "good for about 45 minutes:\n"
            f"  Authorization: {demo_header()}"
        )

    def _serve(self, port: int) -> None:
        self.stdout.write(f"\nServing http://127.0.0.1:{port}/ - stop with Ctrl-C.")
        self.stdout.flush()
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
        command = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--blocking-threads",
            "4",
            "--no-access-log",
            "--log-level",
            "warning",
            "config.wsgi:application",
        ]
        os.chdir(settings.BASE_DIR)
        os.execve(sys.executable, command, environment)  # noqa: S606 - the server takes over
