"""Answers about what happened."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape


class Event(Shape):
    """One event of the changes stream or of the calls stream."""

    seq = drf.IntegerField()
    event_id = drf.CharField()
    at = drf.DateTimeField()
    actor = drf.CharField()
    actor_kind = drf.CharField()
    action = drf.CharField()
    namespace = drf.CharField()
    thing = drf.CharField()
    outcome = drf.CharField()
    status = drf.CharField()
    reason = drf.CharField()
    door = drf.CharField()
    address = drf.CharField()
    trace_id = drf.CharField()
    request_id = drf.CharField()
    before = drf.JSONField(allow_null=True)
    after = drf.JSONField(allow_null=True)


class EventPage(Shape):
    """Newest first."""

    events = Event(many=True)
    next_page_token = drf.CharField(allow_blank=True)
