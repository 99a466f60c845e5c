"""`manage.py serve`: everything in one command."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Start the web, xds and worker processes, and with --demo the demo fleet, and keep them running."""

    help = "Run Governor: dashboard, data plane and worker, until Ctrl-C."
    requires_system_checks: list[str] = []  # they import every view; each child makes its own

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --demo."""
        parser.add_argument("--demo", action="store_true", help="also run a demo fleet with steady traffic")
        parser.add_argument("--load", type=float, default=1.0, help="how many times the fleet's usual calls")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; what prevents a start is one sentence."""
        from gateway.serve import serve

        try:
            serve(load=options["load"] if options["demo"] else 0.0)
        except GovernanceError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("interrupted before the start was over") from None
