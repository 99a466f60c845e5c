"""From a stream's load reports to samples: when each interval really was, and which of its counts are new."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.xds.names import generation_of, service_of
from governance.dataplane.observe import Sample

IDLE_FROM = timedelta(seconds=3)
LONGEST = timedelta(days=1)
# More calls than anyone makes in an interval; the sums of many such counts still fit a database's 64 bits.
MAX_COUNT = 2**40


class Intervals:
    """When the intervals of one stream's reports really ended.

    A report says how long its interval was, not when it ended, and under load it arrives late. The lengths add up to
    the sender's own time; the quickest report so far shows where that time stands in ours. Without this a report that
    is a second late would count calls from before a switch as made after it. A sender without calls sends nothing, so
    that a report which seems IDLE_FROM late follows such a silence: from there its time is counted anew.
    """

    def __init__(self) -> None:
        self._ran: dict[str, timedelta] = {}
        self._began: dict[str, datetime] = {}

    def end(self, cluster: str, length: timedelta, arrived_at: datetime) -> datetime:
        """The end of the next interval of `cluster`, which took `length`."""
        ran = self._ran.get(cluster, timedelta()) + length
        self._ran[cluster] = ran
        began = self._began.get(cluster, arrived_at - ran)
        if arrived_at - ran - began > IDLE_FROM:
            began = arrived_at - ran
        self._began[cluster] = min(began, arrived_at - ran)
        return self._began[cluster] + ran


class Generations:
    """Which localities of an endpoint count, of the several that one stream may report.

    C-core (1.85, lrs_client.cc) goes on listing localities that it was told to drop, for minutes, and repeats the last
    counts of one that was dropped and taken up again between two reports. So an endpoint's locality counts until a
    report shows a newer one, that report included.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], int] = {}

    def counted(self, cluster: str, localities: Sequence[Any]) -> list[Any]:
        """Those of `localities`, all of one endpoint of `cluster`, whose calls were not counted before."""
        named = [(generation_of(stats.locality.region), stats) for stats in localities]
        endpoint = cluster, localities[0].locality.sub_zone
        before = self._newest.get(endpoint, 0)
        self._newest[endpoint] = max(before, *(generation for generation, _ in named))
        return [stats for generation, stats in named if generation >= before]


class Reporter:
    """One stream that reports load, and what must be remembered of its reports."""

    def __init__(self, node_id: str, identity: str = "") -> None:
        self.node_id, self.identity = node_id, identity
        self._intervals, self._generations = Intervals(), Generations()

    def samples(self, report: Any, *, client: str, clusters: Collection[str], at: datetime) -> Iterator[Sample]:
        """A sample for each endpoint with calls in a report that arrived `at`; sub_zone is the endpoint's name.

        Other clusters than `clusters` are not ours; counts and intervals beyond reason are cut, so that one client that
        counts wrongly costs the others nothing.
        """
        for cluster in report.cluster_stats:
            if cluster.cluster_name not in clusters:
                continue
            namespace, service = service_of(cluster.cluster_name)
            length = _length(cluster.load_report_interval)
            ended_at = self._intervals.end(cluster.cluster_name, length, at)
            for endpoint, localities in _by_endpoint(cluster.upstream_locality_stats).items():
                counted = self._generations.counted(cluster.cluster_name, localities)
                issued = _sum(stats.total_issued_requests for stats in counted)
                in_progress = _sum(stats.total_requests_in_progress for stats in localities)
                if not issued and not in_progress:
                    continue
                yield Sample(
                    started_at=ended_at - length,
                    at=ended_at,
                    client=client,
                    node_id=self.node_id,
                    namespace=namespace[:63],
                    service=service[:63],
                    endpoint=endpoint[:63],
                    issued=issued,
                    succeeded=_sum(stats.total_successful_requests for stats in counted),
                    errors=_sum(stats.total_error_requests for stats in counted),
                    in_progress=in_progress,
                )


def _length(interval: Any) -> timedelta:
    return min(max(interval.ToTimedelta(), timedelta()), LONGEST) or timedelta(seconds=1)


def _sum(counts: Iterable[int]) -> int:
    return min(sum(counts), MAX_COUNT)


def _by_endpoint(localities: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for stats in localities:
        if stats.locality.sub_zone.isprintable() and stats.locality.sub_zone:
            found.setdefault(stats.locality.sub_zone, []).append(stats)
    return found
