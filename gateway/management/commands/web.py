"""`manage.py web`: the process behind the HTTP address."""

import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.environment import split_address
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Serve pages, REST, gRPC-Web and websockets until SIGTERM."""

    help = "Run the web process alone; it listens on GOV_HTTP_ADDR."
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a socket that the parent listens on already."""
        parser.add_argument("--fd", type=int, help="serve on this inherited listening socket instead")
        parser.add_argument("--https-fd", type=int, help="the same for HTTPS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        from gateway import web
        from gateway.supervise import places

        try:
            if options["fd"] is not None:
                door = socket.socket(fileno=options["fd"])
            else:
                door = places.listening(*split_address(settings.GOV.http_addr))
            web.run(door, https=_https(options["https_fd"]))
        except GovernanceError as error:
            raise CommandError(str(error)) from None


def _https(inherited: int | None) -> socket.socket | None:
    from gateway.supervise import places

    if inherited is not None:
        return socket.socket(fileno=inherited)
    if not settings.GOV.https_addr:
        return None
    return places.listening(*split_address(settings.GOV.https_addr), name="GOV_HTTPS_ADDR")
