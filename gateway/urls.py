"""Every HTTP path that Django serves."""

from django.urls import URLPattern, URLResolver, include, path

from gateway import health, reader, sign_in
from gateway.pages import urls as pages
from gateway.rest import urls as rest

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include(sign_in)),
    path("api/", reader.api, name="api"),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("", include(rest)),
    path("", include(pages)),
]
