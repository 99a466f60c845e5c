"""The registry's tables."""

from typing import Any

from django.db import models


class Service(models.Model):
    """A governed gRPC service. `uid` tells it from a later one of the same name."""

    uid = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    owner = models.CharField(max_length=100, blank=True)
    protocol = models.CharField(max_length=20, default="grpc")
    description = models.TextField(blank=True)
    grpc_services = models.JSONField(default=list)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="service_name")]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "owner": self.owner,
            "protocol": self.protocol,
            "description": self.description,
            "grpc_services": list(self.grpc_services),
        }


class Endpoint(models.Model):
    """An address at which an instance of a service answers."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=63)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    zone = models.CharField(max_length=63)
    sub_zone = models.CharField(max_length=63, blank=True)
    weight = models.PositiveIntegerField(default=1)
    metadata = models.JSONField(default=dict)
    version = models.CharField(max_length=63, blank=True)
    isolated = models.BooleanField(default=False)
    draining = models.BooleanField(default=False)
    health = models.CharField(max_length=10, default="unknown")
    health_detail = models.CharField(max_length=200, blank=True)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "name"], name="endpoint_name"),
            # Data planes reject a resource in which one address stands twice.
            models.UniqueConstraint(fields=["service", "host", "port"], name="endpoint_address"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts; health is recorded by facts of its own."""
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "zone": self.zone,
            "sub_zone": self.sub_zone,
            "weight": self.weight,
            "metadata": dict(self.metadata),
            "version": self.version,
            "isolated": self.isolated,
            "draining": self.draining,
        }


class Lease(models.Model):
    """Keeps an endpoint registered until `expires_at`; keeping it alive is not a change and leaves no fact."""

    id = models.CharField(max_length=36, primary_key=True)
    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, related_name="lease")
    ttl_s = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)
