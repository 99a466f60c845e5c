"""The addresses of the REST API."""

from django.urls import URLPattern, URLResolver, include, path

from gateway.rest.views import access, audit, dataplane, meta, metrics, registry, traffic

_SERVICE = "services/<str:namespace>/<str:name>"

_v1: list[URLPattern | URLResolver] = [
    path("services", registry.Services.as_view()),
    path(_SERVICE, registry.OneService.as_view()),
    path(f"{_SERVICE}/endpoints", registry.Endpoints.as_view()),
    path(f"{_SERVICE}/endpoints/<str:endpoint>", registry.OneEndpoint.as_view()),
    path(f"{_SERVICE}/balancing", traffic.BalancingOf.as_view()),
    path(f"{_SERVICE}/balancing:validate", traffic.ValidateBalancing.as_view()),
    path(f"{_SERVICE}/balancing:restore", traffic.RestoreBalancingOf.as_view()),
    path(f"{_SERVICE}/balancing/revisions", traffic.BalancingRevisions.as_view()),
    path(f"{_SERVICE}/loads", dataplane.LoadsOf.as_view()),
    path("leases/<str:lease_id>:keepalive", registry.KeepAlive.as_view()),
    path("balancing", traffic.BalancingList.as_view()),
    path("clients", dataplane.Clients.as_view()),
    path("clients/<path:client>", dataplane.OneClient.as_view()),
    path("events", audit.Events.as_view()),
    path("me", access.Me.as_view()),
    path("tokens", access.Tokens.as_view()),
    path("tokens/<str:token_id>", access.OneToken.as_view()),
    path("people", access.People.as_view()),
    path("people/<str:username>:disable", access.DisablePerson.as_view()),
    path("people/<str:username>:enable", access.EnablePerson.as_view()),
    path("people/<str:username>:reset-password", access.ResetPassword.as_view()),
    path("people/<str:username>/roles", access.Roles.as_view()),
    path("people/<str:username>/roles/<str:namespace>/<str:role>", access.OneRole.as_view()),
    path("people/<str:username>", access.OnePerson.as_view()),
    path("openapi.json", meta.Description.as_view()),
    path("<path:rest>", meta.Nowhere.as_view()),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(_v1)),
    path("metrics", metrics.Metrics.as_view()),
    path("admin/v1/lb/config:update", traffic.ConfigUpdate.as_view()),
]
