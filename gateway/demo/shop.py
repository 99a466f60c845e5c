"""What the demo fleet consists of; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

NAMESPACE = "default"
# The programs, as workloads: one process runs all servers, two are clients, and an Envoy stands in front.
FLEET, CALLERS, FRONT = "demo-fleet", ("caller-z1", "caller-z2"), "front"
# The name under which the Envoy shows a certificate.
FRONT_NAME = "shop.localhost"
PACKAGE = "governor.demo.v1"
# Key in an endpoint's metadata: "true" stops the instance's server, anything else starts it again.
DOWN = "demo.down"
# Key in an endpoint's metadata: how long each answer takes (ms), instead of what is built in.
LATENCY = "demo.latency_ms"
MAX_LATENCY_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One service of the shop: its short call and its long stream are methods of one protobuf service."""

    name: str
    grpc_service: str
    unary: str
    stream: str
    owner: str
    description: str

    @property
    def unary_path(self) -> str:
        """The short call as gRPC spells it."""
        return f"/{self.grpc_service}/{self.unary}"

    @property
    def stream_path(self) -> str:
        """The long stream as gRPC spells it."""
        return f"/{self.grpc_service}/{self.stream}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One server of the fleet as it is planned."""

    name: str
    zone: str
    version: str
    latency_ms: int


SHOP: tuple[Offer, ...] = (
    Offer(
        name="checkout",
        grpc_service=f"{PACKAGE}.Checkout",
        unary="PlaceOrder",
        stream="FollowOrders",
        owner="storefront",
        description="Takes orders.",
    ),
    Offer(
        name="inventory",
        grpc_service=f"{PACKAGE}.Inventory",
        unary="ReserveItem",
        stream="FollowStock",
        owner="warehouse",
        description="Knows what is in stock and reserves it.",
    ),
    Offer(
        name="payments",
        grpc_service=f"{PACKAGE}.Payments",
        unary="Charge",
        stream="FollowPayments",
        owner="finance",
        description="Charges customers.",
    ),
)

# Zone, version and latency (ms) of the first to the fourth instance of every service.
_LAYOUT = (("z1", "v1", 4), ("z1", "v1", 6), ("z2", "v2", 9), ("z3", "v2", 14))


def instances(offer: Offer) -> tuple[Instance, ...]:
    """The planned instances of a service."""
    return tuple(
        Instance(name=f"{offer.name}-{number}", zone=zone, version=version, latency_ms=latency_ms)
        for number, (zone, version, latency_ms) in enumerate(_LAYOUT, start=1)
    )


def tuning(metadata: Mapping[str, str], *, planned_ms: int) -> tuple[bool, int]:
    """Whether an instance is to be down, and its latency (ms), as its endpoint's metadata ask."""
    text = metadata.get(LATENCY, "")  # anyone may have written it: nonsense is not obeyed
    wanted = int(text) if text.isascii() and text.isdigit() else planned_ms
    return metadata.get(DOWN) == "true", min(wanted, MAX_LATENCY_MS)
