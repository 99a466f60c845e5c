"""`manage.py worker`: the process that runs tasks."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.kernel.errors import GovernanceError


class Command(BaseCommand):
    """Run scheduled and requested tasks until SIGTERM."""

    help = "Run the worker process alone; with GOV_REDIS_URL any number may run."
    requires_system_checks: list[str] = []  # start-up time counts; `make check` makes them

    def handle(self, *args: Any, **options: Any) -> None:
        """Work."""
        from governance import worker

        try:
            worker.run()
        except GovernanceError as error:
            raise CommandError(str(error)) from None
