"""`manage.py identity`: a client certificate for a program on this machine."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Let a workload join, and put its certificate, key and the trusted roots into a directory."""

    help = "Give a program on this machine a certificate for the gRPC port; elsewhere use `govctl cert join`."
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the workload's name and the directory."""
        parser.add_argument("directory", type=Path, help="where tls.crt, tls.key and ca.crt are put")
        parser.add_argument("--workload", default="govctl", help="name of the workload; govctl unless told")
        parser.add_argument("--namespace", default="default", help="its namespace; default unless told")

    def handle(self, *args: Any, **options: Any) -> None:
        """Join and store."""
        from gateway.agent import identity as own
        from gateway.enrol import joined

        try:
            found = joined(options["namespace"], options["workload"], reason="manage.py identity")
            own.store(options["directory"].absolute(), found)
        except GovernanceError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{found.uri} until {found.pair.not_after:%Y-%m-%d %H:%M} UTC, in {options['directory']}")
