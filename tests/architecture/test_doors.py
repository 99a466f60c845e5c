"""Every door is either on the short list of public ones, or asks for a permission."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from gateway import doors
from gateway.live.routing import CONSUMERS
from gateway.rest.declare import declared_by
from gateway.rest.view import GovernedView
from gateway.rpc import permissions
from governance.compliance.stream import stop_calls
from governance.kernel.permissions import PERMISSIONS
from governance.schedule import app, scheduled
from tests.fixtures.house import House

# What a stranger may open: to sign in, to ask whether the house stands, and to read a page's words.
PUBLIC_PAGES = {
    "accounts/login/",
    "accounts/logout/",  # asks to sign in when nobody is signed in
    "accounts/inactive/",
    "healthz",
    "readyz",
    "jsi18n",
    "i18n/setlang/",
    # Verifiers of certificates ask here before they trust anybody.
    "pki/roots.pem",
    "pki/<uuid:authority>.crl",
    "pki/<uuid:authority>.pem",
    "pki/<uuid:authority>/ocsp",
    "pki/<uuid:authority>/ocsp/<path:question>",
    # The log of certificates is no secret: it is there so that everybody can see what was certified.
    "pki/ct/<slug:name>/checkpoint",
    "pki/ct/<slug:name>/tile/<path:place>",
    "pki/ct/<slug:name>/issuer/<slug:fingerprint>",
    "pki/ct/<slug:name>/log.v3.json",
    "pki/ct/<slug:name>/log.pem",
    "pki/ct/<slug:name>/ct/v1/get-roots",
    # A chain that leads to a root of ours is the right to hand it in.
    "pki/ct/<slug:name>/ct/v1/add-chain",
    "pki/ct/<slug:name>/ct/v1/add-pre-chain",
    "api/v1/workloads:join",  # a join token is the right to it
}
# allauth itself leads a stranger to the sign-in.
SIGNED_IN_PAGES = {"accounts/password/change/"}
PUBLIC_METHODS = {
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
    "/governor.admin.v1.EnrolmentService/Join",
    "/governor.admin.v1.EnrolmentService/GetRoots",
}
# Whoever may run these on the server's machine owns the data directory anyway.
LOCAL_COMMANDS = {
    *("demo", "demo_tune", "identity", "password", "rewrap_keys", "serve", "token", "verify_ledger", "web", "worker"),
    "xds",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SAMPLES = {"int": "1", "str": "x", "path": "x/y", "slug": "x", "uuid": "00000000-0000-0000-0000-000000000000"}


def _routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every route below `patterns` with its view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern.callback


ROUTES = dict(_routes(get_resolver().url_patterns))


def _sample(route: str) -> str:
    return "/" + re.sub(r"<(\w+):\w+>", lambda match: _SAMPLES[match[1]], route)


def _permissions_of(view: Any) -> set[str | None]:
    """What a view asks for, one per method; None where a method asks for nothing."""
    kind = getattr(view, "view_class", getattr(view, "cls", None))
    if kind is None or not issubclass(kind, GovernedView):
        return {getattr(view, "permission", None)}
    methods = [getattr(kind, name) for name in kind.http_method_names if hasattr(kind, name)]
    return {declared.permission if (declared := declared_by(method)) else None for method in methods}


def test_every_address_is_public_by_the_list_or_declares_known_permissions() -> None:
    undeclared = {
        route: asked
        for route, view in ROUTES.items()
        if route not in PUBLIC_PAGES | SIGNED_IN_PAGES and not (asked := _permissions_of(view)) <= set(PERMISSIONS)
    }
    assert undeclared == {}


def test_the_list_names_nothing_that_is_not_there() -> None:
    assert (PUBLIC_PAGES | SIGNED_IN_PAGES) - set(ROUTES) == set()


@pytest.mark.parametrize("route", sorted(set(ROUTES) - PUBLIC_PAGES))
def test_a_stranger_is_refused_whatever_the_method(house: House, route: str) -> None:
    stop_calls()
    client = Client(headers={"host": "127.0.0.1"})
    try:
        for method in METHODS:
            answer = client.generic(method, _sample(route))
            refused = answer.status_code in (401, 403, 405)
            to_sign_in = answer.status_code == 302 and answer.headers["location"].startswith("/accounts/login/")
            assert refused or to_sign_in, f"{method} {_sample(route)}: {answer.status_code}"
    finally:
        stop_calls()


def test_every_method_of_every_grpc_service_is_public_by_the_list_or_declares_a_permission() -> None:
    assert set(doors.PUBLIC) == PUBLIC_METHODS
    assert set(permissions.declared()) & PUBLIC_METHODS == set()
    ours = {f"/{method.containing_service.full_name}/{method.name}" for method in permissions.methods()}
    assert ours - set(permissions.declared()) == ours & PUBLIC_METHODS


def test_every_socket_declares_a_known_permission() -> None:
    asked = {path: getattr(consumer, "consumer_class").permission for path, consumer in CONSUMERS.items()}  # noqa: B009
    assert {path: permission for path, permission in asked.items() if permission not in PERMISSIONS} == {}


def test_every_task_is_one_that_declares_a_permission() -> None:
    declared = set(scheduled())
    assert {name for name in app.tasks if not name.startswith("celery.")} == declared


def test_every_management_command_is_on_the_list() -> None:
    ours = {name for name, owner in get_commands().items() if owner in ("governance", "gateway")}
    assert ours == LOCAL_COMMANDS
