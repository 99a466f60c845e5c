"""The files beside a data plane by which it proves to us who it is, and how gRPC and Envoy read them; pure."""

import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from governance.kernel.errors import Invalid
from governance.pki.names import check_trust_domain, workload_uri

CERTIFICATE, KEY, ROOTS = "tls.crt", "tls.key", "ca.crt"
CONTROL_PLANE = "governor", "control-plane"  # namespace and name of the workload that data planes connect to
_CERTIFICATE, _ROOTS = "certificate", "roots"  # the names of the secrets that Envoy makes of them
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
_REFRESH = "1s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where a data plane finds its certificate, its key and the trusted roots: tls.crt, tls.key and ca.crt.

    They are read again when they change; let them change by `gateway.tls.directory.publish`. With `trust_domain` an
    Envoy connects to the control plane of that domain only. gRPC instead compares the address it connects to with the
    DNS names and IP addresses in our certificate.
    """

    directory: str
    trust_domain: str = ""

    def __post_init__(self) -> None:
        if not PurePath(self.directory).is_absolute():
            raise Invalid(f"{self.directory!r} is not an absolute path", field="directory")
        if self.trust_domain:
            check_trust_domain(self.trust_domain, field="trust_domain")

    def path(self, name: str) -> str:
        """Where one of the files is."""
        return str(PurePath(self.directory) / name)


def file_watcher(certificates: Certificates) -> dict[str, Any]:
    """How gRPC reads them (proposals A29 and A65): once a second."""
    return {
        "certificate_file": certificates.path(CERTIFICATE),
        "private_key_file": certificates.path(KEY),
        "ca_certificate_file": certificates.path(ROOTS),
        "refresh_interval": _REFRESH,
    }


def envoy_files(certificates: Certificates) -> dict[str, bytes]:
    """What an Envoy needs in the directory besides the three: it reads certificates again only as secrets."""
    watched = {"path": certificates.directory}
    chain, key = certificates.path(CERTIFICATE), certificates.path(KEY)
    pair = {"certificate_chain": {"filename": chain}, "private_key": {"filename": key}, "watched_directory": watched}
    roots = {"trusted_ca": {"filename": certificates.path(ROOTS)}, "watched_directory": watched}
    return {
        _file_of(_CERTIFICATE): _secret(_CERTIFICATE, "tls_certificate", pair),
        _file_of(_ROOTS): _secret(_ROOTS, "validation_context", roots),
    }


def control_plane_socket(certificates: Certificates) -> dict[str, Any]:
    """The transport socket by which an Envoy connects to us."""
    checks: dict[str, Any] = {"validation_context_sds_secret_config": _from_file(certificates, _ROOTS)}
    if certificates.trust_domain:
        uri = workload_uri(certificates.trust_domain, *CONTROL_PLANE)
        matcher = {"san_type": "URI", "matcher": {"exact": uri}}
        checks["default_validation_context"] = {"match_typed_subject_alt_names": [matcher]}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": _TLS + "UpstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificate_sds_secret_configs": [_from_file(certificates, _CERTIFICATE)],
                "combined_validation_context": {"default_validation_context": {}, **checks},
                "alpn_protocols": ["h2"],
            },
        },
    }


def _from_file(certificates: Certificates, name: str) -> dict[str, Any]:
    source = {"path_config_source": {"path": certificates.path(_file_of(name))}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def _file_of(name: str) -> str:
    return f"{name}.sds.json"


def _secret(name: str, kind: str, content: dict[str, Any]) -> bytes:
    return json.dumps({"resources": [{"@type": _TLS + "Secret", "name": name, kind: content}]}, indent=2).encode()
