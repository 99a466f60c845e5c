"""One product for the journeys of a module, with a shop in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.proto import common_pb2, registry_pb2
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import Product, running

REGISTRY = "/governor.admin.v1.RegistryService/"


@dataclass(frozen=True)
class Shop:
    """A running product with the service shop/checkout of four instances c0..c3, and tokens for it."""

    product: Product
    operator: str
    auditor: str

    @property
    def web(self) -> GrpcWeb:
        """The gRPC-Web door, as an operator."""
        return GrpcWeb(self.product.url, self.operator)

    @property
    def audit(self) -> GrpcWeb:
        """The gRPC-Web door, as an auditor."""
        return GrpcWeb(self.product.url, self.auditor)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The product without its demo fleet, and a service that nobody answers for."""
    directory: Path = tmp_path_factory.mktemp("shop")
    with running(directory / "data") as product:
        shop = Shop(product, product.token("operator"), product.token("auditor"))
        service = registry_pb2.CreateServiceRequest(namespace="shop", name="checkout")
        shop.web.unary(REGISTRY + "CreateService", service, common_pb2.Receipt)
        for n in range(4):
            endpoint = registry_pb2.RegisterEndpointRequest(
                namespace="shop", service="checkout", name=f"c{n}", host="127.0.0.1", port=9 + n, zone="z1", ttl_s=0
            )
            shop.web.unary(REGISTRY + "RegisterEndpoint", endpoint, registry_pb2.RegisterEndpointResponse)
        yield shop
