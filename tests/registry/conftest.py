"""What tests of the registry share."""

import pytest

from governance.kernel.actor import SYSTEM
from governance.ledger.command import Receipt
from governance.ledger.execute import execute
from governance.registry import queries
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import Endpoint, EndpointSpec, ServiceSpec
from tests.fixtures.house import House


def register(name: str, *, ttl_s: int = 0, service: str = "checkout", **values: object) -> Receipt:
    """Register an instance of the shop."""
    spec = {"host": "127.0.0.1", "port": 7000 + int(name[1:]), "zone": "z1"} | values
    command = RegisterEndpoint(
        namespace="shop",
        service=service,
        spec=EndpointSpec(name=name, **spec),  # type: ignore[arg-type]  # the tests give bad ones on purpose
        ttl_s=ttl_s,
    )
    return execute(command, by=SYSTEM)


def endpoints(service: str = "checkout") -> dict[str, Endpoint]:
    """The instances that are registered, by name."""
    found = queries.service("shop", service)
    assert found is not None
    return {endpoint.name: endpoint for endpoint in found.endpoints}


@pytest.fixture
def checkout(ledger: House) -> str:
    """A service without instances."""
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)
    return "checkout"
