"""The tables of certificate transparency: what was proven, what waits for a proof, what was found out about logs."""

from typing import Any

from django.db import models

from governance.kernel.clock import stamp


class TransparencyGate(models.Model):
    """What an issuer's certificates need before they are put in force; an issuer without a row has the gate."""

    issuer = models.CharField(max_length=63, primary_key=True)
    mode = models.CharField(max_length=6)  # gate | alarm | off
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {"issuer": self.issuer, "mode": self.mode}


class PendingIssue(models.Model):
    """The newest issue of a managed certificate while it is not proven to be logged: it is not delivered.

    `uid` is the certificate's; `number` and `generation` are those under which it was made. Its chain and its key are
    those of the row of `Issued` with that serial.
    """

    uid = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    serial = models.CharField(max_length=40, unique=True)
    number = models.PositiveIntegerField()
    generation = models.PositiveIntegerField()
    since = models.DateTimeField()
    why = models.CharField(max_length=500)
    revision = models.BigIntegerField()


class LogProof(models.Model):
    """The proofs that an issued certificate is in logs, by log id (hex), each a whole tlog-proof file."""

    serial = models.CharField(max_length=40, primary_key=True)
    proofs = models.JSONField()
    proven_at = models.DateTimeField()
    revision = models.BigIntegerField(db_index=True)


class TransparencyCheck(models.Model):
    """What the last check of an issued certificate found. Observed, may be lost: the next check finds it again."""

    serial = models.CharField(max_length=40, primary_key=True)
    state = models.CharField(max_length=10)  # logged | not_logged | unknown
    why = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField(db_index=True)


class KnownLog(models.Model):
    """What is known of a log: its last believed checkpoint, how far it was read, and what went wrong.

    The checkpoint is stored before anything is done on its strength. `lie` is what the log was caught at, with the
    evidence; while it stands nothing is believed that the log says.
    """

    log_id = models.CharField(max_length=64, primary_key=True)  # hex
    checkpoint = models.TextField(blank=True)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField(default=b"")
    checkpoint_at = models.DateTimeField(null=True)  # the log's own clock
    believed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)  # when it was last read without an error
    next_index = models.BigIntegerField(default=0)  # of the first entry that was not looked at
    error = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True)
    lie = models.CharField(max_length=20, blank=True)
    lie_message = models.CharField(max_length=500, blank=True)
    lie_evidence = models.JSONField(default=dict)
    lie_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=36, blank=True)
    claimed_until = models.DateTimeField(null=True)


class Finding(models.Model):
    """Something that somebody has to look at. `key` is what it is about: the same is never opened twice.

    It closes by itself when it is not so any more; acknowledged, it stays known and alarms no longer.
    """

    id = models.CharField(max_length=36, primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=24)
    namespace = models.CharField(max_length=63, db_index=True)
    subject = models.CharField(max_length=300)
    message = models.CharField(max_length=500)
    detail = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, db_index=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "message": self.message,
            "detail": dict(self.detail),
            "opened_at": stamp(self.opened_at),
            "acknowledged_at": stamp(self.acknowledged_at) if self.acknowledged_at else None,
            "closed_at": stamp(self.closed_at) if self.closed_at else None,
        }


class WatchedNames(models.Model):
    """The single row that says for which names logs are searched, besides those of our own certificates."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    names = models.JSONField(default=list)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_row_of_watched_names")]


class Listener(models.Model):
    """A TLS port that is looked at besides the endpoints of services; `server_name` is what is asked for there."""

    id = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    address = models.CharField(max_length=260)  # host:port
    server_name = models.CharField(max_length=253, blank=True)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "address", "server_name"], name="listener_once"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {"namespace": self.namespace, "address": self.address, "server_name": self.server_name}


class ServedCertificate(models.Model):
    """What a port showed in the last handshake with it; `since` when it shows just that. Observed, may be lost.

    Several namespaces may ask for the same port: each has a row of its own.
    """

    address = models.CharField(max_length=260)
    server_name = models.CharField(max_length=253, blank=True)
    namespace = models.CharField(max_length=63)
    service = models.CharField(max_length=63, blank=True)
    serial = models.CharField(max_length=40, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)  # SHA-256 of the leaf
    chain_pem = models.TextField(blank=True)
    since = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # the last handshake that showed a certificate
    asked_at = models.DateTimeField(db_index=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "service", "address", "server_name"], name="served_once"),
        ]
