"""What every answer may hold."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape


class Violation(Shape):
    """One thing that is wrong with one field."""

    field = drf.CharField()
    message = drf.CharField()


class Problem(Shape):
    """A refusal (RFC 9457)."""

    type = drf.CharField()
    title = drf.CharField()
    status = drf.IntegerField()
    detail = drf.CharField()
    reason = drf.CharField()
    errors = Violation(many=True)  # type: ignore[assignment]  # DRF's metaclass takes it out of the class again


class Receipt(Shape):
    """The answer to every change."""

    revision = drf.IntegerField()
    changed = drf.BooleanField()
    action = drf.CharField()
    thing = drf.CharField()
    at = drf.DateTimeField()
    before = drf.JSONField(allow_null=True)
    after = drf.JSONField(allow_null=True)
    replayed = drf.BooleanField()
