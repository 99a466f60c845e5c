"""Who is at the other end of a stream: the SPIFFE ID in the certificate it proved to hold, and nothing it says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc

from gateway.tls.peers import peer_of
from gateway.xds.trust import Trust
from governance.kernel.errors import Unauthenticated
from governance.pki.names import workload_of


def identity_of(auth_context: Mapping[str, Iterable[bytes]], trust: Trust) -> str:
    """The peer's SPIFFE ID; empty on a plain-text port.

    Unauthenticated without a certificate where one is required, and for a certificate that has not exactly one URI,
    or one that names no workload of our trust domain.
    """
    peer = peer_of(auth_context)
    if peer is None:
        if trust.require_identity:
            raise Unauthenticated("show a client certificate: this port serves workloads with an identity")
        return ""
    if len(peer.uris) != 1:
        raise Unauthenticated(f"the client certificate has {len(peer.uris)} URIs; a workload's has exactly one")
    (uri,) = peer.uris
    if workload_of(uri, trust.trust_domain) is None:
        expected = f"spiffe://{trust.trust_domain}/ns/NAMESPACE/sa/NAME"
        raise Unauthenticated(f"the client certificate is for {uri[:200]!r}, which is not of the form {expected}")
    return uri


async def identified(context: Any, identify: Callable[[Any], str]) -> str:
    """Whose call it is, by `identify`; the call ends UNAUTHENTICATED when that refuses."""
    try:
        return identify(context)
    except Unauthenticated as refusal:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, refusal.message)
        raise  # not reached: abort raises an error of its own
