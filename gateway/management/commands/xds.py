"""`manage.py xds`: the process behind the gRPC address."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Serve data planes (ADS, LRS) and the admin API over gRPC until SIGTERM."""

    help = "Run the data plane process alone; it listens on GOV_GRPC_ADDR."
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name under which this process stores its clients."""
        parser.add_argument("--name", default="xds", help="tells several apart; must be the same after a restart")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        from gateway import native

        try:
            native.run(settings.GOV.grpc_addr, name=options["name"])
        except GovernanceError as error:
            raise CommandError(str(error)) from None
