"""TLS contexts as transport sockets: Envoy takes secrets from this stream, gRPC files beside the process; pure."""

from collections.abc import Sequence
from typing import Any

from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateProviderPluginInstance,
    CertificateValidationContext,
    SubjectAltNameMatcher,
    TlsParameters,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, DownstreamTlsContext, UpstreamTlsContext
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import BoolValue

from gateway.xds.names import TRUST, WORKLOAD, server_dns
from gateway.xds.trust import Transport

_NAME = "envoy.transport_sockets.tls"


def ads() -> ConfigSource:
    """Where to ask: on this very stream."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def packed(message: Any) -> Any:
    """`message` as an Any, the same bytes every time."""
    wrapped = AnyMessage()
    wrapped.Pack(message, deterministic=True)
    return wrapped


def to_server(transport: Transport, *, plane: str) -> Any:
    """How a client of `plane` speaks to the service: it shows its own certificate, and checks whose the server's is."""
    common = _for_envoy(transport.server_uris) if plane == "envoy" else _for_grpc(transport.server_uris)
    name = server_dns(transport.namespace, transport.service)
    return _socket(UpstreamTlsContext(common_tls_context=common, sni=name))


def _for_envoy(server_uris: Sequence[str]) -> Any:
    matchers = [
        SubjectAltNameMatcher(san_type=SubjectAltNameMatcher.URI, matcher=StringMatcher(exact=uri))
        for uri in server_uris
    ]
    checks = CommonTlsContext.CombinedCertificateValidationContext(
        default_validation_context=CertificateValidationContext(match_typed_subject_alt_names=matchers),
        validation_context_sds_secret_config=_sds(TRUST),
    )
    return CommonTlsContext(
        tls_params=_modern(),
        tls_certificate_sds_secret_configs=[_sds(WORKLOAD)],
        combined_validation_context=checks,
        alpn_protocols=["h2"],
    )


def _for_grpc(server_uris: Sequence[str]) -> Any:
    """By untyped matchers: C-core (1.85) passes over typed ones in silence, and then takes any certificate.

    Untyped ones compare with names of every type, of which only URIs look like a SPIFFE ID.
    """
    checked = _provided_roots()
    checked.match_subject_alt_names.extend(StringMatcher(exact=uri) for uri in server_uris)
    checks = CommonTlsContext.CombinedCertificateValidationContext(default_validation_context=checked)
    return CommonTlsContext(tls_certificate_provider_instance=_provider(), combined_validation_context=checks)


def of_server() -> Any:
    """How an xDS-enabled gRPC server is spoken to: it shows its own certificate and demands one."""
    return _socket(
        DownstreamTlsContext(
            common_tls_context=CommonTlsContext(
                tls_certificate_provider_instance=_provider(), validation_context=_provided_roots()
            ),
            require_client_certificate=BoolValue(value=True),
        )
    )


def of_ingress(secret: str, *, alpn: Sequence[str], demand: bool) -> Any:
    """How an Envoy's ingress is spoken to: it shows `secret`; with `demand` callers show a certificate too.

    A resumed session would bring back a caller whose certificate has expired meanwhile, unseen: so there is none then.
    """
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_params=_modern(), tls_certificate_sds_secret_configs=[_sds(secret)], alpn_protocols=alpn
        )
    )
    if demand:
        context.common_tls_context.validation_context_sds_secret_config.CopyFrom(_sds(TRUST))
        context.require_client_certificate.value = True
        context.disable_stateless_session_resumption = context.disable_stateful_session_resumption = True
    return _socket(context)


def _sds(name: str) -> Any:
    return SdsSecretConfig(name=name, sds_config=ads())


def _provider() -> Any:
    return CertificateProviderPluginInstance(instance_name=WORKLOAD)


def _provided_roots() -> Any:
    return CertificateValidationContext(ca_certificate_provider_instance=_provider())


def _modern() -> Any:
    return TlsParameters(tls_minimum_protocol_version=TlsParameters.TLSv1_2)


def _socket(context: Any) -> Any:
    return TransportSocket(name=_NAME, typed_config=packed(context))
