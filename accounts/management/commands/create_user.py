"""`manage.py create_user`: a user with a password, or a wallet, with its roles and its issuer."""

import getpass
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.choices import MemberRole, Role
from accounts.models import Issuer, User
from accounts.services import issuer_create, member_add, user_create
from audit.principal import SYSTEM
from config.api.errors import DomainError

PASSWORD_VARIABLE = "ASSAYER_USER_PASSWORD"  # noqa: S105 - a name, not a password


class Command(BaseCommand):
    """Creates one user; either all of it happens, or nothing."""

    help = (
        "Create a user. Give --email (with a password: asked for, or in the environment variable "
        f"{PASSWORD_VARIABLE}), or --address for a wallet, or both."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="e-mail address to log in with")
        parser.add_argument(
            "--password", help="password (seen by others on this machine: prefer to be asked)"
        )
        parser.add_argument("--address", help="Algorand address that signs in")
        parser.add_argument("--full-name", default="", help="name to show")
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            choices=Role.values,
            help="platform role; may be repeated",
        )
        parser.add_argument(
            "--issuer", help="legal name of an issuer to be a member of; made if new"
        )
        parser.add_argument(
            "--issuer-role", choices=MemberRole.values, help="role there (default: Owner)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["issuer_role"] and not options["issuer"]:
            raise CommandError("--issuer-role needs --issuer.")
        if not options["email"] and not options["address"]:
            raise CommandError("Give --email or --address, or both.")
        password = self._password(options)
        try:
            with transaction.atomic():
                user = user_create(
                    email=options["email"],
                    address=options["address"],
                    password=password,
                    full_name=options["full_name"],
                    roles=options["role"],
                )
                if options["issuer"]:
                    self._join(user, options["issuer"], options["issuer_role"])
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from None
        except DomainError as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"Created {user.label} ({user.pk}).")

    @staticmethod
    def _password(options: dict[str, Any]) -> str | None:
        given = options["password"] or os.environ.get(PASSWORD_VARIABLE)
        if given or not options["email"]:
            return given
        try:
            first = getpass.getpass("Password: ")
            if first != getpass.getpass("Password again: "):
                raise CommandError("The two passwords differ; nobody was created.")
        except (EOFError, KeyboardInterrupt):
            raise CommandError(f"No password: give --password or {PASSWORD_VARIABLE}.") from None
        if not first:
            raise CommandError("An e-mail address needs a password; nobody was created.")
        return first

    @staticmethod
    def _join(user: User, legal_name: str, role: str | None) -> None:
        found = list(Issuer.objects.filter(legal_name=legal_name).order_by("pk")[:2])
        if len(found) > 1:
            raise CommandError(f"Several issuers are called {legal_name}; add the member in admin.")
        issuer = found[0] if found else issuer_create(actor=SYSTEM, legal_name=legal_name)
        member_add(actor=SYSTEM, issuer=issuer, user=user, role=role or MemberRole.OWNER)
