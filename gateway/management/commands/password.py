"""`manage.py password`: give someone who is locked out a new one-time password."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.access.commands import SetPassword
from governance.access.setup import ADMIN, one_time_password
from governance.kernel.actor import SYSTEM, Origin
from governance.kernel.errors import GovernanceError
from governance.ledger.execute import execute


class Command(BaseCommand):
    """Whoever may run this on the server's machine may become anyone."""

    help = "Set a one-time password and print it: it is shown this once, and must be changed at the next sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--user", default=ADMIN)

    def handle(self, *args: Any, **options: Any) -> None:
        """Set it; a refusal is a sentence."""
        password = one_time_password()
        hashed = make_password(password)
        try:
            execute(
                SetPassword(username=options["user"], password_hash=hashed, must_change_password=True),
                by=SYSTEM.via(Origin(door="cli")),
            )
        except GovernanceError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(password)
