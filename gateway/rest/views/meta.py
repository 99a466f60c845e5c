"""The description of this API, and what lies outside of it."""

from functools import cache
from typing import Any

from django.http import Http404
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest.declare import reads
from gateway.rest.fields import Shape
from gateway.rest.view import GovernedView


@cache
def description() -> dict[str, Any]:
    """The API in OpenAPI 3.1."""
    generator: Any = SchemaGenerator  # drf-spectacular leaves it untyped
    found: dict[str, Any] = generator().get_schema(request=None, public=True)
    return found


@extend_schema(exclude=True)
class Description(GovernedView):
    """The API's own description."""

    topic = "description"

    @reads("access.self", Shape)
    def get(self, request: Request) -> Response:
        """Read it."""
        return Response(description())


@extend_schema(exclude=True)
class Nowhere(GovernedView):
    """Every address that is none: strangers learn nothing, everyone else that it is none."""

    topic = "nowhere"

    @reads("access.self", Shape)
    def get(self, request: Request, rest: str = "") -> Response:
        """Refuse."""
        raise Http404

    post = put = patch = delete = get
