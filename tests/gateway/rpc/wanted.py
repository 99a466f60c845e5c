"""A certificate to ask for, and how a refusal is caught."""

from typing import Any

import grpc
import pytest
from asgiref.sync import sync_to_async

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2

CART = pb.CertificateSpec(dns_names=["cart.shop.svc"], uris=["spiffe://governor.internal/ns/shop/sa/cart"])
# What begins a private key in PEM, and one that is sealed.
SECRETS = (b"PRIVATE KEY", b"GSL\x01")


def in_thread(work: Any) -> Any:
    return sync_to_async(work, thread_sensitive=False)


def request(name: str = "cart", spec: pb.CertificateSpec = CART, **mutation: Any) -> pb.RequestCertificateRequest:
    return pb.RequestCertificateRequest(
        namespace="shop", name=name, spec=spec, mutation=common_pb2.Mutation(**mutation)
    )


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return refusal.value
