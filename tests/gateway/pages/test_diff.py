"""What differs between two states, and the points of the charts."""

from datetime import UTC, datetime, timedelta

from gateway.pages.charts import rates, spark
from gateway.pages.diff import Line, changed, diff

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_each_field_is_compared_by_its_path() -> None:
    before = {"policy": "ring_hash", "weights": {"a": 1, "b": 2}}
    after = {"policy": "ring_hash", "weights": {"a": 3}, "order": ["x"]}
    assert diff(before, after) == [
        Line("policy", "ring_hash", "ring_hash", "same"),
        Line("weights.a", "1", "3", "changed"),
        Line("weights.b", "2", "", "removed"),
        Line("order", "", '["x"]', "added"),
    ]


def test_a_thing_that_appears_or_goes_is_all_added_or_removed() -> None:
    assert [line.kind for line in changed(None, {"name": "a", "port": 1})] == ["added", "added"]
    assert [line.kind for line in changed({"name": "a"}, None)] == ["removed"]
    assert changed({"name": "a"}, {"name": "a"}) == []


def test_a_rate_is_unknown_where_nothing_was_reported() -> None:
    samples = [(AT - timedelta(seconds=25), 100, 10), (AT - timedelta(seconds=22), 50, 0), (AT, 30, 3)]
    assert rates(samples, until=AT, window_s=40, step_s=10) == [None, (15.0, 1.0), None, (3.0, 0.3)]


def test_a_chart_is_broken_where_nothing_is_known() -> None:
    drawn = spark([None, 0.0, 10.0, None, 5.0, 5.0])
    assert drawn is not None
    assert drawn.lines == ("48.0,46.0 96.0,4.0", "192.0,25.0 240.0,25.0")
    assert spark([None, 3.0, None, 4.0]) is None
