"""Every HTTP path that Django serves."""

from django.urls import URLPattern, URLResolver, include, path

from gateway import ct, health, pki, reader, sign_in
from gateway.pages import urls as pages
from gateway.rest import urls as rest

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include(sign_in)),
    path("api/", reader.api, name="api"),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("pki/ct/<slug:name>/", include(ct)),
    path("pki/roots.pem", pki.roots),
    path("pki/<uuid:authority>.crl", pki.crl),
    path("pki/<uuid:authority>.pem", pki.certificate),
    path("pki/<uuid:authority>/ocsp", pki.ocsp_posted),
    path("pki/<uuid:authority>/ocsp/<path:question>", pki.ocsp_asked),
    path("", include(rest)),
    path("", include(pages)),
]
