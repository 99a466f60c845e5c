"""`manage.py demo_tune`: make an instance of the demo fleet slow, stop it, or start it again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Set what the instance reads from its endpoint's metadata; it obeys within some seconds."""

    help = "Make an instance of the demo fleet slow (--latency-ms), stop it (--down) or start it again (--up)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the instance and what to do with it."""
        parser.add_argument("instance", help="for example checkout-1")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--latency-ms", type=int, help="answer after so many milliseconds; 0: as it was built")
        what.add_argument("--down", action="store_true", help="stop its server, as if the machine were lost")
        what.add_argument("--up", action="store_true", help="start its server again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change the metadata through the same command as everybody."""
        from gateway.demo.tune import tune

        down = True if options["down"] else False if options["up"] else None
        try:
            receipt = tune(options["instance"], latency_ms=options["latency_ms"], down=down)
        except GovernanceError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"revision {receipt.revision}" if receipt.changed else "it stands so already")
