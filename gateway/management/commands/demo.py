"""`manage.py demo`: the demo fleet."""

import asyncio
import gc
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from governance.environment import split_address
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Run three services of four instances, clients that call them, and an Envoy in front, until SIGTERM."""

    help = "Run the demo fleet against the control plane at GOV_GRPC_ADDR; `manage.py serve --demo` does it too."
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how much is called."""
        parser.add_argument("--load", type=float, default=1.0, help="how many times the usual calls; 1 unless told")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed the ledger, then run."""
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # or every stopped server is a line
        from gateway.demo import fleet, identities, seed
        from gateway.guard import mutual

        try:
            seed.services()
            secure = seed.directory() / "identities" if mutual() else None
            if secure is not None:
                identities.ensure(secure, settings.GOV.trust_domain)
            plan = fleet.Plan(
                directory=seed.directory(),
                control_plane=_control_plane(),
                token=seed.token(),
                origins=(f"http://{settings.GOV.http_addr}", *settings.GOV.origins),
                ports=seed.ports(),
                identities=secure,
                trust_domain=settings.GOV.trust_domain,
                load=options["load"],
            )
        except GovernanceError as error:
            raise CommandError(str(error)) from None
        connections.close_all()
        gc.freeze()  # what is loaded by now never becomes garbage; looking for some at the end takes a second
        asyncio.run(fleet.run(plan))


def _control_plane() -> str:
    """Where to reach the control plane from this machine."""
    host, port = split_address(settings.GOV.grpc_addr)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared with, not bound to)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
