"""Answers about services and endpoints."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from gateway.rest.shapes.common import Receipt


class Endpoint(Shape):
    """An endpoint as it stands."""

    namespace = drf.CharField()
    service = drf.CharField()
    name = drf.CharField()
    host = drf.CharField()
    port = drf.IntegerField()
    zone = drf.CharField()
    sub_zone = drf.CharField()
    weight = drf.IntegerField()
    metadata = drf.DictField(child=drf.CharField())
    version = drf.CharField()
    isolated = drf.BooleanField()
    draining = drf.BooleanField()
    health = drf.ChoiceField(choices=["unknown", "healthy", "unhealthy"])
    health_detail = drf.CharField()
    revision = drf.IntegerField()
    ttl_s = drf.IntegerField()
    lease_expires_at = drf.DateTimeField(allow_null=True)


class EndpointPage(Shape):
    """Endpoints of a service by name."""

    endpoints = Endpoint(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class Service(Shape):
    """A service, with its endpoints counted."""

    namespace = drf.CharField()
    name = drf.CharField()
    owner = drf.CharField()
    protocol = drf.CharField()
    description = drf.CharField()
    grpc_services = drf.ListField(child=drf.CharField())
    zones = drf.ListField(child=drf.CharField())
    endpoints_total = drf.IntegerField()
    endpoints_healthy = drf.IntegerField()
    policy = drf.CharField()
    policy_revision = drf.IntegerField()
    revision = drf.IntegerField()


class ServicePage(Shape):
    """Services by namespace and name."""

    services = Service(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class Registration(Receipt):
    """The receipt of a registration, and the lease to keep alive."""

    lease_id = drf.CharField(allow_blank=True)
    lease_expires_at = drf.DateTimeField(allow_null=True)


class Lease(Shape):
    """A lease after it was kept alive."""

    lease_expires_at = drf.DateTimeField()
    endpoint = Endpoint()
