"""Answers about balancing."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from gateway.rest.shapes.common import Receipt


class IntendedShares(Shape):
    """Parts per million per endpoint, as the clients of one zone ("": all) should see them."""

    client_zone = drf.CharField(allow_blank=True)
    share_ppm = drf.DictField(child=drf.IntegerField())


class BalancingState(Shape):
    """The balancing in force; revision 0 is the default."""

    namespace = drf.CharField()
    service = drf.CharField()
    balancing = drf.JSONField()
    revision = drf.IntegerField()
    at = drf.DateTimeField(allow_null=True)
    intended = IntendedShares(many=True)


class BalancingPage(Shape):
    """The balancing of each service."""

    states = BalancingState(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class ClientVerdict(Shape):
    """What a connected client would make of a policy."""

    client = drf.CharField()
    node_id = drf.CharField()
    kind = drf.CharField()
    verdict = drf.ChoiceField(choices=["ok", "falls_back", "would_reject"])
    effective_policy = drf.CharField()
    note = drf.CharField()


class Validation(Shape):
    """What a switch would do."""

    receipt = Receipt()
    clients = ClientVerdict(many=True)
    intended = IntendedShares(many=True)


class BalancingRevision(Shape):
    """One switch or restore."""

    revision = drf.IntegerField()
    at = drf.DateTimeField()
    actor = drf.CharField()
    reason = drf.CharField()
    action = drf.CharField()
    door = drf.CharField()
    balancing = drf.JSONField(source="after", allow_null=True)


class BalancingRevisionPage(Shape):
    """Newest first."""

    revisions = BalancingRevision(many=True)
    next_page_token = drf.CharField(allow_blank=True)
