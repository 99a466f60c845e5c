"""Answers about workloads, join tokens and transports."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from gateway.rest.shapes.common import Receipt


class Workload(Shape):
    """A program with an identity; serial and times are those of its newest certificate."""

    namespace = drf.CharField()
    name = drf.CharField()
    uri = drf.CharField()
    enabled = drf.BooleanField()
    serial = drf.CharField()
    not_before = drf.DateTimeField(allow_null=True)
    not_after = drf.DateTimeField(allow_null=True)
    revoked_reason = drf.CharField()
    revision = drf.IntegerField()


class WorkloadPage(Shape):
    """Workloads by namespace and name."""

    workloads = Workload(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class JoinToken(Shape):
    """A join token without its secret."""

    id = drf.CharField()
    namespace = drf.CharField()
    workload = drf.CharField()
    state = drf.ChoiceField(choices=["open", "used", "withdrawn", "expired"])
    created_at = drf.DateTimeField()
    expires_at = drf.DateTimeField()
    used_at = drf.DateTimeField(allow_null=True)
    withdrawn_at = drf.DateTimeField(allow_null=True)
    revision = drf.IntegerField()


class JoinTokenPage(Shape):
    """Newest first."""

    tokens = JoinToken(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class MadeJoinToken(Receipt):
    """The receipt, and the secret: shown this once."""

    token = drf.CharField(allow_blank=True)


class Enrolled(Shape):
    """A certificate with what is sent after it, the roots to trust, and the SPIFFE ID that it proves."""

    chain_pem = drf.CharField()
    roots_pem = drf.CharField()
    uri = drf.CharField()


class Transport(Shape):
    """How the calls to a service travel; revision 0 is the default."""

    namespace = drf.CharField()
    service = drf.CharField()
    mode = drf.ChoiceField(choices=["mutual", "plaintext"])
    server_uris = drf.ListField(child=drf.CharField())
    revision = drf.IntegerField()


class TransportPage(Shape):
    """Transports by namespace and service, of those for which one was set."""

    transports = Transport(many=True)
    next_page_token = drf.CharField(allow_blank=True)
