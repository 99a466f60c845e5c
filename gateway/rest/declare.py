"""How a view's method says what it needs, takes and answers: the same words guard it and describe it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from gateway.rest.asked import TERMS
from gateway.rest.fields import Form, Shape
from gateway.rest.shapes.common import Problem, Receipt

M = TypeVar("M", bound=Callable[..., HttpResponse])
# Names of parameters; where one means something else than elsewhere, with what it means.
Query = Collection[str] | Mapping[str, str]

_WHAT = {
    "page_size": (int, "at most so many items, 1 to 1,000; 100 unless told"),
    "page_token": (str, "next_page_token of the page before"),
    "validate_only": (bool, "check everything and say what would change, but change nothing"),
    "reason": (str, "why, in the caller's words; recorded"),
    "state": (str, "only those that stand so: expired, revoked, critical, failing, overdue, due or ok"),
    "log_id": (str, "of the log, in hex"),
    "days": (int, "for so many days, 1 to 366; 90 unless told"),
    "window_s": (int, "calls of the last so many seconds, 1 to 600; 60 unless told"),
    "stream": (str, "changes (unless told) or calls"),
}


PUBLIC = "none"


@dataclass(frozen=True, slots=True)
class Declared:
    """What one method of one view needs and takes; the permission PUBLIC is none."""

    permission: str
    query: frozenset[str]
    form: type[Form] | None


def reads(permission: str, shape: type[Shape], *, query: Query = ()) -> Callable[[M], M]:
    """Declare a method that answers with `shape` and changes nothing."""

    def declare(method: M) -> M:
        answers = {200: shape, "default": Problem}
        described = extend_schema(request=None, responses=answers, parameters=_parameters(query))(method)
        return _declared(described, Declared(permission, frozenset(query), None))

    return declare


def downloads(permission: str, media_type: str, *, query: Query = ()) -> Callable[[M], M]:
    """Declare a method that answers with a file of this type and changes nothing."""

    def declare(method: M) -> M:
        answers = {(200, media_type): OpenApiTypes.STR, "default": Problem}
        described = extend_schema(request=None, responses=answers, parameters=_parameters(query))(method)
        return _declared(described, Declared(permission, frozenset(query), None))

    return declare


def changes(
    permission: str,
    *,
    form: type[Form] | None = None,
    shape: type[Shape] = Receipt,
    status: int = 200,
    query: Collection[str] = (),
) -> Callable[[M], M]:
    """Declare a method that executes a command, with the body `form`, and answers with a receipt."""
    taken = (*TERMS, *query)

    def declare(method: M) -> M:
        described = extend_schema(
            request={"application/json": form} if form else None,
            responses={status: shape, "default": Problem},
            parameters=[*_parameters(taken), *_HEADERS],
        )(method)
        return _declared(described, Declared(permission, frozenset(taken), form))

    return declare


def asks(permission: str, *, form: type[Form], shape: type[Shape]) -> Callable[[M], M]:
    """Declare a method that takes a body but changes nothing."""

    def declare(method: M) -> M:
        described = extend_schema(request={"application/json": form}, responses={200: shape, "default": Problem})(
            method
        )
        return _declared(described, Declared(permission, frozenset(), form))

    return declare


def public(*, form: type[Form], shape: type[Shape]) -> Callable[[M], M]:
    """Declare a method that needs no permission: its body is the right to it. On an explicit list in the tests."""

    def declare(method: M) -> M:
        answers = {200: shape, "default": Problem}
        described = extend_schema(request={"application/json": form}, responses=answers, auth=[])(method)
        return _declared(described, Declared(PUBLIC, frozenset(), form))

    return declare


def declared_by(method: Any) -> Declared | None:
    """What `method` declares, or None."""
    found: Declared | None = getattr(method, "declared", None)
    return found


def _declared(method: M, declared: Declared) -> M:
    method.declared = declared  # type: ignore[attr-defined]  # an attribute of our own on a function
    return method


def _parameters(names: Query) -> list[OpenApiParameter]:
    here = names if isinstance(names, Mapping) else {}
    what = {name: _WHAT.get(name, (str, "")) for name in names}
    return [
        OpenApiParameter(name, type=kind, description=here.get(name) or said) for name, (kind, said) in what.items()
    ]


_HEADERS = [
    OpenApiParameter(
        "If-Match",
        type=OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        description='the ETag that was read, such as "1043"; 412 when the thing changed since',
    ),
    OpenApiParameter(
        "Idempotency-Key",
        type=OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        description="the same key and content returns the first receipt, other content is refused with 409",
    ),
]
