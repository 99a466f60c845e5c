"""The ledger's tables."""

from django.db import models


class Head(models.Model):
    """The single row whose lock orders all changes."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    revision = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_head")]


class Fact(models.Model):
    """One change that happened. `header` and `body` are canonical JSON; the other columns repeat them for search."""

    revision = models.BigIntegerField(primary_key=True)
    event_id = models.CharField(max_length=36, unique=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=80)
    namespace = models.CharField(max_length=63)
    thing = models.CharField(max_length=255)
    actor = models.CharField(max_length=150)
    request_key = models.CharField(max_length=300, unique=True, null=True)
    request_hash = models.CharField(max_length=64)
    header = models.TextField()
    body = models.TextField(null=True)
    salt = models.BinaryField(null=True)
    leaf = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["thing", "revision"], name="fact_by_thing"),
            models.Index(fields=["action", "revision"], name="fact_by_action"),
            models.Index(fields=["actor", "revision"], name="fact_by_actor"),
            models.Index(fields=["namespace", "revision"], name="fact_by_namespace"),
        ]


class Checkpoint(models.Model):
    """A signed statement of the changes tree's size and root."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()


class Cursor(models.Model):
    """How far a follower has come."""

    follower = models.CharField(max_length=120, primary_key=True)
    revision = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField()
    # Empty while it works; else why it stands still.
    error = models.TextField(default="")
