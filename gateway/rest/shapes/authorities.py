"""Answers about authorities, issuers, and the replacement of roots."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape


class Authority(Shape):
    """An authority; how much it signed is null for who may not read everywhere."""

    id = drf.CharField()
    issuer = drf.CharField()
    kind = drf.ChoiceField(choices=["root", "intermediate"])
    parent = drf.CharField()  # type: ignore[assignment]  # DRF's metaclass takes it out of the class again
    state = drf.ChoiceField(choices=["active", "standby", "retired"])
    common_name = drf.CharField()
    serial = drf.CharField()
    key_id = drf.CharField()
    not_before = drf.DateTimeField()
    not_after = drf.DateTimeField()
    pem = drf.CharField()
    cross_pem = drf.CharField()
    imported = drf.BooleanField()
    has_key = drf.BooleanField()
    crl_number = drf.IntegerField()
    crl_next_at = drf.DateTimeField(allow_null=True)
    crl_url = drf.CharField()
    ocsp_url = drf.CharField()
    revision = drf.IntegerField()
    issued = drf.IntegerField(allow_null=True)
    live = drf.IntegerField(allow_null=True)


class Authorities(Shape):
    """Authorities in the order of their making, and the roots that are trusted, as one PEM text."""

    authorities = Authority(many=True)
    roots_pem = drf.CharField()


class Issuer(Shape):
    """What certificates refer to by name."""

    name = drf.CharField()
    signer = drf.CharField()
    namespaces = drf.ListField(child=drf.CharField())
    dns_names = drf.ListField(child=drf.CharField())
    max_duration_s = drf.IntegerField()
    revision = drf.IntegerField()


class Issuers(Shape):
    """Issuers by name."""

    issuers = Issuer(many=True)


class Gate(Shape):
    """What the next step waits for."""

    step = drf.CharField()
    open = drf.BooleanField()
    message = drf.CharField()
    missing = drf.ListField(child=drf.CharField())


class Rotation(Shape):
    """A replacement of a root."""

    id = drf.CharField()
    phase = drf.ChoiceField(
        choices=["prepared", "distributing", "activated", "reissuing", "retired", "aborted"],
    )
    issuer = drf.CharField()
    old_root = drf.CharField()
    new_root = drf.CharField()
    old_signer = drf.CharField()
    new_signer = drf.CharField()
    began_at = drf.DateTimeField()
    phase_at = drf.DateTimeField()
    ended_at = drf.DateTimeField(allow_null=True)
    revision = drf.IntegerField()
    gate = Gate()


class Rotations(Shape):
    """The one that is under way, and those that ended, newest first."""

    open = Rotation(allow_null=True)
    ended = Rotation(many=True)
