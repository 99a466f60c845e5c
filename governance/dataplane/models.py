"""Tables of observations; they live in the `observed` database and may be lost without harm."""

from django.db import models


class DataPlaneClient(models.Model):
    """One xDS stream as it stands; `state` is values.Client as JSON."""

    name = models.CharField(max_length=120, primary_key=True)
    process = models.CharField(max_length=80, db_index=True)
    node_id = models.CharField(max_length=255)
    connected = models.BooleanField(default=True)
    seen_at = models.DateTimeField()
    state = models.JSONField()


class LoadSample(models.Model):
    """Calls to one endpoint that one client reported for one interval."""

    started_at = models.DateTimeField()
    at = models.DateTimeField(db_index=True)
    client = models.CharField(max_length=120)
    node_id = models.CharField(max_length=255)
    namespace = models.CharField(max_length=63)
    service = models.CharField(max_length=63)
    endpoint = models.CharField(max_length=63)
    issued = models.BigIntegerField()
    succeeded = models.BigIntegerField()
    errors = models.BigIntegerField()
    in_progress = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["namespace", "service", "at"], name="load_by_service")]
