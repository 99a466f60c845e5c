"""The tables of access; names, passwords and sessions are Django's."""

from typing import Any

from django.db import models


class Person(models.Model):
    """What Governor keeps of a person beside Django's user."""

    username = models.CharField(max_length=150, primary_key=True)
    must_change_password = models.BooleanField(default=False)
    password_set_at = models.DateTimeField()
    revision = models.BigIntegerField()


class Grant(models.Model):
    """A role that a person holds in a namespace ("*": in all)."""

    username = models.CharField(max_length=150)
    role = models.CharField(max_length=20)
    namespace = models.CharField(max_length=63)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["username", "role", "namespace"], name="grant_once")]


class Token(models.Model):
    """An API token of a program; only its SHA-256 is kept (it has 256 bits of entropy, so no salt is needed)."""

    id = models.CharField(max_length=36, primary_key=True)
    name = models.CharField(max_length=100)
    owner = models.CharField(max_length=150)
    digest = models.CharField(max_length=64, unique=True)
    # Namespace -> names of roles.
    roles = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    def as_json(self) -> dict[str, Any]:
        """Its state as recorded in facts, without the digest."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "roles": dict(self.roles),
            "expires_at": self.expires_at.isoformat(),
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
        }
