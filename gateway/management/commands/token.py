"""`manage.py token`: make an API token and print it once."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.access import tokens
from governance.access.commands import CreateToken
from governance.access.setup import ADMIN
from governance.access.values import RoleGrant, TokenSpec, seconds_of
from governance.kernel.actor import EVERYWHERE, SYSTEM, Origin
from governance.kernel.errors import GovernanceError
from governance.kernel.permissions import ROLES
from governance.ledger.execute import execute


class Command(BaseCommand):
    """Whoever may run this on the server's machine may make any token."""

    help = "Make an API token and print it: it is shown this once, and nothing else goes to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--role", action="append", required=True, choices=sorted(ROLES), help="may be repeated")
        parser.add_argument("--expires", default="1h", help="a length of time: 90s, 30m, 1h, 7d (default 1h)")
        parser.add_argument("--namespace", default=EVERYWHERE, help="where the roles hold (default: everywhere)")
        parser.add_argument("--user", default=ADMIN, help="whose token it is; it holds no more than they do")
        parser.add_argument("--name", default="", help="name of the token, unique among the user's live ones")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token; a refusal is a sentence."""
        secret = tokens.make()
        try:
            spec = TokenSpec(
                name=options["name"] or f"cli-{secrets.token_hex(4)}",
                grants=tuple(RoleGrant(role=role, namespace=options["namespace"]) for role in options["role"]),
                lifetime_s=seconds_of(options["expires"]),
            )
            execute(
                CreateToken(owner=options["user"], spec=spec, digest=tokens.digest(secret)),
                by=SYSTEM.via(Origin(door="cli")),
            )
        except GovernanceError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(secret)
