"""The tables of the public key infrastructure. Keys stand in them sealed, never in clear."""

from typing import Any

from django.db import models

from governance.kernel.clock import stamp


class Authority(models.Model):
    """A certificate authority: its certificate, and its sealed key.

    `state` is active, or standby (trusted but not signing yet, or no more), or retired (not trusted any more).
    `cross_pem` is the same authority signed by an older root, for those who trust only that one.
    """

    id = models.CharField(max_length=36, primary_key=True)
    issuer = models.CharField(max_length=63)
    kind = models.CharField(max_length=12)  # root | intermediate
    parent = models.CharField(max_length=36, blank=True)  # id; empty for a root
    state = models.CharField(max_length=8)
    common_name = models.CharField(max_length=64)
    serial = models.CharField(max_length=40)
    key_id = models.CharField(max_length=40)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    pem = models.TextField()
    cross_pem = models.TextField(blank=True)
    sealed_key = models.BinaryField(null=True)
    imported = models.BooleanField(default=False)
    crl_number = models.PositiveBigIntegerField(default=0)
    crl = models.BinaryField(null=True)
    crl_next_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts: nothing of the key."""
        return {
            "issuer": self.issuer,
            "kind": self.kind,
            "parent": self.parent,
            "state": self.state,
            "common_name": self.common_name,
            "serial": self.serial,
            "key_id": self.key_id,
            "not_before": stamp(self.not_before),
            "not_after": stamp(self.not_after),
            "imported": self.imported,
            "cross_signed": bool(self.cross_pem),
        }


class Issuer(models.Model):
    """What certificates refer to: a name, the authority that signs for it now, and what it may sign."""

    name = models.CharField(max_length=63, primary_key=True)
    signer = models.CharField(max_length=36)  # id of an authority
    namespaces = models.JSONField(default=list)  # empty: all
    dns_names = models.JSONField(default=list)  # permitted subtrees; empty: all
    max_duration_s = models.PositiveBigIntegerField()
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "name": self.name,
            "signer": self.signer,
            "namespaces": list(self.namespaces),
            "dns_names": list(self.dns_names),
            "max_duration_s": self.max_duration_s,
        }


class Certificate(models.Model):
    """A certificate that is to be kept: what is wanted, and how its issuing stands.

    `generation` counts changes of the spec, `number` issues. `renew_at` is when the next issue is due by plan (null:
    never), `attempt_at` when it is tried next, which is what the worker looks for. `claim` and `claimed_until` keep
    two workers from issuing it at once; like a lease they are no change and leave no fact.
    """

    uid = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    issuer = models.CharField(max_length=63, db_index=True)
    secret_name = models.CharField(max_length=63)
    spec = models.JSONField()
    generation = models.PositiveIntegerField(default=1)
    issued_generation = models.PositiveIntegerField(default=0)
    number = models.PositiveIntegerField(default=0)
    serial = models.CharField(max_length=40, blank=True)
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True, db_index=True)
    renew_at = models.DateTimeField(null=True, db_index=True)
    plan_warning = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=30)  # why it is to be issued; empty: it is not
    attempt_at = models.DateTimeField(null=True, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)
    claim = models.CharField(max_length=36, blank=True)
    claimed_until = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="certificate_name"),
            # Two certificates that are delivered under one name would take turns in overwriting each other.
            models.UniqueConstraint(fields=["namespace", "secret_name"], name="certificate_secret"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "spec": dict(self.spec),
            "generation": self.generation,
            "number": self.number,
            "serial": self.serial,
            "not_before": stamp(self.not_before) if self.not_before else None,
            "not_after": stamp(self.not_after) if self.not_after else None,
            "renew_at": stamp(self.renew_at) if self.renew_at else None,
            "reason": self.reason,
            "failures": self.failures,
            "last_error": self.last_error,
        }


class Issued(models.Model):
    """Every certificate that an authority of ours signed for a leaf, whoever holds its key.

    Of a managed certificate it holds chain and sealed key, stored together; of a workload that made its own key only
    the chain. `holder` is "certificate/<namespace>/<name>" or "workload/<namespace>/<name>".
    """

    serial = models.CharField(max_length=40, primary_key=True)
    authority = models.CharField(max_length=36, db_index=True)  # id
    holder = models.CharField(max_length=140, db_index=True)
    number = models.PositiveIntegerField(default=0)
    uris = models.JSONField(default=list)
    dns_names = models.JSONField(default=list)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    chain_pem = models.TextField()
    key_id = models.CharField(max_length=40, blank=True, db_index=True)  # of the public key: issues may share one
    renews = models.CharField(max_length=40, blank=True, db_index=True)  # the serial that was shown for it
    sealed_key = models.BinaryField(null=True)
    spec = models.JSONField(null=True)
    issued_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, db_index=True)
    revoked_reason = models.CharField(max_length=30, blank=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts: nothing of the key."""
        return {
            "serial": self.serial,
            "authority": self.authority,
            "holder": self.holder,
            "number": self.number,
            "uris": list(self.uris),
            "dns_names": list(self.dns_names),
            "not_before": stamp(self.not_before),
            "not_after": stamp(self.not_after),
            "revoked_at": stamp(self.revoked_at) if self.revoked_at else None,
            "revoked_reason": self.revoked_reason,
        }


