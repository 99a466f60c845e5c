"""When the calls that clients report were really made."""

from datetime import UTC, datetime, timedelta

from envoy.config.core.v3.base_pb2 import Locality
from envoy.config.endpoint.v3.load_report_pb2 import ClusterStats, UpstreamLocalityStats
from envoy.service.load_stats.v3.lrs_pb2 import LoadStatsRequest
from google.protobuf.duration_pb2 import Duration

from gateway.xds.load import MAX_COUNT, Intervals, Reporter
from governance.dataplane.observe import Sample

T0 = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_report_that_arrives_late_keeps_its_place_in_time() -> None:
    intervals = Intervals()
    on_time = intervals.end("checkout", SECOND, T0)
    late = intervals.end("checkout", SECOND, T0 + 2.5 * SECOND)
    following = intervals.end("checkout", SECOND, T0 + 2 * SECOND)
    assert [on_time, late, following] == [T0, T0 + SECOND, T0 + 2 * SECOND]


def test_a_report_that_is_quicker_than_those_before_corrects_the_clock() -> None:
    intervals = Intervals()
    intervals.end("checkout", SECOND, T0)
    assert intervals.end("checkout", SECOND, T0 + 0.8 * SECOND) == T0 + 0.8 * SECOND


def test_each_cluster_has_intervals_of_its_own() -> None:
    intervals = Intervals()
    intervals.end("checkout", SECOND, T0)
    assert intervals.end("payments", 5 * SECOND, T0 + SECOND) == T0 + SECOND


def _report(*counted: tuple[str, str, int, int]) -> LoadStatsRequest:
    """A report of (region, endpoint, issued, failed)."""
    stats = ClusterStats(cluster_name="checkout", load_report_interval=Duration(seconds=1))
    for region, name, issued, failed in counted:
        stats.upstream_locality_stats.append(
            UpstreamLocalityStats(
                locality=Locality(region=region, zone="z1", sub_zone=name),
                total_issued_requests=issued,
                total_error_requests=failed,
                total_successful_requests=issued - failed,
            )
        )
    return LoadStatsRequest(cluster_stats=[stats])


def _samples(reporter: Reporter, *counted: tuple[str, str, int, int]) -> list[Sample]:
    return list(reporter.samples(_report(*counted), client="n~1", clusters={"checkout"}, at=T0))


def _issued(reporter: Reporter, *counted: tuple[str, str, int, int]) -> dict[str, int]:
    return {each.endpoint: each.issued for each in _samples(reporter, *counted)}


def test_a_report_becomes_one_sample_per_endpoint_that_was_called() -> None:
    found = _samples(Reporter("n"), ("", "c0", 20, 1), ("", "c1", 0, 0))
    assert [(each.service, each.endpoint, each.issued, each.errors) for each in found] == [("checkout", "c0", 20, 1)]
    assert (found[0].started_at, found[0].at) == (T0 - SECOND, T0)


def test_what_a_client_repeats_of_a_dropped_locality_is_not_counted_again() -> None:
    reporter = Reporter("n")
    assert _issued(reporter, ("r4", "c0", 30, 0)) == {"c0": 30}
    assert _issued(reporter, ("r4", "c0", 20, 0), ("r9", "c0", 10, 0)) == {"c0": 30}  # the switch fell in between
    assert _issued(reporter, ("r9", "c0", 31, 0), ("r4", "c0", 20, 0), ("r5", "c1", 7, 0)) == {"c0": 31, "c1": 7}
    assert _issued(reporter, ("r4", "c0", 20, 0)) == {}


def test_a_report_after_a_silence_is_placed_where_it_arrived() -> None:
    intervals = Intervals()
    intervals.end("checkout", SECOND, T0)
    assert intervals.end("checkout", SECOND, T0 + 600 * SECOND) == T0 + 600 * SECOND
    assert intervals.end("checkout", SECOND, T0 + 601.4 * SECOND) == T0 + 601 * SECOND


def test_a_client_that_counts_wrongly_costs_the_others_nothing() -> None:
    reporter = Reporter("n")
    assert _issued(reporter, ("", "c0", 2**64 - 1, 0), ("", "c\x001", 5, 0)) == {"c0": MAX_COUNT}
    strange = _report(("", "c0", 5, 0))
    strange.cluster_stats[0].load_report_interval.seconds = 300_000_000_000
    (sample,) = reporter.samples(strange, client="n~1", clusters={"checkout"}, at=T0)
    assert sample.at - sample.started_at <= timedelta(days=1)
    assert not list(reporter.samples(_report(("", "c0", 5, 0)), client="n~1", clusters={"payments"}, at=T0))
