"""What Prometheus is told about the streams."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

_TYPES = ("cluster", "endpoint", "secret", "listener", "route", "other")


def _by_type(counter: Counter) -> Mapping[str, Counter]:
    return {name: counter.labels(name) for name in _TYPES}


streams = Gauge("governor_xds_streams", "Open xDS streams", ["plane", "mode"], multiprocess_mode="livesum")
pushes = _by_type(Counter("governor_xds_pushes_total", "xDS responses sent", ["type"]))
acks = _by_type(Counter("governor_xds_acks_total", "xDS responses that a client accepted", ["type"]))
nacks = _by_type(Counter("governor_xds_nacks_total", "xDS responses that a client refused", ["type"]))
push_seconds = Histogram(
    "governor_xds_push_seconds",
    "From a changed snapshot to a client's ACK",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5),
)
reports = Counter("governor_lrs_reports_total", "Load reports received")
checks = Counter("governor_health_checks_total", "Active health checks of endpoints", ["result"])
