"""The tables of the calls stream; they live in the `calls` database."""

from django.db import models


class CallHead(models.Model):
    """The single row that says how large the calls tree is."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_call_head")]


class CallEvent(models.Model):
    """One call of a door. `header` and `body` are canonical JSON; the other columns repeat them for search."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.CharField(max_length=36)
    at = models.DateTimeField()
    action = models.CharField(max_length=120)
    namespace = models.CharField(max_length=63)
    actor = models.CharField(max_length=150)
    outcome = models.CharField(max_length=10)
    header = models.TextField()
    body = models.TextField(null=True)
    salt = models.BinaryField(null=True)
    leaf = models.BinaryField()


class CallCheckpoint(models.Model):
    """A signed statement of the calls tree's size and root."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()
