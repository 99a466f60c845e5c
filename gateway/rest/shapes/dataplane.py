"""Answers about connected data planes."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape


class TypeSync(Shape):
    """One resource type on one stream."""

    type = drf.CharField()
    state = drf.CharField()
    sent_version = drf.CharField()
    acked_version = drf.CharField()
    sent_at = drf.DateTimeField(allow_null=True)
    acked_at = drf.DateTimeField(allow_null=True)
    round_trip_ms = drf.FloatField(allow_null=True)
    nacks = drf.IntegerField()
    nack_version = drf.CharField()
    nack_text = drf.CharField()
    nacked_at = drf.DateTimeField(allow_null=True)
    resources = drf.ListField(child=drf.CharField())


class Client(Shape):
    """A connected data plane."""

    name = drf.CharField()
    node_id = drf.CharField()
    kind = drf.CharField()
    version = drf.CharField()
    zone = drf.CharField()
    address = drf.CharField()
    mode = drf.ChoiceField(choices=["sotw", "delta"])
    state = drf.ChoiceField(choices=["in_sync", "sent", "nacked", "stale", "offline"])
    connected_at = drf.DateTimeField()
    seen_at = drf.DateTimeField()
    types = TypeSync(many=True)
    services = drf.ListField(child=drf.CharField())
    revision = drf.IntegerField()


class ClientPage(Shape):
    """Clients by node id and name."""

    clients = Client(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class Load(Shape):
    """Calls to one endpoint over the window."""

    endpoint = drf.CharField()
    calls = drf.IntegerField(source="issued")
    errors = drf.IntegerField()  # type: ignore[assignment]  # DRF's metaclass takes it out of the class again
    in_progress = drf.IntegerField()


class Loads(Shape):
    """Calls per endpoint from `since` to `until`."""

    loads = Load(many=True)
    since = drf.DateTimeField()
    until = drf.DateTimeField()
