"""The tables of the certificate log in the box; they live in the `ct` database."""

from django.db import models


class CtLog(models.Model):
    """A log of ours: its key, how far its tree has grown, and the checkpoint of that tree.

    `submission_url` is what it was set up with, and part of its name for good: checkpoints are made out to it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=63, unique=True)
    log_id = models.CharField(max_length=64)
    public_key = models.BinaryField()
    sealed_key = models.BinaryField()
    submission_url = models.CharField(max_length=500)
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    checkpoint = models.TextField()
    checkpoint_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_ct_log")]


class CtEntry(models.Model):
    """One entry: `tile_leaf` is what a data tile holds of it, `leaf` its hash, and the rest is there to search by.

    `identity` says what was logged, however often it is handed in: a second entry of the same is refused.
    """

    index = models.BigIntegerField(primary_key=True)
    timestamp_ms = models.BigIntegerField()
    kind = models.CharField(max_length=7)
    leaf = models.BinaryField()
    tile_leaf = models.BinaryField()
    sct = models.BinaryField()
    identity = models.CharField(max_length=64, unique=True)
    serial = models.CharField(max_length=40, db_index=True)
    authority = models.CharField(max_length=64)
    holder = models.CharField(max_length=140, blank=True)
    source = models.CharField(max_length=9)


class CtIssuer(models.Model):
    """A certificate above an entry, by its SHA-256 in hex."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    der = models.BinaryField()
