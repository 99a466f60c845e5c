"""What Prometheus collects."""

import os
from collections import Counter
from collections.abc import Iterator

from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from rest_framework.request import Request

from gateway.rest.declare import reads
from gateway.rest.fields import Shape
from gateway.rest.view import GovernedView
from governance.compliance import queries as compliance
from governance.dataplane import queries as dataplane
from governance.kernel.clock import now
from governance.ledger import queries as ledger

STATES = ("in_sync", "sent", "nacked", "stale")


class Metrics(GovernedView):
    """The figures of the processes on this machine, and those of the whole house, which every web process knows."""

    topic = "metrics"
    schema = None

    @reads("system.read", Shape)
    def get(self, request: Request) -> HttpResponse:
        """Read them in Prometheus's text form; a scraper sends a token like every other program."""
        house = CollectorRegistry()
        house.register(_House())
        return HttpResponse(generate_latest(_processes()) + generate_latest(house), content_type=CONTENT_TYPE_LATEST)


def _processes() -> CollectorRegistry:
    """This process, and those that were started together with it."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


class _House(Collector):
    def collect(self) -> Iterator[Metric]:
        """What the tables say: right whichever process did the work."""
        head, at = ledger.head_revision(), now()
        yield GaugeMetricFamily("governor_ledger_revision", "Newest revision of the ledger", value=head)
        yield GaugeMetricFamily("governor_calls_recorded", "Size of the calls stream", value=compliance.head_seq())
        behind = GaugeMetricFamily("governor_follower_behind_facts", "Facts not yet applied", labels=["follower"])
        silent = GaugeMetricFamily("governor_part_silent_seconds", "Time since the last sign of life", labels=["part"])
        for place in ledger.places():
            silent.add_metric([place.follower], (at - place.seen_at).total_seconds())
            if place.revision:
                behind.add_metric([place.follower], head - place.revision)
        yield behind
        yield silent
        clients = GaugeMetricFamily("governor_clients", "Connected data planes by their worst type", labels=["state"])
        counted: Counter[str] = Counter(client.state(at) for client in dataplane.clients(connected_only=True))
        for state in STATES:
            clients.add_metric([state], counted[state])
        yield clients
