"""What runs by itself: the Celery application, and how a task says how often it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.schedules import crontab
from django.conf import settings
from django.db import close_old_connections

TASKS = (
    "governance.ledger.tasks",
    "governance.compliance.tasks",
    "governance.access.tasks",
    "governance.registry.tasks",
    "governance.dataplane.tasks",
    "governance.pki.tasks",
    "governance.pki.ct.tasks",
)
LONGEST_TASK_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A task, the permission that its work needs, and how often it runs: every so many seconds, or by the clock."""

    run: Callable[[], object]
    permission: str
    every: "float | crontab"


_scheduled: dict[str, Scheduled] = {}


def _application() -> Celery:
    # Without Celery's Django part, which runs all checks at the start and closes the connections after every task.
    app = Celery("governor", fixups=[])
    app.conf.update(
        broker_url=settings.GOV.redis_url.replace("unix://", "redis+socket://", 1) or "memory://localhost//",
        broker_transport_options=_transport(redis=bool(settings.GOV.redis_url)),
        broker_connection_retry_on_startup=True,
        include=TASKS,
        task_default_queue="governor",
        task_acks_late=True,
        task_ignore_result=True,
        task_serializer="json",
        timezone="UTC",
        worker_enable_remote_control=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
    )
    # A task that retries itself in a thread would otherwise publish to another, default broker, and be lost.
    app.set_default()
    return app


def _transport(*, redis: bool) -> Mapping[str, object]:
    if not redis:
        return {"polling_interval": 0.1}
    # What a dead worker had taken is offered again after the visibility timeout; kombu looks for it every
    # `unacked_restore_interval` (default: 100 s after the timeout).
    return {"visibility_timeout": LONGEST_TASK_S, "unacked_restore_interval": 3, "unacked_restore_throttle": 1}


app = _application()


def periodic(*, every: "float | crontab", permission: str) -> Callable[[Callable[[], object]], Any]:
    """Declare a task that the worker runs at that interval; it may run twice, and must not mind."""

    def declare(function: Callable[[], object]) -> Any:
        name = f"{function.__module__}.{function.__name__}"
        _scheduled[name] = Scheduled(run=function, permission=permission, every=every)

        def run() -> None:
            close_old_connections()
            try:
                function()
            finally:
                close_old_connections()

        return app.task(run, name=name, shared=False)

    return declare


def scheduled() -> Mapping[str, Scheduled]:
    """Every periodic task by name."""
    app.loader.import_default_modules()
    return dict(_scheduled)


def beat_schedule() -> dict[str, dict[str, object]]:
    """The same in Celery's form; a run that waited longer than its interval is dropped, the next one does its work."""
    return {
        name: {
            "task": name,
            "schedule": entry.every,
            "options": {"expires": entry.every} if isinstance(entry.every, int | float) else {},
        }
        for name, entry in scheduled().items()
    }
