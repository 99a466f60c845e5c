"""Answers about people and tokens."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from gateway.rest.shapes.common import Receipt


class RoleGrant(Shape):
    """A role in a namespace ("*": in all)."""

    role = drf.CharField()
    namespace = drf.CharField()


class Token(Shape):
    """A token; its secret is shown only once, when it is made."""

    id = drf.CharField()
    name = drf.CharField()
    owner = drf.CharField()
    roles = RoleGrant(many=True, source="grants")
    created_at = drf.DateTimeField()
    expires_at = drf.DateTimeField()
    revoked_at = drf.DateTimeField(allow_null=True)
    revision = drf.IntegerField()


class TokenPage(Shape):
    """Tokens in the order of their making."""

    tokens = Token(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class Person(Shape):
    """Someone who can sign in while active."""

    username = drf.CharField()
    active = drf.BooleanField()
    must_change_password = drf.BooleanField()
    roles = RoleGrant(many=True, source="grants")
    revision = drf.IntegerField()


class PersonPage(Shape):
    """People by name."""

    people = Person(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class Me(Shape):
    """Who is calling, and which permissions they hold in which namespace ("*": in all)."""

    name = drf.CharField()
    kind = drf.CharField()
    permissions = drf.DictField(child=drf.ListField(child=drf.CharField()))


class MadeToken(Receipt):
    """The receipt, and the secret: shown this once."""

    token = drf.CharField(allow_blank=True)


class OneTimePassword(Receipt):
    """The receipt, and a password that must be changed at the next sign-in: shown this once."""

    one_time_password = drf.CharField(allow_blank=True)
