"""Addresses of the dashboard."""

from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from gateway.pages import (
    audit,
    authorities,
    certificate,
    certificates,
    clients,
    findings,
    logs,
    monitor,
    overview,
    proof,
    reconciling,
    served,
    service,
    services,
    workloads,
)

catalogue = cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view(packages=["gateway"]))

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("services", services.services, name="services"),
    path("services/<str:namespace>/<str:name>", service.service, name="service"),
    path("services/<str:namespace>/<str:name>/preview", service.preview, name="preview"),
    path("clients", clients.clients, name="clients"),
    path("clients/<path:name>", clients.client, name="client"),
    path("certificates", certificates.certificates, name="certificates"),
    path("certificates/names", served.served, name="served"),
    path("certificates/<str:namespace>/<str:name>", certificate.certificate, name="certificate"),
    path("authorities", authorities.authorities, name="authorities"),
    path("issued/<str:serial>/proof/<str:log_id>/<str:name>", proof.proof, name="proof"),
    path("board", reconciling.board, name="board"),
    path("findings", findings.findings, name="findings"),
    path("logs", logs.logs, name="logs"),
    path("logs/<str:log_id>/<str:name>", logs.log_file, name="log_file"),
    path("monitor", monitor.monitor, name="monitor"),
    path("check", monitor.check, name="check"),
    path("workloads", workloads.workloads, name="workloads"),
    path("audit", audit.audit, name="audit"),
    path("audit/<str:stream>/<int:seq>", audit.event, name="event"),
    path("jsi18n", catalogue, name="catalogue"),
    path("i18n/", include("django.conf.urls.i18n")),
]
