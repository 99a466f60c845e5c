"""The addresses of the REST API."""

from django.urls import URLPattern, URLResolver, include, path

from gateway.rest.views import (
    access,
    audit,
    authorities,
    certificates,
    dataplane,
    issued,
    meta,
    metrics,
    registry,
    traffic,
    workloads,
)

_SERVICE = "services/<str:namespace>/<str:name>"
_CERTIFICATE = "certificates/<str:namespace>/<str:name>"

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
    path("certificates", certificates.Certificates.as_view()),
    path("certificates:verify", issued.VerifyChain.as_view()),
    path("certificates:sign", issued.SignRequest.as_view()),
    path(f"{_CERTIFICATE}:issue", certificates.IssueNow.as_view()),
    path(f"{_CERTIFICATE}:revoke", issued.RevokeNewest.as_view()),
    path(f"{_CERTIFICATE}/history", issued.CertificateHistory.as_view()),
    path(_CERTIFICATE, certificates.OneCertificate.as_view()),
    path("issued/<str:serial>:revoke", issued.RevokeIssued.as_view()),
    path("issued/<str:serial>", issued.OneIssued.as_view()),
    path("forecast", certificates.Forecast.as_view()),
    path("authorities", authorities.Authorities.as_view()),
    path("issuers", authorities.Issuers.as_view()),
    path("issuers/<str:issuer>/rotation", authorities.Rotation.as_view()),
    path("issuers/<str:issuer>/rotation:prepare", authorities.PrepareRotation.as_view()),
    path("issuers/<str:issuer>/rotation:advance", authorities.AdvanceRotation.as_view()),
    path("issuers/<str:issuer>/rotation:abort", authorities.AbortRotation.as_view()),
    path("workloads", workloads.Workloads.as_view()),
    path("workloads:join", workloads.Join.as_view()),
    path("workloads/<str:namespace>/<str:name>", workloads.OneWorkload.as_view()),
    path("workloads/<str:namespace>/<str:name>/history", issued.WorkloadHistory.as_view()),
    path("join-tokens", workloads.JoinTokens.as_view()),
    path("join-tokens/<str:namespace>/<str:token_id>", workloads.OneJoinToken.as_view()),
    path("transports", workloads.Transports.as_view()),
    path("transports/<str:namespace>/<str:name>", workloads.OneTransport.as_view()),
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
