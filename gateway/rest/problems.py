"""Refusals as application/problem+json (RFC 9457)."""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions

from governance.kernel import errors
from governance.kernel.errors import GovernanceError, Violation
from governance.kernel.ids import uuid7

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_STATUS: Mapping[type[GovernanceError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.StaleRevision: 412,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
_TITLES = {
    400: "The request can never succeed as it stands",
    401: "Nobody has proven who is calling",
    403: "The caller lacks a permission",
    404: "There is no such thing",
    405: "The method is not allowed here",
    409: "The request contradicts something that already happened",
    412: "The thing changed since it was read",
    413: "The request is too large",
    415: "The content type is not supported",
    429: "The caller is over a limit",
    500: "Something went wrong here",
    503: "Something that is needed cannot be reached",
}


def refusal_of(error: Exception) -> tuple[int, GovernanceError]:
    """The HTTP status of `error`, and what may be said of it; what is unknown is logged and gets a reference."""
    if isinstance(error, GovernanceError):
        return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 400), error
    if isinstance(error, exceptions.ValidationError):
        found = list(_violations(error.detail, ""))
        return 400, errors.Invalid(found[0].message, violations=found)
    if isinstance(error, RequestDataTooBig):
        return 413, errors.Invalid("the body has more than 1 MiB")
    if isinstance(error, Http404):
        return 404, errors.NotFound("there is nothing at this address")
    if isinstance(error, exceptions.APIException):
        return error.status_code, _plain(error)
    reference = uuid7()
    log.exception("request failed", reference=reference, exc_info=error)
    return 500, errors.Unavailable(f"internal error, reference {reference}")


def body_of(status: int, error: GovernanceError) -> dict[str, Any]:
    """The problem as JSON."""
    return {
        "type": "about:blank",
        "title": _TITLES.get(status, "The request was refused"),
        "status": status,
        "detail": error.message,
        "reason": "INTERNAL" if status == 500 else error.reason,
        "errors": [{"field": each.field, "message": each.message} for each in error.violations],
    }


def _plain(error: exceptions.APIException) -> GovernanceError:
    kinds: Mapping[int, type[GovernanceError]] = {401: errors.Unauthenticated, 403: errors.Forbidden}
    return kinds.get(error.status_code, errors.Invalid)(str(error.detail))


def _violations(detail: Any, where: str) -> Iterator[Violation]:
    """What a form found, with paths such as changes[0].weight and weights[c0]."""
    if isinstance(detail, Mapping):
        for name, below in detail.items():
            yield from _violations(below, where if name == "non_field_errors" else _inside(where, name))
    elif isinstance(detail, list):
        for at, below in enumerate(detail):
            deeper = isinstance(below, Mapping | list)
            if below:
                yield from _violations(below, f"{where}[{at}]" if deeper else where)
    else:
        yield Violation(where, str(detail))


def _inside(where: str, name: object) -> str:
    """Items of lists have fields, fields that hold objects have keys."""
    if not where:
        return str(name)
    return f"{where}.{name}" if where.endswith("]") else f"{where}[{name}]"
