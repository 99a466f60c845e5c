"""The worker process: Celery's worker, and its beat as a thread beside it."""

import signal
import sys
from typing import Any

import structlog
from celery.beat import EmbeddedService, Scheduler
from celery.worker import WorkController, state
from django.conf import settings
from django.db import connections

from governance.kernel.errors import Conflict
from governance.pki.setup import ensure_pki
from governance.schedule import app, beat_schedule

log = structlog.get_logger(__name__)

THREADS = 4
LEAD_S = 15


class OneOfMany(Scheduler):  # type: ignore[misc]  # Celery is untyped
    """Of several workers on one Redis, only the one that holds the lock schedules; others stand by."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        import redis

        client = redis.Redis.from_url(settings.GOV.redis_url, socket_timeout=5)
        self._lead = client.lock("governor:beat", timeout=LEAD_S, blocking=False)
        self._unreachable = redis.RedisError
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, or look again in a second."""
        return float(super().tick(*args, **kwargs)) if self._leads() else 1.0

    def close(self) -> None:
        """Let another worker lead at once."""
        super().close()
        try:
            if self._lead.owned():
                self._lead.release()
        except self._unreachable:
            log.info("the lead runs out by itself", after_s=LEAD_S)

    def _leads(self) -> bool:
        try:
            return bool(self._lead.reacquire() if self._lead.owned() else self._lead.acquire())
        except self._unreachable:
            return False


class TaskWorker(WorkController):  # type: ignore[misc]  # Celery is untyped
    """Celery's worker, which starts `beat` once tasks are taken."""

    beat: Any

    def on_consumer_ready(self, consumer: Any) -> None:
        """Show at once that tasks run, then let the clock decide."""
        if not self.beat.is_alive():  # called again after each reconnection
            self.app.tasks["governance.ledger.tasks.sign_of_life"].delay()
            self.beat.start()


def _end(*_: object) -> None:
    state.should_stop = 0  # Celery looks at it between two messages


def _prepare() -> None:
    """Make the authorities and our own certificates if nobody has: the xds processes wait for them.

    Of two workers that start at once one finds the work done; Unavailable with another key-encryption key.
    """
    try:
        if ensure_pki():
            log.info("authorities and certificates are made")
    except Conflict as error:
        log.info("another worker makes authorities and certificates", reason=str(error))
    finally:
        connections.close_all()


def run() -> None:
    """Work until SIGTERM or SIGINT; tasks under way are finished first."""
    _prepare()
    app.conf.beat_schedule = beat_schedule()
    worker = TaskWorker(
        app=app,
        pool_cls="threads",
        concurrency=THREADS,
        without_gossip=True,
        without_heartbeat=True,
        without_mingle=True,
    )
    # Never `celery worker -B`: it forks a beat that survives the death of its worker and keeps publishing.
    worker.beat = EmbeddedService(app, thread=True, scheduler_cls=OneOfMany if settings.GOV.redis_url else Scheduler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    worker.start()
    if worker.beat.is_alive():
        worker.beat.stop()
    sys.exit(worker.exitcode or 0)