class NameClaim(models.Model):
    """A DNS name or IP address that a certificate of a namespace has, so that no other namespace gets it.

    `below` is what follows the first label of a DNS name, for which a wildcard would stand. `until` is null for managed
    certificates, and the end of one that was signed by request.
    """

    name = models.CharField(max_length=253, db_index=True)
    below = models.CharField(max_length=253, blank=True, db_index=True)
    namespace = models.CharField(max_length=63)
    holder = models.CharField(max_length=140, db_index=True)
    until = models.DateTimeField(null=True)


class Workload(models.Model):
    """A program with an identity of its own, proven by certificates over keys that it makes itself."""

    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    enabled = models.BooleanField(default=True)
    serial = models.CharField(max_length=40, blank=True)  # the newest certificate
    revision = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="workload_name")]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {"namespace": self.namespace, "name": self.name, "enabled": self.enabled, "serial": self.serial}


class JoinToken(models.Model):
    """Lets one workload have its first certificate, once and only for a while."""

    id = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    workload = models.CharField(max_length=63)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts: nothing of the secret."""
        return {
            "id": self.id,
            "namespace": self.namespace,
            "workload": self.workload,
            "expires_at": stamp(self.expires_at),
            "used_at": stamp(self.used_at) if self.used_at else None,
            "withdrawn_at": stamp(self.withdrawn_at) if self.withdrawn_at else None,
        }


class Transport(models.Model):
    """How the calls to a service travel: over mutual TLS, with the server proving one of `server_uris`."""

    namespace = models.CharField(max_length=63)
    service = models.CharField(max_length=63)
    mode = models.CharField(max_length=10)
    server_uris = models.JSONField(default=list)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "service"], name="transport_service")]

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "namespace": self.namespace,
            "service": self.service,
            "mode": self.mode,
            "server_uris": list(self.server_uris),
        }


class RootRotation(models.Model):
    """One replacement of the root, from its preparation to its end; at most one is open."""

    id = models.CharField(max_length=36, primary_key=True)
    phase = models.CharField(max_length=12)
    old_root = models.CharField(max_length=36)
    new_root = models.CharField(max_length=36)
    old_signer = models.CharField(max_length=36)  # id of an authority
    new_signer = models.CharField(max_length=36)  # id of an authority
    issuer = models.CharField(max_length=63)
    began_at = models.DateTimeField()
    phase_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts."""
        return {
            "phase": self.phase,
            "issuer": self.issuer,
            "old_root": self.old_root,
            "new_root": self.new_root,
            "old_signer": self.old_signer,
            "new_signer": self.new_signer,
            "ended_at": stamp(self.ended_at) if self.ended_at else None,
        }


class Holding(models.Model):
    """What a consumer was seen to hold: a secret's serial, and the roots that it trusts. Observed, may be lost."""

    consumer = models.CharField(max_length=300)
    process = models.CharField(max_length=120)
    secret = models.CharField(max_length=140)  # "namespace/secret_name", or empty for its roots alone
    serial = models.CharField(max_length=40, blank=True)
    roots = models.CharField(max_length=64, blank=True)
    how = models.CharField(max_length=12)  # xds | agent | handshake
    seen_at = models.DateTimeField(db_index=True)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "process", "secret"], name="holding_of")]
