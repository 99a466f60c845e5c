"""`manage.py rewrap_keys`: put every private key under the key-encryption key of today."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.kernel.actor import SYSTEM, Origin
from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Exits with 1 when a key is left that neither the key of today nor the old one opens."""

    help = (
        "Put every private key under the key-encryption key of the settings; GOV_KEY_ENCRYPTION_KEY_OLD opens those "
        "that are not yet. It may be interrupted and repeated, while Governor runs."
    )
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how many there were."""
        from governance.pki.rewrapping import rewrap_all

        try:
            outcome = rewrap_all(by=SYSTEM.via(Origin(door="cli")))
        except GovernanceError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{outcome.moved} private keys were put under the key-encryption key of today")
        if outcome.left:
            raise CommandError(
                f"{outcome.left} private keys stay as they are: neither this key nor GOV_KEY_ENCRYPTION_KEY_OLD opens "
                "them, or they were altered"
            )
